//! How much time an invocation has.

use std::time::Duration;

use tokio::time::Instant;

/// The end of an invocation, and how long before it what has to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: Instant,
    /// How long it had from its beginning on.
    whole: Duration,
    /// Kept for ending in order: a quarter of the whole, a minute at most.
    reserve: Duration,
}

impl Deadline {
    /// Longer is never needed to write what is under way, a checkpoint and a message.
    const LONGEST_RESERVE: Duration = Duration::from_mins(1);

    /// For an invocation that has so much time left.
    pub(crate) fn after(left: Duration) -> Self {
        let reserve = (left / 4).min(Self::LONGEST_RESERVE);
        Self { end: Instant::now() + left, whole: left, reserve }
    }

    /// When to begin nothing more.
    pub(crate) fn stop_at(self) -> Instant {
        self.end - self.reserve
    }

    /// Whether less than a quarter of the time is over.
    pub(crate) fn is_young(self) -> bool {
        self.end - Instant::now() > self.whole / 4 * 3
    }

    /// When to leave what is under way.
    pub(crate) fn abandon_at(self) -> Instant {
        self.end - self.reserve / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_time_is_kept() {
        let kept = |seconds| {
            let deadline = Deadline::after(Duration::from_secs(seconds));
            [deadline.stop_at(), deadline.abandon_at()].map(|at| (deadline.end - at).as_millis())
        };
        assert_eq!(kept(10), [2500, 1250]);
        assert_eq!(kept(900), [60_000, 30_000]);
        assert_eq!(kept(0), [0, 0]);
    }
}
