//! Messages a second through every strategy of the catalogue, for real: straight on `LiveQueue` and
//! `LiveLog`, and beside them a few on the served sans-IO brokers.
//!
//! A producer on a thread of its own posts as fast as it is let; one consumer runs the strategy on
//! the measuring thread, over a sink in memory. Nobody watches. A run is over when everything is
//! processed, and settled as far as the strategy settles.

#![expect(clippy::disallowed_types, reason = "a benchmark looks at the clock")]

use std::cell::{Cell, RefCell};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group,
    criterion_main, measurement::WallTime,
};
use entrega_brokers::log::{LogBroker, LogSettings};
use entrega_brokers::queue::{QueueBroker, QueueSettings};
use entrega_clients::application::TransactionalHandler;
use entrega_clients::producers::Publisher;
use entrega_clients::sinks::ChosenSink;
use entrega_clients::{
    BatchError, Catalogued, DeadLetters, Handler, HandlerError, OffsetReset, Prepared, Strategy,
    Unanswered,
};
use entrega_inproc::log::LogOptions;
use entrega_inproc::queue::{LiveQueue, QueueOptions};
use entrega_live::direct::{DirectLog, DirectQueue};
use entrega_live::{Clock, ConsumerSettings, Served, ServedModel, consume};
use entrega_model::event::EffectVerdict;
use entrega_model::log::Offset;
use entrega_model::{
    Delivery, Instant as Moment, Key, MessageId, Model, PartitionId, ProcessId, Record,
    SubscriptionId,
};

const MESSAGES: u32 = 20_000;
const PRODUCER: ProcessId = ProcessId(0);
const CONSUMER: ProcessId = ProcessId(1);
const MAILER: SubscriptionId = SubscriptionId(0);

/// Shown on the served brokers too.
const SERVED: [Strategy; 4] = [
    Strategy::ProcessThenSettle,
    Strategy::SettleEveryN,
    Strategy::AutoSettleAtDelivery,
    Strategy::MicroBatch,
];

/// Applies effects in memory and reads every record. Calls `done` after the last message.
struct Reads<F> {
    sink: RefCell<ChosenSink>,
    sum: Cell<u64>,
    left: Cell<u32>,
    done: F,
}

impl<F: Fn()> Reads<F> {
    fn new(strategy: Strategy, model: Model, done: F) -> Self {
        let sink = ChosenSink::of(strategy, model, 0);
        let (sink, sum, left) = (RefCell::new(sink), Cell::new(0), Cell::new(MESSAGES));
        Self { sink, sum, left, done }
    }

    fn apply(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let Record { message, key, bytes } = delivery.record;
        self.sum.set(self.sum.get() + u64::from(message.0 ^ key.0) + u64::from(bytes));
        if self.sink.borrow_mut().apply(delivery, Moment::START) == EffectVerdict::Rejected {
            return Err(HandlerError::Rejected);
        }
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0 {
            (self.done)();
        }
        Ok(())
    }

    /// Every record was read, once.
    fn check(&self) {
        let expected = (0..MESSAGES).map(record);
        let sum = |one: Record| u64::from(one.message.0 ^ one.key.0) + u64::from(one.bytes);
        assert_eq!((self.left.get(), self.sum.get()), (0, expected.map(sum).sum()));
    }
}

impl<F: Fn()> Handler for Reads<F> {
    async fn process(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        self.apply(delivery)
    }

    async fn process_batch(&self, batch: &[Delivery]) -> Result<(), BatchError> {
        batch.iter().try_for_each(|one| self.apply(one)).map_err(|_| BatchError::Unknown)
    }

    async fn pause(&self, _span: entrega_model::Duration) {}
}

impl<F: Fn()> DeadLetters for Reads<F> {
    async fn store(&self, _delivery: &Delivery) -> Result<(), Unanswered> {
        Ok(())
    }
}

impl<F: Fn()> TransactionalHandler for Reads<F> {
    async fn stored_offset(&self, partition: PartitionId) -> Result<Option<Offset>, Unanswered> {
        Ok(self.sink.borrow().stored_offset(partition))
    }

    async fn has_row(&self, delivery: &Delivery) -> Result<bool, Unanswered> {
        Ok(self.sink.borrow_mut().has_row(delivery.record.message, Moment::START))
    }

    async fn pass(&self, _delivery: &Delivery) -> Result<(), HandlerError> {
        Ok(())
    }

    /// It has no producer that would prepare anything.
    async fn recover(&self) -> Result<Option<Prepared>, Unanswered> {
        Ok(None)
    }

    /// It keeps none: without a producer it is not asked.
    async fn checkpoint(
        &self,
        _delivery: &Delivery,
        _prepared: Option<Prepared>,
    ) -> Result<bool, Unanswered> {
        Ok(false)
    }
}

fn record(number: u32) -> Record {
    Record { message: MessageId(number), key: Key(number % 64), bytes: 64 }
}

/// Commits that the library makes by itself must not hold the producer up.
fn settings(strategy: Strategy) -> ConsumerSettings {
    let mut settings = ConsumerSettings::of(strategy, MAILER);
    settings.client.auto_commit_interval = entrega_model::Duration::from_millis(1);
    settings.client.auto_offset_reset = OffsetReset::Earliest;
    settings
}

fn block_on<R>(future: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.unwrap_or_else(|error| panic!("{error}")).block_on(future)
}

fn on_a_live_queue(strategy: Strategy) -> Duration {
    let options = QueueOptions { capacity: 8192, ..QueueOptions::default() };
    let queue = DirectQueue::new(LiveQueue::<Record>::new(options), Clock::new());
    let reads = Reads::new(strategy, Model::Queue, || {});
    let (link, code) = (queue.served().connect(CONSUMER), Catalogued::new(strategy));
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let publisher = queue.publisher(&queue.served().connect(PRODUCER), |record| record);
            (0..MESSAGES).map(record).for_each(|record| publisher.post(record));
            queue.queue().close();
        });
        let ended = block_on(queue.consume(link, &code, &settings(strategy), &reads));
        assert_eq!(ended, Ok(()), "{strategy}");
    });
    let elapsed = start.elapsed();
    reads.check();
    elapsed
}

fn on_a_live_log(strategy: Strategy) -> Duration {
    let options = LogOptions { capacity: 8192, ..LogOptions::default() };
    let log = DirectLog::<Record>::new(options, LogSettings::default(), Clock::new());
    let reads = Reads::new(strategy, Model::Log, || log.served().close());
    let (link, code) = (log.served().connect(CONSUMER), Catalogued::new(strategy));
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let publisher = log.publisher(&log.served().connect(PRODUCER), |record| record);
            (0..MESSAGES).map(record).for_each(|record| publisher.post(record));
        });
        let ended = block_on(async {
            let timer = tokio::spawn(log.served().keep_time());
            let ended = log.consume(link, &code, &settings(strategy), &reads).await;
            timer.abort();
            ended
        });
        assert_eq!(ended, Ok(()), "{strategy}");
    });
    let elapsed = start.elapsed();
    reads.check();
    elapsed
}

fn on_a_served<B: ServedModel>(broker: B, model: Model, strategy: Strategy) -> Duration
where
    Served<B>: Sync,
{
    let served = Served::new(broker, Clock::new(), ());
    let reads = Reads::new(strategy, model, || served.close());
    let (link, code) = (served.connect(CONSUMER), Catalogued::new(strategy));
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let publisher = B::publisher(served.connect(PRODUCER), 1);
            (0..MESSAGES).map(record).for_each(|record| publisher.post(record));
        });
        let ended = block_on(async {
            let timer = tokio::spawn(served.keep_time());
            let ended = consume(link, &code, &settings(strategy), &reads).await;
            timer.abort();
            ended
        });
        assert_eq!(ended, Ok(()), "{strategy}");
    });
    let elapsed = start.elapsed();
    reads.check();
    elapsed
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(MESSAGES.into()));
    group.sampling_mode(SamplingMode::Flat);
    group
}

fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    on: &str,
    strategy: Strategy,
    run: impl Fn(Strategy) -> Duration,
) {
    group.bench_function(BenchmarkId::new(on, strategy), |bencher| {
        bencher.iter_custom(|runs| (0..runs).map(|_| run(strategy)).sum());
    });
}

fn queue(criterion: &mut Criterion) {
    let mut group = group(criterion, "queue");
    for strategy in
        Strategy::ALL.into_iter().filter(|one| one.supports(Model::Queue) && one.runs_live())
    {
        measure(&mut group, "live", strategy, on_a_live_queue);
    }
    for strategy in SERVED {
        measure(&mut group, "served", strategy, |strategy| {
            on_a_served::<QueueBroker>(
                QueueBroker::new(QueueSettings::default()),
                Model::Queue,
                strategy,
            )
        });
    }
    group.finish();
}

fn log(criterion: &mut Criterion) {
    let mut group = group(criterion, "log");
    for strategy in
        Strategy::ALL.into_iter().filter(|one| one.supports(Model::Log) && one.runs_live())
    {
        measure(&mut group, "live", strategy, on_a_live_log);
    }
    for strategy in SERVED {
        measure(&mut group, "served", strategy, |strategy| {
            on_a_served::<LogBroker>(LogBroker::new(LogSettings::default()), Model::Log, strategy)
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = queue, log
}
criterion_main!(benches);
