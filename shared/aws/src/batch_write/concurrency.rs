//! How many batches may be under way: additive increase, multiplicative decrease.

use std::sync::{Mutex, PoisonError};

/// A limit that rises by one for as many batches as it allows, and halves when DynamoDB throttles.
#[derive(Debug)]
pub(super) struct Concurrency {
    limit: Mutex<f64>,
}

impl Concurrency {
    const START: f64 = 8.0;
    const MOST: f64 = 64.0;

    pub(super) fn limit(&self) -> usize {
        let limit = *self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "always between 1 and MOST"
        )]
        {
            limit as usize
        }
    }

    pub(super) fn succeeded(&self) {
        self.change(|limit| limit + 1.0 / limit);
    }

    pub(super) fn throttled(&self) {
        self.change(|limit| limit / 2.0);
    }

    fn change(&self, to: impl Fn(f64) -> f64) {
        let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        *limit = to(*limit).clamp(1.0, Self::MOST);
    }
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { limit: Mutex::new(Self::START) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrency_rises_slowly_and_falls_fast() {
        let concurrency = Concurrency::default();
        let mut seen = vec![concurrency.limit()];
        (0..40).for_each(|_| concurrency.succeeded());
        seen.push(concurrency.limit());
        concurrency.throttled();
        seen.push(concurrency.limit());
        (0..20).for_each(|_| concurrency.throttled());
        seen.push(concurrency.limit());
        // Forty times one over the limit: the square root of 8² + 2·40 is 12.
        assert_eq!(seen, [8, 12, 6, 1]);
    }
}
