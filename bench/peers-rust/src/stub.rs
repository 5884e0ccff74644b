//! A DynamoDB that takes whatever it is sent, so that a load costs what its client costs.
//!
//! ```text
//! standard output ◀── {"endpoint":"http://127.0.0.1:…"}     at once, then it serves
//! standard input  ──▶ closed                                 ends it, and the tallies are printed
//! ```
//!
//! HTTP/1.1 with connections kept open, a thread for each. Every request is taken for a `BatchWriteItem`
//! of one table and answered with `{"UnprocessedItems":{}}`; what was sent is tallied by table. Items are
//! counted by the word `PutRequest`, so that the stub takes less time than any client. When it checks, it
//! reads every item and adds up the hashes: clients with the same sum have sent the same items, in whatever
//! order, and with their attributes in whatever order.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write as _, stdin, stdout};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use item::format::dynamodb_json;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// With the checksum that DynamoDB gives, since clients check it.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\n\
    content-type: application/x-amz-json-1.0\r\n\
    content-length: 23\r\n\
    x-amz-crc32: 4185382651\r\n\
    x-amzn-requestid: 0000000000000000000000000000000000000000000000000000\r\n\
    \r\n\
    {\"UnprocessedItems\":{}}";

/// What one table was sent.
#[derive(Debug, Default)]
struct Tally {
    requests: u64,
    items: u64,
    bytes: u64,
    /// Of the items' hashes, if they are checked.
    sum: u64,
}

type Tallies = Arc<Mutex<BTreeMap<String, Tally>>>;

/// Serves until standard input is closed, and gives the tallies: `{table: {requests, items, bytes, sum}}`.
pub(crate) fn serve(checks: bool) -> Result<Value> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port of this machine is free")?;
    writeln!(stdout(), "{}", json!({"endpoint": format!("http://{}", listener.local_addr()?)}))?;
    let tallies = Tallies::default();
    let shared = Arc::clone(&tallies);
    thread::spawn(move || accept(&listener, checks, &shared));
    stdin().read_to_end(&mut Vec::new())?;
    let tallies = tallies.lock().unwrap_or_else(PoisonError::into_inner);
    let of_table = |(table, tally): (&String, &Tally)| {
        let Tally { requests, items, bytes, sum } = tally;
        // As text: not every reader of JSON keeps 64 bits.
        let sum = format!("{sum:016x}");
        (table.clone(), json!({"requests": requests, "items": items, "bytes": bytes, "sum": sum}))
    };
    Ok(tallies.iter().map(of_table).collect())
}

fn accept(listener: &TcpListener, checks: bool, tallies: &Tallies) {
    for stream in listener.incoming().flatten() {
        let tallies = Arc::clone(tallies);
        thread::spawn(move || {
            // The client sees its connection closed, and says what it was doing; this tells why.
            if let Err(error) = answer_all(stream, checks, &tallies) {
                eprintln!("stub: {error:#}");
            }
        });
    }
}

/// Answers the requests of one connection until the client closes it.
fn answer_all(stream: TcpStream, checks: bool, tallies: &Tallies) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut body = Vec::new();
    while let Some(length) = content_length(&mut reader)? {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        let (table, sent) = tally(&body, checks)?;
        // Before the answer: a client that has all its answers may end the run.
        add(tallies, table, &sent);
        writer.write_all(ANSWER)?;
    }
    Ok(())
}

/// Reads a request's head; nothing if there is no other request.
fn content_length(reader: &mut impl BufRead) -> Result<Option<usize>> {
    let (mut line, mut length) = (String::new(), None);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let header = line.trim_end();
        if header.is_empty() {
            return length.map(Some).context("a request has no content-length");
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse().with_context(|| format!("in the header {header}"))?);
        }
    }
}

/// The table that a request is for, and what it sends.
fn tally(body: &[u8], checks: bool) -> Result<(&str, Tally)> {
    let text = str::from_utf8(body).context("a request is not UTF-8 text")?;
    let table = text.split('"').nth(3).context("a request names no table")?;
    let (items, sum) = if checks { checked(text)? } else { (counted(text), 0) };
    Ok((table, Tally { requests: 1, items, bytes: body.len() as u64, sum }))
}

/// Within quotes, the word can be no part of a text.
fn counted(body: &str) -> u64 {
    body.matches("\"PutRequest\"").count() as u64
}

/// Counts and hashes the items.
fn checked(body: &str) -> Result<(u64, u64)> {
    let request: Request<'_> = serde_json::from_str(body)?;
    let (mut items, mut sum) = (0, 0_u64);
    for write in request.tables.values().flatten() {
        let item = dynamodb_json::parse_item(write.put.item.get().as_bytes())?;
        items += 1;
        sum = sum.wrapping_add(item::hash(&item));
    }
    Ok((items, sum))
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, rename = "RequestItems")]
    tables: BTreeMap<String, Vec<Write<'a>>>,
}

#[derive(Deserialize)]
struct Write<'a> {
    #[serde(borrow, rename = "PutRequest")]
    put: Put<'a>,
}

#[derive(Deserialize)]
struct Put<'a> {
    #[serde(borrow, rename = "Item")]
    item: &'a RawValue,
}

fn add(tallies: &Tallies, table: &str, sent: &Tally) {
    let mut tallies = tallies.lock().unwrap_or_else(PoisonError::into_inner);
    let tally = tallies.entry(table.to_owned()).or_default();
    tally.requests += sent.requests;
    tally.items += sent.items;
    tally.bytes += sent.bytes;
    tally.sum = tally.sum.wrapping_add(sent.sum);
}
