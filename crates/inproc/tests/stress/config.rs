//! A configuration of a queue, as its seed decides it.

use std::thread;
use std::time::{Duration as StdDuration, Instant};

use entrega_brokers::queue::QueueSettings;
use entrega_inproc::queue::QueueOptions;
use entrega_model::Duration;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Numbers from a seed.
#[derive(Clone)]
pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn one_of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// Which consumers settle at delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtDelivery {
    Never,
    Half,
    Always,
}

impl AtDelivery {
    /// As often as they are chosen.
    const ALL: [Self; 8] = {
        let mut all = [Self::Never; 8];
        (all[6], all[7]) = (Self::Half, Self::Always);
        all
    };

    pub(crate) fn is_for(self, consumer: usize) -> bool {
        match self {
            Self::Never => false,
            Self::Half => consumer.is_multiple_of(2),
            Self::Always => true,
        }
    }
}

/// How a round ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// It is closed when everything is sent.
    WhenSent,
    /// It is closed then, whether everything is sent or not.
    Closes(StdDuration),
    /// It is stopped then.
    Stops(StdDuration),
}

impl Ending {
    pub(crate) fn random(random: &mut Random) -> Self {
        let after = StdDuration::from_micros(random.below(20_000));
        match random.below(10) {
            0 | 1 => Self::Closes(after),
            2 => Self::Stops(after),
            _ => Self::WhenSent,
        }
    }

    /// Whether it may be stopped.
    pub(crate) fn may_stop(self) -> bool {
        matches!(self, Self::Stops(_))
    }

    /// Waits until everything is sent. Meanwhile it calls `close` or `stop` when it is time.
    pub(crate) fn wait(
        self,
        mut is_all_sent: impl FnMut() -> bool,
        close: impl Fn(),
        stop: impl Fn(),
    ) {
        let start = Instant::now();
        while !is_all_sent() {
            match self {
                Self::Closes(after) if start.elapsed() >= after => close(),
                Self::Stops(after) if start.elapsed() >= after => stop(),
                _ => {}
            }
            thread::sleep(StdDuration::from_micros(200));
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) seed: u64,
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
    /// How many messages each producer sends.
    pub(crate) each: usize,
    pub(crate) has_sole_producer: bool,
    pub(crate) at_delivery: AtDelivery,
    /// Destructors panic now and then.
    pub(crate) destructors_panic: bool,
    pub(crate) ending: Ending,
    pub(crate) settings: QueueSettings,
    capacity: usize,
    segment: usize,
    window: usize,
    rotation: usize,
}

impl Config {
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let ms = Duration::from_millis;
        let lease = random.one_of(&[Duration::MAX, Duration::MAX, ms(1), ms(5), ms(100)]);
        let settings = QueueSettings {
            visibility_timeout: lease,
            prefetch: random.one_of(&[0, 0, 1, 3, 20]),
            delivery_limit: random.one_of(&[None, None, Some(3)]),
            dead_letter: random.once_in(2),
            requeue_on_disconnect: lease == Duration::MAX || random.once_in(2),
            ..QueueSettings::default()
        };
        let has_sole_producer = random.once_in(4);
        Self {
            seed,
            producers: if has_sole_producer { 1 } else { 1 + random.below(3) as usize },
            consumers: 1 + random.below(4) as usize,
            each: random.one_of(&[1, 20, 300, 2_000]),
            has_sole_producer,
            at_delivery: random.one_of(&AtDelivery::ALL),
            destructors_panic: random.once_in(4),
            ending: Ending::random(&mut random),
            settings,
            capacity: random.one_of(&[1, 2, 8, 64, 4096]),
            segment: random.one_of(&[1, 3, 4, 64, 512]),
            window: random.one_of(&[1, 2, 8, 256]),
            rotation: random.one_of(&[0, 0, 20_000]),
        }
    }

    pub(crate) fn options(&self) -> QueueOptions {
        QueueOptions {
            settings: self.settings.clone(),
            capacity: self.capacity,
            segment: self.segment,
            window: self.window,
            rotation: self.rotation,
        }
    }

    /// How many segments there may be, if consumers have at most this many deliveries each.
    pub(crate) fn most_segments(&self, held_each: usize) -> usize {
        let in_use = self.capacity.div_ceil(self.segment).max(2);
        let rotated = self.rotation / (self.segment * 8).max(1);
        in_use.max(rotated) + self.consumers * (held_each + 2)
    }
}
