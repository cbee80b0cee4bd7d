//! A consumer that goes wrong where a dead letter is given up before a lease ends.

use entrega::prelude::*;

/// Takes a dead letter for written whatever became of it.
pub(crate) async fn ignores_its_dead_letters(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if app.process_with_attempts(&delivery).await.is_err() {
            let _ = app.dead_letter(&delivery).await;
        }
        inbox.settle(&[delivery]).await.carry_on();
    }
    Ok(())
}
