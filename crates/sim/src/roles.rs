//! What a process of each role does in one of its lives: the producer sends the workload, a
//! consumer executes its program.

use std::cell::RefCell;
use std::rc::Rc;

use entrega_brokers::Broker;
use entrega_clients::Supervised;
use entrega_clients::combinators::{alongside, closing};
use entrega_clients::producers::{
    BatchPublisher, Outgoing, buffered, confirmed, fire_and_forget, pipelined,
};
use entrega_model::{ClientId, SubscriptionId};
use entrega_scenario::setup;
use entrega_scenario::{Order, ProducerSettings, ProducerStrategy, Role};

use crate::executor::Life;
use crate::experiment::Experiment;
use crate::handler::{Recall, SimHandler};
use crate::link::SimLink;
use crate::outgoing::{FromOutbox, Planned};
use crate::platform::Platform;
use crate::program::Program;
use crate::world::{Routed, World};

/// Makes a life of a process of an experiment, as its role says.
pub(crate) fn life<'a, P: Platform + 'a>(
    experiment: &Experiment<'a>,
    platform: &P,
    world: &Rc<RefCell<World<P::Broker>>>,
    program: &'a impl Program,
    client: ClientId,
) -> Life<'a>
where
    <P::Broker as Broker>::Request: Routed,
{
    let role = world.borrow().processes[client.process.index()].role;
    let link = SimLink { world: Rc::clone(world), client, forgets: false, alone: true };
    match role {
        Role::Producer { .. } => producer(experiment, platform, link),
        Role::Consumer { subscription, .. } => {
            consumer(experiment, platform, link, subscription, program)
        }
    }
}

/// The producer sends the workload and is done, with what its outbox says is to be sent again, if
/// it keeps one.
fn producer<'a, P: Platform + 'a>(
    experiment: &Experiment<'a>,
    platform: &P,
    link: SimLink<P::Broker>,
) -> Life<'a>
where
    <P::Broker as Broker>::Request: Routed,
{
    let settings = &experiment.scenario.producer;
    let alone = !settings.is_pipelined() && setup::buffering(settings).is_none();
    let link = SimLink { alone, ..link };
    let publisher = platform.publisher(link.clone(), settings);
    let keeps_outbox = link.world.borrow().outbox.is_kept();
    let planned = Planned { link, workload: experiment.workload };
    if keeps_outbox {
        sends(publisher, FromOutbox(planned), settings)
    } else {
        sends(publisher, planned, settings)
    }
}

/// Sends everything in the way of the settings. Each way is boxed by itself, so that none has a
/// future of the size of all.
fn sends<'a>(
    publisher: impl BatchPublisher + 'a,
    outgoing: impl Outgoing + 'a,
    settings: &ProducerSettings,
) -> Life<'a> {
    let retries = setup::retries(settings);
    if let Some(buffering) = setup::buffering(settings) {
        return Box::pin(async move {
            buffered(&publisher, &outgoing, buffering).await;
            Ok(())
        });
    }
    let most = settings.max_in_flight;
    match settings.strategy {
        ProducerStrategy::Confirmed if settings.is_pipelined() => Box::pin(async move {
            pipelined(&publisher, &outgoing, retries, most).await;
            Ok(())
        }),
        ProducerStrategy::Confirmed => Box::pin(async move {
            confirmed(&publisher, &outgoing, retries).await;
            Ok(())
        }),
        ProducerStrategy::FireAndForget => Box::pin(async move {
            fire_and_forget(&publisher, &outgoing).await;
            Ok(())
        }),
    }
}

/// A consumer executes its program. Its client library works beside it, and it closes when it
/// leaves.
fn consumer<'a, P: Platform + 'a>(
    experiment: &Experiment<'a>,
    platform: &P,
    link: SimLink<P::Broker>,
    subscription: SubscriptionId,
    program: &'a impl Program,
) -> Life<'a>
where
    <P::Broker as Broker>::Request: Routed,
{
    let &Experiment { scenario, workload, strategy, .. } = experiment;
    let config = setup::client_config(scenario, strategy, subscription);
    let explores = scenario.network.order == Order::Chosen;
    let recall = Recall::of(experiment);
    let remembers = recall.as_ref().is_some_and(|recall| recall.is_in_memory());
    let forgets = explores && program.keeps_nothing_between_deliveries() && !remembers;
    let alone = program.waits_for_one_thing() && !P::has_background(&config);
    let link = SimLink { forgets, alone, ..link };
    let inbox = platform.inbox(link.clone(), config);
    let writes = strategy.spec().sink.is_broker();
    let transacting = || setup::transaction_config(scenario, subscription);
    let producer = writes.then(|| P::transactions(link.clone(), transacting()));
    let handler =
        SimHandler::new(link.clone(), subscription, workload, recall).writing_with(producer);
    let handler = handler.outliving_workers(experiment.outlives_workers());
    Box::pin(async move {
        let app = Supervised {
            inbox: &inbox,
            handler: &handler,
            dead_letters: &handler,
            policy: setup::error_policy(scenario.consumer.on_error),
            max_attempts: scenario.consumer.max_attempts,
            retry_backoff: scenario.consumer.retry_backoff.duration(),
            batch: setup::batch_rules(&scenario.consumer),
        };
        let main = closing(&inbox, P::consume(program, &link, &inbox, &app));
        if alone { main.await } else { alongside(main, P::background(&inbox)).await }
    })
}
