//! What is counted while an import works: by the threads that do it, for the heartbeat to write down.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::{source::BytesRead, status::Progress};

/// Counters of one phase.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Bytes of the source read in this phase, as stored.
    pub(crate) bytes: BytesRead,
    rows: AtomicU64,
    written: AtomicU64,
    rejected: AtomicU64,
    throttled: AtomicU64,
    begun: Mutex<Begun>,
    /// What another counts, if another does the work.
    told: Mutex<Option<Progress>>,
}

/// Where a phase, or a turn of it, began.
#[derive(Debug, Clone, Copy)]
struct Begun {
    at: Instant,
    rows: u64,
    bytes_total: u64,
}

impl Meter {
    /// A meter of a phase that begins now with what earlier turns have counted.
    pub(crate) fn new(so_far: &Progress) -> Self {
        let counter = |count: u64| AtomicU64::new(count);
        Self {
            bytes: Arc::new(counter(so_far.bytes)),
            rows: counter(so_far.rows),
            written: counter(so_far.written),
            rejected: counter(so_far.rejected),
            throttled: counter(so_far.throttled_calls),
            begun: Mutex::new(Begun {
                at: Instant::now(),
                rows: so_far.rows,
                bytes_total: so_far.bytes_total,
            }),
            told: Mutex::new(None),
        }
    }

    /// Another phase begins, over `bytes_total` bytes as stored.
    pub(crate) fn restart(&self, so_far: &Progress) {
        let set = |counter: &AtomicU64, to: u64| counter.store(to, Ordering::Relaxed);
        set(&self.bytes, so_far.bytes);
        set(&self.rows, so_far.rows);
        set(&self.written, so_far.written);
        set(&self.rejected, so_far.rejected);
        set(&self.throttled, so_far.throttled_calls);
        let begun =
            Begun { at: Instant::now(), rows: so_far.rows, bytes_total: so_far.bytes_total };
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = begun;
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Another does the work of this phase, and has come so far.
    pub(crate) fn is_told(&self, progress: Progress) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    /// A row was read.
    pub(crate) fn row(&self) {
        self.rows.fetch_add(1, Ordering::Relaxed);
    }

    /// A row was rejected.
    pub(crate) fn reject(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// So many items are written, after so many calls that were throttled.
    pub(crate) fn wrote(&self, items: u64, throttled: u64) {
        self.written.store(items, Ordering::Relaxed);
        self.throttled.store(throttled, Ordering::Relaxed);
    }

    /// How far the phase is.
    #[expect(clippy::cast_precision_loss, reason = "a percentage and a rate for people")]
    pub(crate) fn progress(&self) -> Progress {
        if let Some(told) = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return told;
        }
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let begun = *self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let (rows, bytes) = (get(&self.rows), get(&self.bytes));
        let seconds = begun.at.elapsed().as_secs_f64().max(0.001);
        let share = bytes as f64 / begun.bytes_total.max(1) as f64;
        Progress {
            rows,
            written: get(&self.written),
            rejected: get(&self.rejected),
            bytes,
            bytes_total: begun.bytes_total,
            percent: (share.min(1.0) * 1000.0).round() / 10.0,
            rows_per_second: (rows.saturating_sub(begun.rows) as f64 / seconds).round(),
            throttled_calls: get(&self.throttled),
        }
    }
}
