//! Holding an import: one invocation at a time, with a heartbeat.
//!
//! ```text
//! take ─▶ Taken::Ours(Hold) ── while_held(work) ──▶ save, let go
//!    │                          └── every 5 s: lease renewed, progress written
//!    └──▶ Taken::Over | Taken::Held
//! ```
//!
//! Every write names what it replaces, so of two that take a lease at once one is told so. A holder
//! that finds its state changed by another, or that cannot renew in time, drops its work at once: the
//! next one starts from the checkpoint.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws::{
    Class, Clients, Failure, clock,
    state::{self, Put},
};
use jiff::Timestamp;

use crate::{
    meter::Meter,
    status::{HEARTBEAT, LEASE, Lease, May, Phase, Progress, Staging, Status},
};

/// What came of asking for an import.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is ours to work on.
    Ours(Box<Hold>),
    /// There is nothing left to do for this message.
    Over,
    /// Another invocation is at it, at this turn.
    Held(u32),
}

/// An import in our hands.
#[derive(Debug)]
pub(crate) struct Hold {
    clients: Clients,
    bucket: String,
    key: String,
    holder: String,
    status: Mutex<Status>,
    /// What S3 has of ours; locked while a write is under way.
    written: tokio::sync::Mutex<Written>,
    /// What the work counts.
    pub(crate) meter: Arc<Meter>,
}

/// The state as it was last written.
#[derive(Debug)]
struct Written {
    /// Its entity tag.
    tag: String,
    /// How long the lease in it holds. What was only meant to be written renews nothing.
    until: Timestamp,
}

/// Where the state of an import is.
pub(crate) fn status_key(table: &str, import_id: &str) -> String {
    format!("status/{table}/{import_id}.json")
}

/// Takes an import for the message of a turn, or says why not.
///
/// `new` is the state of an import that nobody has begun; without it, one that is not there is over.
pub(crate) async fn take(
    clients: &Clients,
    bucket: &str,
    key: &str,
    holder: &str,
    turn: u32,
    new: Option<Status>,
) -> Result<Taken, Failure> {
    for _ in 0..ATTEMPTS {
        let now = clock::now();
        let found = state::read(clients.s3(), bucket, key).await?;
        let (mut status, over) = match (found, &new) {
            (Some(found), _) => (parse(&found.bytes, bucket, key)?, Some(found.tag)),
            (None, Some(new)) => (new.clone(), None),
            (None, None) => return Ok(Taken::Over),
        };
        match status.may(turn, holder, now) {
            May::Drop => return Ok(Taken::Over),
            May::Wait => return Ok(Taken::Held(status.turn)),
            May::Go => {}
        }
        status.turn = turn;
        let until = renew(&mut status, holder, now);
        match state::write(clients.s3(), bucket, key, json(&status), over.as_deref()).await? {
            // Someone took it, or only noted progress: look again.
            Put::Lost => {}
            Put::Written(tag) => {
                return Ok(Taken::Ours(Box::new(Hold {
                    clients: clients.clone(),
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                    holder: holder.to_owned(),
                    meter: Arc::new(Meter::new(&status.progress)),
                    status: Mutex::new(status),
                    written: tokio::sync::Mutex::new(Written { tag, until }),
                })));
            }
        }
    }
    let (resource, message) = (format!("s3://{bucket}/{key}"), "others write it again and again");
    Err(Failure::stated("PutObject", resource, message, Class::Retryable))
}

/// Whether an import goes on and its turn is that one.
pub(crate) async fn is_at_turn(
    clients: &Clients,
    bucket: &str,
    key: &str,
    turn: u32,
) -> Result<bool, Failure> {
    let Some(found) = state::read(clients.s3(), bucket, key).await? else {
        return Ok(false);
    };
    let status = parse(&found.bytes, bucket, key)?;
    // The messages are sent before the state says so.
    Ok(status.phase != Phase::Ended && status.turn <= turn)
}

/// Notes in the state of an import that nobody holds how far its staging is. Where somebody holds it, nothing
/// is noted, nor where others write it again and again.
pub(crate) async fn note(
    clients: &Clients,
    bucket: &str,
    key: &str,
    change: impl Fn(&mut Staging),
) -> Result<(), Failure> {
    for _ in 0..ATTEMPTS {
        let Some(found) = state::read(clients.s3(), bucket, key).await? else {
            return Ok(());
        };
        let mut status = parse(&found.bytes, bucket, key)?;
        let now = clock::now();
        let Some(staging) = status.staging.as_mut().filter(|_| status.lease.is_none()) else {
            return Ok(());
        };
        change(staging);
        status.progress = staging.progress(status.progress.bytes_total, now);
        status.updated_at = now;
        let tag = Some(found.tag.as_str());
        match state::write(clients.s3(), bucket, key, json(&status), tag).await? {
            Put::Written(_) => break,
            Put::Lost => {}
        }
    }
    Ok(())
}

impl Hold {
    /// A copy of the state.
    pub(crate) fn status(&self) -> Status {
        self.locked().clone()
    }

    /// Changes the state in memory; the next heartbeat, or [`Hold::save`], writes it.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.locked());
    }

    /// Another phase begins, which reads so many bytes.
    pub(crate) async fn begin(&self, phase: Phase, bytes_total: u64) -> Result<(), Failure> {
        self.resume(phase, &Progress { bytes_total, ..Progress::default() }).await
    }

    /// A phase goes on from what was done of it.
    pub(crate) async fn resume(&self, phase: Phase, so_far: &Progress) -> Result<(), Failure> {
        self.meter.restart(so_far);
        self.update(|status| {
            status.phase = phase;
            status.staging = None;
        });
        self.save().await
    }

    /// Does work for as long as the import is ours.
    pub(crate) async fn while_held<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            done = work => Ok(done),
            lost = self.keep() => Err(lost),
        }
    }

    /// Writes the state, and with it renews the lease.
    pub(crate) async fn save(&self) -> Result<(), Failure> {
        self.write(|status, holder| {
            renew(status, holder, clock::now());
        })
        .await
    }

    /// Writes the state and gives the lease back.
    pub(crate) async fn let_go(&self) -> Result<(), Failure> {
        self.write(|status, _| {
            status.lease = None;
            status.updated_at = clock::now();
        })
        .await
    }

    /// Renews the lease again and again; ends when it is lost.
    async fn keep(&self) -> Failure {
        let mut until = self.written.lock().await.until;
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            // Not there while the work writes the state itself.
            if let Ok(written) = self.written.try_lock() {
                until = written.until;
            }
            let left = until.duration_since(clock::now());
            let left = std::time::Duration::try_from(left).unwrap_or_default();
            match tokio::time::timeout(left, self.save()).await {
                Ok(Ok(())) => {}
                Ok(Err(failure)) if failure.has_code(LOST) => return failure,
                Ok(Err(failure)) => tracing::warn!(%failure, "lease not renewed"),
                Err(_) => return self.lost("the lease could not be renewed in time"),
            }
        }
    }

    async fn write(&self, change: impl FnOnce(&mut Status, &str)) -> Result<(), Failure> {
        let mut written = self.written.lock().await;
        let (bytes, until) = {
            let mut status = self.locked();
            change(&mut status, &self.holder);
            status.progress = self.meter.progress();
            let until = status.lease.as_ref().map_or(Timestamp::UNIX_EPOCH, |lease| lease.until);
            (json(&status), until)
        };
        for _ in 0..ATTEMPTS {
            let (s3, tag) = (self.clients.s3(), Some(written.tag.as_str()));
            match state::write(s3, &self.bucket, &self.key, bytes.clone(), tag).await? {
                Put::Written(tag) => {
                    *written = Written { tag, until };
                    return Ok(());
                }
                Put::Lost => written.tag = self.tag_of_ours(&bytes).await?,
            }
        }
        Err(self.lost("the state is written by someone else again and again"))
    }

    /// The entity tag of what is there, if we wrote it and were not told: the answer was lost, or a
    /// heartbeat was under way when the work was done.
    async fn tag_of_ours(&self, wanted: &[u8]) -> Result<String, Failure> {
        let found = state::read(self.clients.s3(), &self.bucket, &self.key).await?;
        let Some(found) = found else {
            return Err(self.lost("its state was deleted"));
        };
        let status = parse(&found.bytes, &self.bucket, &self.key)?;
        let is_ours = status.lease.is_some_and(|lease| lease.holder == self.holder);
        if is_ours || found.bytes == wanted {
            return Ok(found.tag);
        }
        Err(self.lost("another invocation has taken the import over"))
    }

    fn locked(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self, message: &str) -> Failure {
        let resource = format!("s3://{}/{}", self.bucket, self.key);
        let failure = Failure::stated("PutObject", resource, message, Class::Retryable);
        Failure { code: Some(LOST.to_owned()), ..failure }
    }
}

/// The code of the failure that an import is no longer ours.
const LOST: &str = "LeaseLost";
/// Writes after which a state that keeps changing is taken for someone else's.
const ATTEMPTS: u32 = 5;

/// Gives how long the lease holds.
fn renew(status: &mut Status, holder: &str, now: Timestamp) -> Timestamp {
    let until = now + LEASE;
    status.lease = Some(Lease { holder: holder.to_owned(), until });
    status.updated_at = now;
    until
}

fn parse(bytes: &[u8], bucket: &str, key: &str) -> Result<Status, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!(
            "the import's state cannot be read ({error}); delete the object to start the import anew"
        );
        Failure::stated("GetObject", format!("s3://{bucket}/{key}"), message, Class::Permanent)
    })
}

fn json(status: &Status) -> Vec<u8> {
    format!("{:#}\n", serde_json::json!(status)).into_bytes()
}
