//! CloudFormation, where it waits for the answer of a custom resource.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::{sync::oneshot, time::timeout};

use crate::stack::DEADLINE;

/// Takes one answer.
#[derive(Debug)]
pub struct CloudFormation {
    address: SocketAddr,
    answered: oneshot::Receiver<Result<Answer>>,
}

/// What was put.
#[derive(Debug)]
pub struct Answer {
    /// Its target: path and parameters, in small letters.
    pub target: String,
    /// Its body.
    pub body: Value,
}

impl CloudFormation {
    /// Begins to wait.
    pub fn listen() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        // A thread that nothing waits for: a test that fails before an answer comes ends all the same.
        let (tell, answered) = oneshot::channel();
        thread::spawn(move || tell.send(take(&listener)));
        Ok(Self { address, answered })
    }

    /// An address to answer at.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// The answer, once it is there.
    pub async fn answer(self) -> Result<Answer> {
        timeout(DEADLINE, self.answered).await.context("no answer came")??
    }
}

/// Takes one PUT.
fn take(listener: &TcpListener) -> Result<Answer> {
    let (mut stream, _) = listener.accept()?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_lowercase());
    }
    let target = head.first().and_then(|line| line.strip_prefix("put ")?.strip_suffix(" http/1.1"));
    let target = target.with_context(|| format!("a PUT: {head:?}"))?.to_owned();
    // A signed address takes neither a type nor parts of unknown number.
    ensure!(!head.iter().any(|line| line.starts_with("content-type")), "{head:?}");
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.context("a length")?.parse()?];
    reader.read_exact(&mut body)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
    Ok(Answer { target, body: serde_json::from_slice(&body)? })
}
