//! The one place that asks what time it is; everything else is told.

use jiff::Timestamp;

/// The time now.
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    Timestamp::now()
}
