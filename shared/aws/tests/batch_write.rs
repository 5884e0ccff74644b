//! Loading against a DynamoDB that throttles, refuses and fails: canned answers over HTTP.
#![expect(clippy::unwrap_used, reason = "this file is a test as a whole")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
};

use aws::{
    Clients, Failure,
    batch_write::{self, Bounds, Ended, Load, Step, Written},
    environment::Environment,
};
use tokio::time::{Duration, Instant};

/// Answers one request after the other, each on a connection of its own, and gives what was asked.
struct Stub {
    endpoint: String,
    requests: JoinHandle<Vec<serde_json::Value>>,
}

impl Stub {
    fn answering(answers: &'static [(u16, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = std::thread::spawn(move || {
            let answer = |&(status, body)| respond(&listener.accept().unwrap().0, status, body);
            answers.iter().map(answer).collect()
        });
        Self { endpoint, requests }
    }
}

fn respond(connection: &TcpStream, status: u16, body: &str) -> serde_json::Value {
    let mut reader = BufReader::new(connection);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).unwrap() > 2 {
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut request = vec![0; length];
    reader.read_exact(&mut request).unwrap();
    let head =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}", body.len());
    let mut writer = connection;
    write!(writer, "{head}\r\ncontent-type: application/x-amz-json-1.0\r\n\r\n{body}").unwrap();
    serde_json::from_slice(&request).unwrap()
}

fn batch(keys: &[&'static str]) -> Step<&'static str, &'static str> {
    let load = |&key| Load { item: format!(r#"{{"pk":{{"S":"{key}"}}}}"#), origin: key };
    Step::Batch(keys.iter().map(load).collect())
}

fn clients(stub: &Stub) -> Clients {
    Clients::from_environment(&Environment::from_variables([
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", stub.endpoint.as_str()),
    ]))
    .unwrap()
}

fn within(stop: Duration, abandon: Duration) -> Bounds {
    let now = Instant::now();
    Bounds { max_refused: 1, stop_at: now + stop, abandon_at: now + abandon }
}

const LONG: Duration = Duration::from_mins(10);

/// Loads one batch and gives the result and the keys of every request that was sent.
async fn load(
    keys: &[&'static str],
    answers: &'static [(u16, &'static str)],
) -> (Result<Written<&'static str>, Failure>, Vec<Vec<String>>) {
    let stub = Stub::answering(answers);
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    sender.send(batch(keys)).await.unwrap();
    sender.send(Step::Checkpoint("the end")).await.unwrap();
    drop(sender);
    let mut reached = None;
    let ended = batch_write::write_all(
        clients(&stub).dynamodb(),
        "planes",
        receiver,
        within(LONG, LONG),
        |_, written| reached = Some(written),
    )
    .await;
    assert!(ended.as_ref().is_err() || reached.is_some(), "the end is reached");
    let written = ended.map(|_| reached.unwrap_or_default());
    let keys_of = |request: &serde_json::Value| {
        let puts = request["RequestItems"]["planes"].as_array().unwrap();
        puts.iter()
            .map(|put| put["PutRequest"]["Item"]["pk"]["S"].as_str().unwrap().to_owned())
            .collect()
    };
    (written, stub.requests.join().unwrap().iter().map(keys_of).collect())
}

const OK: (u16, &str) = (200, r#"{"UnprocessedItems":{}}"#);
const B_UNPROCESSED: (u16, &str) =
    (200, r#"{"UnprocessedItems":{"planes":[{"PutRequest":{"Item":{"pk":{"S":"b"}}}}]}}"#);
const THROTTLED: (u16, &str) =
    (400, r#"{"__type":"com.amazonaws#ProvisionedThroughputExceededException","message":"slow"}"#);
const INVALID: (u16, &str) =
    (400, r#"{"__type":"com.amazonaws#ValidationException","message":"an empty key"}"#);
const GONE: (u16, &str) =
    (400, r#"{"__type":"com.amazonaws#ResourceNotFoundException","message":"no table"}"#);
const BROKEN: (u16, &str) =
    (500, r#"{"__type":"com.amazonaws#InternalServerError","message":"oh"}"#);

#[tokio::test]
async fn only_what_was_left_unprocessed_is_sent_again() {
    let (written, requests) = load(&["a", "b", "c"], &[B_UNPROCESSED, B_UNPROCESSED, OK]).await;
    let written = written.unwrap();
    assert_eq!((written.items, written.throttled, written.refused.len()), (3, 2, 0));
    assert_eq!(requests, [vec!["a", "b", "c"], vec!["b"], vec!["b"]]);
}

#[tokio::test]
async fn a_call_that_is_throttled_or_fails_is_sent_again_whole() {
    let (written, requests) =
        load(&["a", "b"], &[THROTTLED, BROKEN, B_UNPROCESSED, THROTTLED, OK]).await;
    let written = written.unwrap();
    assert_eq!((written.items, written.throttled), (2, 3));
    assert_eq!(requests, [vec!["a", "b"], vec!["a", "b"], vec!["a", "b"], vec!["b"], vec!["b"]]);
}

#[tokio::test]
async fn an_item_that_is_refused_takes_no_neighbour_along() {
    let (written, requests) = load(&["a", "", "c"], &[INVALID, OK, INVALID, OK]).await;
    let written = written.unwrap();
    assert_eq!(written.items, 2);
    let refused = &written.refused[0];
    assert_eq!(refused.origin, "");
    insta::assert_snapshot!(refused.failure, @"BatchWriteItem on table planes failed with ValidationException: an empty key");
    assert_eq!(requests, [vec!["a", "", "c"], vec!["a"], vec![""], vec!["c"]]);
}

#[tokio::test]
async fn too_many_refusals_are_no_items_fault() {
    let (written, _) = load(&["a", "b"], &[INVALID, INVALID, INVALID]).await;
    insta::assert_snapshot!(written.unwrap_err(), @"BatchWriteItem on table planes failed: more than 1 items were refused, one of them: an empty key");
}

#[tokio::test]
async fn a_table_that_is_gone_ends_the_load() {
    let (written, requests) = load(&["a", "b"], &[GONE]).await;
    let failure = written.unwrap_err();
    assert!(!failure.is_retryable());
    insta::assert_snapshot!(failure, @"BatchWriteItem on table planes failed with ResourceNotFoundException: no table");
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn when_time_is_up_only_what_was_written_counts() {
    const ANSWERS: [(u16, &str); 25] = {
        let mut answers = [THROTTLED; 25];
        answers[0] = OK;
        answers
    };
    let stub = Stub::answering(&ANSWERS);
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    let mut steps = vec![batch(&["a"]), Step::Checkpoint("after a")];
    steps.extend([batch(&["b"]), Step::Checkpoint("after b")]);
    for step in steps {
        sender.send(step).await.unwrap();
    }
    let mut reached = Vec::new();
    let (stop, abandon) = (Duration::from_secs(1), Duration::from_secs(1));
    let ended = batch_write::write_all(
        clients(&stub).dynamodb(),
        "planes",
        receiver,
        within(stop, abandon),
        |place, written| reached.push((place, written.items)),
    )
    .await
    .unwrap();
    assert_eq!((ended, reached), (Ended::OutOfTime, vec![("after a", 1)]));
    assert!(sender.send(batch(&["c"])).await.is_err(), "nobody takes any more");
}
