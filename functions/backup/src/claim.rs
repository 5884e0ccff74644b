//! What is made once per table and scheduled time, or once at all: a claim in S3.
//!
//! `CreateBackup` has no idempotency token, so a second run must know that a first one was there.
//! The claim is one object, and every write that takes it names what it is written over:
//!
//! | the object says | a run does |
//! |---|---|
//! | nothing, there is none | writes it and works |
//! | done | nothing: gives back what was made |
//! | claimed by this very invocation (its own retry) | works on |
//! | claimed by another, less than 17 minutes ago | leaves it to that one |
//! | claimed by another, longer ago than a function can run | takes over |

use aws::{
    Failure, object,
    sdk::s3::Client,
    state::{self, Put},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// No invocation outlives 15 minutes, and no clock is two minutes off.
const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(17);

/// What the claim's object holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "M: DeserializeOwned"))]
pub(crate) struct Claim<M> {
    /// The invocation that works on it; Lambda's retries of one event keep its id.
    pub(crate) holder: String,
    /// When it was claimed.
    pub(crate) claimed_at: Timestamp,
    /// What was made, once all is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) made: Option<M>,
}

/// What a finished run made for a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Made {
    /// The backup's ARN, if the table gets backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) backup_arn: Option<String>,
    /// The full export's ARN, if it is exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) export_arn: Option<String>,
}

/// What a run may do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn<M> {
    /// Work.
    Ours,
    /// Another invocation is at it.
    Theirs {
        /// Which one.
        holder: String,
    },
    /// It was done before.
    Done(M),
}

/// Claims the object at `key`, or says whose it is.
pub(crate) async fn take<M: Serialize + DeserializeOwned + PartialEq>(
    s3: &Client,
    bucket: &str,
    key: &str,
    holder: &str,
    now: Timestamp,
) -> Result<Turn<M>, Failure> {
    let claim = Claim::<M> { holder: holder.to_owned(), claimed_at: now, made: None };
    let found = state::read(s3, bucket, key).await?;
    let (turn, over) = match &found {
        Some(found) => (turn(&found.bytes, holder, now), Some(found.tag.as_str())),
        None => (Turn::Ours, None),
    };
    // Of two that find the same, one writes.
    if turn == Turn::Ours && state::write(s3, bucket, key, json(&claim), over).await? == Put::Lost {
        return Ok(Turn::Theirs { holder: "another run, at the same time".to_owned() });
    }
    Ok(turn)
}

/// Notes what was made, so that no run for this time works again.
pub(crate) async fn finish<M: Serialize>(
    s3: &Client,
    bucket: &str,
    key: &str,
    holder: &str,
    now: Timestamp,
    made: M,
) -> Result<(), Failure> {
    let claim = Claim { holder: holder.to_owned(), claimed_at: now, made: Some(made) };
    write(s3, bucket, key, &claim).await
}

/// Lets go of what was claimed and not made, so that whoever comes next need not wait.
pub(crate) async fn release<M: Serialize>(
    s3: &Client,
    bucket: &str,
    key: &str,
    holder: &str,
) -> Result<(), Failure> {
    let claimed_at = Timestamp::UNIX_EPOCH;
    write(s3, bucket, key, &Claim::<M> { holder: holder.to_owned(), claimed_at, made: None }).await
}

/// What an object that is there means. One that cannot be read holds no claim that can be kept.
fn turn<M: DeserializeOwned>(bytes: &[u8], holder: &str, now: Timestamp) -> Turn<M> {
    let Ok(claim) = serde_json::from_slice::<Claim<M>>(bytes) else {
        return Turn::Ours;
    };
    match claim.made {
        Some(made) => Turn::Done(made),
        None if claim.holder == holder => Turn::Ours,
        None if now.duration_since(claim.claimed_at) >= LONGEST_RUN => Turn::Ours,
        None => Turn::Theirs { holder: claim.holder },
    }
}

async fn write<M: Serialize>(
    s3: &Client,
    bucket: &str,
    key: &str,
    claim: &Claim<M>,
) -> Result<(), Failure> {
    object::put(s3, bucket, key, "application/json", json(claim)).await
}

fn json<M: Serialize>(claim: &Claim<M>) -> Vec<u8> {
    serde_json::json!(claim).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns() {
        let claimed_at: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let made = Made { backup_arn: Some("b".into()), export_arn: Some("e".into()) };
        let check = |made: Option<Made>, minutes: i64, asks: &str, expected: Turn<Made>| {
            let claim = Claim { holder: "first".into(), claimed_at, made };
            let now = claimed_at + SignedDuration::from_mins(minutes);
            assert_eq!(turn(&json(&claim), asks, now), expected, "{minutes} minutes, {asks}");
        };
        let theirs = || Turn::Theirs { holder: "first".into() };
        check(None, 1, "second", theirs());
        check(None, 16, "second", theirs());
        check(None, 17, "second", Turn::Ours);
        check(None, 1, "first", Turn::Ours);
        check(Some(made.clone()), 1, "second", Turn::Done(made.clone()));
        check(Some(made.clone()), 99, "first", Turn::Done(made));
        assert_eq!(turn::<Made>(b"", "first", claimed_at), Turn::Ours);
    }
}
