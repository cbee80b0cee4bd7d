//! A consumer that goes wrong where a revocation comes before a poll gives up.

use entrega::prelude::*;

/// Settles on a revocation what it has not processed: what it commits then it may never see again.
pub(crate) async fn settles_what_it_holds(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    let mut held: Vec<Delivery> = Vec::new();
    loop {
        let until = if held.is_empty() { Instant::NEVER } else { inbox.now() };
        match inbox.poll(until).await? {
            Turn::Delivery(delivery) if held.is_empty() => held.push(delivery),
            Turn::Delivery(delivery) => {
                held.push(delivery);
                work_off(&mut held, inbox, app).await?;
            }
            Turn::Idle => work_off(&mut held, inbox, app).await?,
            Turn::Revoking => {
                inbox.settle(&held).await.carry_on();
                held.clear();
            }
            Turn::Lost => held.clear(),
            Turn::Assigned(_) => {}
            Turn::Shutdown => return Ok(()),
        }
    }
}

/// Processes and settles the first message that is held.
async fn work_off(
    held: &mut Vec<Delivery>,
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    let delivery = held.remove(0);
    let done = app.process(&delivery).await?;
    inbox.settle(done).await.carry_on();
    Ok(())
}
