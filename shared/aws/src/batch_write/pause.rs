//! The pause between attempts: random up to a bound that doubles ("full jitter").
//!
//! Source: [Exponential backoff and jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

use std::time::Duration;

/// Attempts at what is throttled. With the bounds below, about three minutes on average.
pub(super) const ATTEMPTS: u32 = 25;
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(20);

/// How long to wait after an attempt, counted from 0.
pub(super) fn after(attempt: u32) -> Duration {
    bound(attempt).mul_f64(fastrand::f64())
}

fn bound(attempt: u32) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let bounds: Vec<u128> = (0..12).map(|n| bound(n).as_millis()).collect();
        assert_eq!(bounds, [50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 20000, 20000, 20000]);
        assert!(after(3) <= bound(3));
    }
}
