//! A configuration, as its seed decides it.

use std::time::Duration as StdDuration;

use entrega_brokers::queue::{Overflow, QueueSettings};
use entrega_model::Duration;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// How many messages the observer publishes at most.
pub(crate) const OWN: usize = 20;

/// Numbers from a seed.
pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    /// True once in `times`, and never if that is 0.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        times > 0 && self.below(times) == 0
    }

    pub(crate) fn one_of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// Who keeps the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeKeeper {
    /// Calls alone.
    Nobody,
    /// A runtime of the user.
    Future,
    /// The broker's own thread.
    Thread,
}

/// How often the observer does what, each once in so many times; 0 is never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    pub(crate) uses_the_broker: u64,
    pub(crate) is_slow: u64,
    pub(crate) panics: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) seed: u64,
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
    /// How many messages each producer publishes.
    pub(crate) each: usize,
    pub(crate) time: TimeKeeper,
    pub(crate) observer: Habits,
    /// Calls are given up in the middle.
    pub(crate) cancels: bool,
    /// Requests and answers are lost, once in so many times.
    pub(crate) loses: u64,
    pub(crate) restarts: bool,
    /// The broker is closed then, whether everything is sent or not.
    pub(crate) closes_after: Option<StdDuration>,
    pub(crate) settings: QueueSettings,
}

impl Config {
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let early = random.once_in(5).then(|| StdDuration::from_micros(random.below(20_000)));
        Self {
            seed,
            producers: 1 + random.below(3) as usize,
            consumers: 1 + random.below(4) as usize,
            each: random.one_of(&[1, 20, 100, 400]),
            time: random.one_of(&[TimeKeeper::Nobody, TimeKeeper::Future, TimeKeeper::Thread]),
            observer: Habits {
                uses_the_broker: random.one_of(&[0, 3, 30]),
                is_slow: random.one_of(&[0, 0, 100]),
                panics: random.one_of(&[0, 0, 7, 50, 500]),
            },
            cancels: random.once_in(2),
            loses: random.one_of(&[0, 0, 0, 20]),
            restarts: random.once_in(5),
            closes_after: early,
            settings: settings(&mut random),
        }
    }

    /// How many processes there are; the last is the observer.
    pub(crate) fn processes(&self) -> usize {
        self.producers + self.consumers + 1
    }

    /// Whether a delivery may be made of which its consumer does not learn.
    pub(crate) fn hides_deliveries(&self) -> bool {
        self.cancels || self.restarts || self.loses > 0 || self.observer.panics > 0
    }
}

fn settings(random: &mut Random) -> QueueSettings {
    let ms = Duration::from_millis;
    let lease = random.one_of(&[Duration::MAX, Duration::MAX, ms(1), ms(5), ms(100)]);
    QueueSettings {
        visibility_timeout: lease,
        prefetch: random.one_of(&[0, 0, 1, 3, 20]),
        delivery_limit: random.one_of(&[None, None, Some(1), Some(3)]),
        dead_letter: random.once_in(2),
        requeue_on_disconnect: lease == Duration::MAX || random.once_in(2),
        max_length: random.one_of(&[None, None, None, Some(5), Some(50)]),
        overflow: random.one_of(&[Overflow::DropHead, Overflow::RejectPublish]),
        ..QueueSettings::default()
    }
}
