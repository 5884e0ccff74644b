//! What is made once, or by one run at a time: a claim in S3.
//!
//! `CreateBackup` has no idempotency token, so a second run must know that a first one was there; and two that merged the
//! same files would write their rows twice. The claim is one object, and every write that takes it names what it is
//! written over:
//!
//! | the object says | a run does |
//! |---|---|
//! | nothing, there is none | writes it and works |
//! | done | nothing: gives back what was made |
//! | claimed by this very invocation (its own retry) | works on |
//! | claimed by another, less than 17 minutes ago | leaves it to that one |
//! | claimed by another, longer ago than a function can run | takes over |

use aws_sdk_s3::Client;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Failure, object,
    state::{self, Put},
};

/// No invocation outlives 15 minutes, and no clock is two minutes off.
const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(17);

/// What the claim's object holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "M: DeserializeOwned"))]
struct Claim<M> {
    /// The invocation that works on it; Lambda's retries of one event keep its id.
    holder: String,
    /// When it was claimed.
    claimed_at: Timestamp,
    /// What was made, once all is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<M>,
}

/// What a run may do.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<M> {
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
pub async fn take<M: Serialize + DeserializeOwned + PartialEq>(
    s3: &Client,
    bucket: &str,
    key: &str,
    holder: &str,
    now: Timestamp,
) -> Result<Turn<M>, Failure> {
    let claim = Claim::<M> { holder: holder.to_owned(), claimed_at: now, made: None };
    let found = state::read(s3, bucket, key).await?;
    let over = found.as_ref().map(|found| found.tag.as_str());
    let free = found.as_ref().map_or(Turn::Ours, |found| turn(&found.bytes, holder, now));
    // Of two that find the same, one writes.
    if free != Turn::Ours || state::write(s3, bucket, key, json(&claim), over).await? != Put::Lost {
        return Ok(free);
    }
    // It was this one, if the claim is in its name: the answer to its write was lost, and the SDK's next
    // attempt found what the first had written.
    Ok(match state::read(s3, bucket, key).await? {
        Some(found) => turn(&found.bytes, holder, now),
        None => Turn::Theirs { holder: "another run, at the same time".to_owned() },
    })
}

/// Notes what was made, so that no run for this time works again.
pub async fn finish<M: Serialize>(
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
pub async fn release<M: Serialize>(
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
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::Clients;

    type Made = String;

    /// A bucket of one object that is not there, and then what is put. The answer to the first write is lost:
    /// the object is there, and `first_comes_from` says who wrote it.
    fn bucket_that_loses_an_answer(first_comes_from: Option<&'static str>) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut object: Option<Vec<u8>> = None;
            for connection in listener.incoming() {
                let connection = connection.unwrap();
                let Some((is_write, body)) = request(&connection) else { continue };
                match (is_write, &object) {
                    (true, None) => {
                        let theirs = first_comes_from.map(claim_of);
                        object = Some(theirs.unwrap_or(body));
                        // And no answer.
                    }
                    (true, Some(_)) => answer(
                        &connection,
                        "412 X",
                        b"<Error><Code>PreconditionFailed</Code></Error>",
                    ),
                    (false, Some(bytes)) => answer(&connection, "200 OK", bytes),
                    (false, None) => {
                        answer(&connection, "404 X", b"<Error><Code>NoSuchKey</Code></Error>");
                    }
                }
            }
        });
        Clients::of_endpoint(&endpoint).s3().clone()
    }

    fn claim_of(holder: &str) -> Vec<u8> {
        json(&Claim::<Made> { holder: holder.into(), claimed_at: NOW, made: None })
    }

    /// Whether it writes, and its body.
    fn request(connection: &TcpStream) -> Option<(bool, Vec<u8>)> {
        let mut reader = BufReader::new(connection);
        let (mut line, mut length, mut is_write) = (String::new(), 0, false);
        while reader.read_line(&mut line).ok()? > 2 {
            is_write |= line.starts_with("PUT ");
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().ok()?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some((is_write, body))
    }

    fn answer(mut connection: &TcpStream, status: &str, body: &[u8]) {
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: ");
        write!(connection, "{head}{}\r\n\r\n", body.len()).unwrap();
        connection.write_all(body).unwrap();
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[tokio::test]
    async fn a_claim_whose_answer_was_lost_is_ours() {
        let check = async |first_comes_from, expected: Turn<Made>| {
            let s3 = bucket_that_loses_an_answer(first_comes_from);
            assert_eq!(take(&s3, "lake", "claim", "me", NOW).await.unwrap(), expected);
        };
        check(None, Turn::Ours).await;
        check(Some("another"), Turn::Theirs { holder: "another".into() }).await;
    }

    #[test]
    fn turns() {
        let claimed_at: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let made = Made::from("a backup");
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
