//! The machine's clock as the clock of a run.
//!
//! Leases, timeouts and arrivals are given in the time of the run. A clock may run faster than the
//! machine's by a whole factor: at 1000, a lease of 30 s ends after 30 ms, and an afternoon of
//! purchases passes in seconds; nothing else changes. It reads tokio's clock, so a test that pauses
//! that one pauses this one too.

use std::num::NonZeroU32;
use std::time;

use entrega_model::{Duration, Instant};
use tokio::time::Instant as Wall;

/// The time in a run. Copies are the same clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Wall,
    factor: NonZeroU32,
}

impl Clock {
    /// A clock that starts now and runs as fast as the machine's.
    pub fn new() -> Self {
        Self::faster(NonZeroU32::MIN)
    }

    /// A clock that starts now and runs faster than the machine's by this factor.
    pub fn faster(factor: NonZeroU32) -> Self {
        Self { start: Wall::now(), factor }
    }

    /// How many times faster than the machine's it runs.
    pub fn factor(&self) -> NonZeroU32 {
        self.factor
    }

    /// The current time.
    pub fn now(&self) -> Instant {
        let elapsed = self.start.elapsed().as_nanos() * u128::from(self.factor.get());
        Instant::from_nanos(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    /// Waits until `at`; forever if that is [`Instant::NEVER`]. Needs a tokio runtime with time.
    pub async fn sleep_until(&self, at: Instant) {
        let Some(wall) = self.wall(at) else { return std::future::pending().await };
        while self.now() < at {
            tokio::time::sleep_until(wall).await;
        }
    }

    /// How long a span takes on the machine's clock, rounded up.
    pub fn real(&self, span: Duration) -> time::Duration {
        time::Duration::from_nanos(span.as_nanos().div_ceil(u64::from(self.factor.get())))
    }

    /// The machine's time for a time of the run, unless it is too far away to be represented.
    fn wall(&self, at: Instant) -> Option<Wall> {
        if at == Instant::NEVER {
            return None;
        }
        self.start.checked_add(self.real(at.since(Instant::START)))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred times faster: 30 s of the run are 300 ms of the machine.
    #[tokio::test(start_paused = true)]
    async fn a_faster_clock_reaches_a_deadline_sooner() {
        let factor = NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN);
        let (clock, wall) = (Clock::faster(factor), Wall::now());
        let lease = Duration::from_secs(30);
        clock.sleep_until(Instant::START + lease).await;
        assert!(clock.now() >= Instant::START + lease);
        assert!(wall.elapsed() < time::Duration::from_millis(310), "{:?}", wall.elapsed());
        assert_eq!(clock.real(lease), time::Duration::from_millis(300));
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_comes_is_waited_for_for_ever() {
        let clock = Clock::new();
        let hour = time::Duration::from_secs(3_600);
        assert!(tokio::time::timeout(hour, clock.sleep_until(Instant::NEVER)).await.is_err());
    }
}
