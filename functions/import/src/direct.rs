//! The direct engine: the rows that passed the survey are written with `BatchWriteItem`.
//!
//! ```text
//! rows from the checkpoint ─▶ those to write ─▶ window, shuffled ─▶ batches ─▶ DynamoDB
//!                                                 └─ checkpoint ── reached: noted in the state
//! ```
//!
//! A thread decodes and gathers batches, the runtime writes them; a short channel between the two
//! keeps the decoder from running ahead of DynamoDB. When the function's time is nearly up the decoder is
//! stopped, what is under way is given a while, and the import goes on in another message from the last
//! checkpoint that was reached. Items written beyond it are written again, with the same content.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws::{
    Clients,
    batch_write::{self, Bounds, Ended, Load, Refused, Step, Written},
};
use item::{
    Item, canonical,
    key::KeySchema,
    size::{item_size, write_units},
    write_canonical_value,
};
use tokio::sync::mpsc::{self, Sender};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::{
    deadline::Deadline,
    lease::Hold,
    meter::Meter,
    pace::Pace,
    reject::{Place, Reject},
    shuffle::{Keyed, Shuffle, WINDOW, Window, WindowLimits},
    skip::Skip,
    source::{
        self, Opener,
        rows::{self, BEGINNING, Go, Row},
    },
    status::{Checkpoint, Engine, Loaded, Progress},
    stop::{Refusal, Stop},
    work::Work,
};

/// Batches decoded ahead of what is being written.
const AHEAD: usize = 16;
/// Items of the first window of a turn: ten batches. Half of it for each turn before in which not even one
/// window was written.
const FIRST_WINDOW: usize = 250;
/// A window that DynamoDB takes in less than this is followed by one of twice its size.
const QUICK: Duration = Duration::from_secs(1);
/// One that takes longer than this is followed by one of half its size. A window is what a turn repeats
/// at most, and has to be much less than a turn can write.
const SLOW: Duration = Duration::from_secs(3);
/// How long a pause may last until it is looked whether there is still someone to go on for.
const LONGEST_NAP: Duration = Duration::from_millis(200);

/// How a turn of a load ended.
#[derive(Debug)]
pub(crate) struct Turned {
    /// How far it came.
    pub(crate) loaded: Loaded,
    /// The rows that DynamoDB refused in this turn.
    pub(crate) rejects: Vec<Reject>,
    /// Whether that is all, or why it went no further.
    pub(crate) ended: Result<Ended, Stop>,
}

/// Loads a source into its table, from where an earlier turn came to and as far as the time allows.
pub(crate) async fn load(
    clients: &Clients,
    hold: &Hold,
    work: &Arc<Work>,
    from: Loaded,
    deadline: Deadline,
) -> Turned {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let job = Job::new(work, &from, &hold.meter, sender);
    let bytes = Arc::clone(&hold.meter.bytes);
    let decoding = source::read(clients, bytes, move |opener| job.run(opener));
    let left = work.max_rejects.saturating_sub(work.report.rows_rejected + from.refused);
    let bounds = Bounds {
        max_refused: usize::try_from(left).unwrap_or(usize::MAX),
        stop_at: deadline.stop_at(),
        abandon_at: deadline.abandon_at(),
    };
    let (mut loaded, mut rejects) = (from, Vec::new());
    // Until a checkpoint is reached.
    loaded.stalled += 1;
    let reached = |checkpoint, written: Written<Place>| {
        loaded.checkpoint = checkpoint;
        loaded.stalled = 0;
        loaded.written += written.items;
        loaded.throttled_calls += written.throttled;
        loaded.refused += written.refused.len() as u64;
        rejects.extend(written.refused.into_iter().map(reject));
        hold.meter.wrote(loaded.written, loaded.throttled_calls);
        // What was refused is written when the turn ends; until then the turn may have to be repeated.
        if rejects.is_empty() {
            hold.update(|status| status.engine = Some(Engine::Direct(loaded.clone())));
        }
    };
    let table = &work.report.table;
    let writing = batch_write::write_all(clients.dynamodb(), table, receiver, bounds, reached);
    let (decoded, ended) = tokio::join!(decoding, writing);
    // A failed write closes the channel, and the decoder stops for that reason: it comes first.
    let ended = ended.map_err(Stop::from).and_then(|ended| decoded.map(|()| ended));
    Turned { loaded, rejects, ended }
}

fn reject(refused: Refused<Place>) -> Reject {
    let Refused { origin, failure } = refused;
    Reject { place: origin, path: String::new(), reason: failure.to_string(), duplicate: None }
}

/// How far a load is that goes on.
pub(crate) fn progress(work: &Work, from: &Loaded) -> Progress {
    let before = work.files.iter().take(from.checkpoint.file).map(|file| file.size).sum();
    Progress {
        rows: from.checkpoint.rows,
        written: from.written,
        rejected: work.report.rows_rejected + from.refused,
        bytes: before,
        bytes_total: work.bytes(),
        throttled_calls: from.throttled_calls,
        ..Progress::default()
    }
}

/// What the decoding thread does.
struct Job {
    work: Arc<Work>,
    meter: Arc<Meter>,
    steps: Sender<Step<Place, Checkpoint>>,
    key: KeySchema,
    skip: Skip,
    shuffle: Shuffle<Placed>,
    pace: Option<Pace>,
    began: Instant,
    /// Items of a window.
    window: usize,
    from: Checkpoint,
    /// A window that is full, until the place after it is known.
    full: Option<Window<Placed>>,
}

/// An item on its way, and the write units it takes.
struct Placed {
    load: Load<Place>,
    units: u64,
}

impl Job {
    fn new(
        work: &Arc<Work>,
        from: &Loaded,
        meter: &Arc<Meter>,
        steps: Sender<Step<Place, Checkpoint>>,
    ) -> Self {
        let window = FIRST_WINDOW.checked_shr(from.stalled).unwrap_or_default().max(1);
        Self {
            work: Arc::clone(work),
            meter: Arc::clone(meter),
            steps,
            key: KeySchema::from(&work.key),
            skip: Skip::from_row(work, from.checkpoint.rows),
            shuffle: Shuffle::new(
                WindowLimits { items: window, ..WINDOW },
                xxh3_64(work.report.import_id.as_bytes()),
            ),
            pace: work.manifest.headwater.max_write_rate.map(Pace::new),
            began: Instant::now(),
            window,
            from: from.checkpoint,
            full: None,
        }
    }

    fn run(mut self, opener: &Opener) -> Result<(), Stop> {
        let work = Arc::clone(&self.work);
        let from = self.from;
        for (at, file) in work.files.iter().enumerate().skip(from.file) {
            let start = if at == from.file { from.into() } else { BEGINNING };
            let each = rows::each(opener, file, &work.layout, start, &mut |row| self.take(at, row));
            if each? == Go::Enough {
                return Ok(());
            }
        }
        let end =
            Checkpoint { file: work.files.len(), rows: self.skip.at(), ..Checkpoint::default() };
        let Self { full, shuffle, .. } = &mut self;
        let windows = [full.take(), std::mem::replace(shuffle, Shuffle::new(WINDOW, 0)).finish()];
        let last = windows.into_iter().flatten().flatten().collect();
        // Nobody may receive any more, because time is up or writing failed, which says so itself.
        self.send(last, end);
        Ok(())
    }

    fn take(&mut self, file: usize, row: &Row<'_>) -> Result<Go, Stop> {
        if let Some(window) = self.full.take()
            && self.send(window, row.checkpoint(file, self.skip.at())) == Go::Enough
        {
            return Ok(Go::Enough);
        }
        self.meter.row();
        if !self.skip.next() {
            self.full = self.shuffle.push(self.keyed(row)?);
        }
        Ok(Go::On)
    }

    fn keyed(&self, row: &Row<'_>) -> Result<Keyed<Placed>, Stop> {
        let item = row.item().map_err(|reject| Refusal::changed(&reject.reason))?;
        let key = self.key.key_of(&item).map_err(|error| Refusal::changed(&error.to_string()))?;
        let text = canonical(&item);
        let origin = row.place();
        let units = write_units(item_size(&item));
        Ok(Keyed {
            partition: self.partition(&key),
            key: xxh3_128(canonical(&key).as_bytes()),
            size: text.len() + origin.bytes.len(),
            payload: Placed { load: Load { item: text, origin }, units },
        })
    }

    /// A hash of the partition key, as part of the whole key.
    fn partition(&self, key: &Item<'_>) -> u64 {
        let mut text = String::new();
        if let Some(value) = key.get(&self.key.partition.name) {
            write_canonical_value(value, &mut text);
        }
        xxh3_64(text.as_bytes())
    }

    /// Hands out a window; everything before `place` has been handed out then.
    fn send(&mut self, window: Window<Placed>, place: Checkpoint) -> Go {
        let began = Instant::now();
        for batch in window {
            if self.wait(batch.iter().map(|placed| placed.units).sum()) == Go::Enough {
                return Go::Enough;
            }
            let batch = batch.into_iter().map(|placed| placed.load).collect();
            if self.steps.blocking_send(Step::Batch(batch)).is_err() {
                return Go::Enough;
            }
        }
        self.window = match began.elapsed() {
            took if took < QUICK => self.window.saturating_mul(2).min(WINDOW.items),
            took if took > SLOW => (self.window / 2).max(1),
            _ => self.window,
        };
        self.shuffle.resize(self.window);
        match self.steps.blocking_send(Step::Checkpoint(place)) {
            Ok(()) => Go::On,
            Err(_) => Go::Enough,
        }
    }

    /// Waits until so many write units may be used, or nobody receives any more.
    fn wait(&mut self, units: u64) -> Go {
        let Some(pace) = &mut self.pace else {
            return Go::On;
        };
        let mut left = pace.take(units, self.began.elapsed());
        while !left.is_zero() {
            if self.steps.is_closed() {
                return Go::Enough;
            }
            let nap = left.min(LONGEST_NAP);
            std::thread::sleep(nap);
            left -= nap;
        }
        Go::On
    }
}
