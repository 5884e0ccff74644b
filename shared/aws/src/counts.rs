//! What an invocation did: one line in the log at its end, of which CloudWatch makes metrics.
//!
//! | metric | unit | of | counts |
//! |---|---|---|---|
//! | `Records` | Count | `import`, `stream`, `snapshot`, `compaction` | rows that were written |
//! | `Files` | Count | `stream`, `snapshot`, `compaction` | Parquet files that were written; of `compaction` those that were merged |
//! | `Bytes` | Bytes | `import`, `stream`, `snapshot`, `compaction` | what was written as Parquet; of `import` and `snapshot` what was read of sources |
//! | `RescuedValues` | Count | `stream`, `snapshot` | values that travel in `_rest`, as their attribute has no column |
//! | `Rejects` | Count | `import`, `stream`, `snapshot` | rows, records and lines that are kept aside with a reason |
//! | `Retries` | Count | all | calls to AWS that were made again |
//! | `ColdStarts` | Count | all | invocations that were the first of their process |
//!
//! What is done again counts again: a batch that comes back, a redrive. They are of the function, and not of each table: CloudWatch bills each metric, and a lake may have hundreds of tables. What is
//! watched of a table has its own (`telemetry`). None is written that is 0.

use std::{
    fmt::Display,
    io::{Write, stdout},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Instant,
};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{clock, telemetry};

/// Something that an invocation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Rows that were written.
    Records,
    /// Parquet files.
    Files,
    /// What was written as Parquet, or read of sources.
    Bytes,
    /// Values that have no column.
    RescuedValues,
    /// What is kept aside, with a reason.
    Rejects,
    /// Calls that were made again.
    Retries,
    /// The first invocation of a process.
    ColdStarts,
}

impl Count {
    const ALL: [Self; 7] = [
        Self::Records,
        Self::Files,
        Self::Bytes,
        Self::RescuedValues,
        Self::Rejects,
        Self::Retries,
        Self::ColdStarts,
    ];

    /// Counts so many more.
    pub fn add(self, more: u64) {
        COUNTS[self as usize].fetch_add(more, Ordering::Relaxed);
    }

    /// How many there are, and begins anew.
    fn take(self) -> u64 {
        COUNTS[self as usize].swap(0, Ordering::Relaxed)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Records => "Records",
            Self::Files => "Files",
            Self::Bytes => "Bytes",
            Self::RescuedValues => "RescuedValues",
            Self::Rejects => "Rejects",
            Self::Retries => "Retries",
            Self::ColdStarts => "ColdStarts",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::Bytes => "Bytes",
            _ => "Count",
        }
    }
}

/// A process has one invocation at a time.
static COUNTS: [AtomicU64; Count::ALL.len()] = [const { AtomicU64::new(0) }; Count::ALL.len()];
/// Whether an invocation has begun before.
static IS_WARM: AtomicBool = AtomicBool::new(false);

/// Does the work of an invocation, and logs what was counted meanwhile, how long it took and how it ended.
pub async fn invocation<T, E: Display>(
    request_id: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    // What a panic has left of the one before.
    let _ = Count::ALL.map(Count::take);
    if !IS_WARM.swap(true, Ordering::Relaxed) {
        Count::ColdStarts.add(1);
    }
    let began = Instant::now();
    let done = work.await;
    let counts = Count::ALL.map(|count| (count, count.take()));
    let ended = Ended { request_id, failed: done.is_err(), ms: began.elapsed().as_millis() };
    // A line that cannot be written is no reason to fail what it tells of.
    writeln!(stdout(), "{}", ended.line(telemetry::function(), &counts, clock::now()))
        .unwrap_or_default();
    done
}

/// An invocation that is over.
struct Ended<'a> {
    request_id: &'a str,
    failed: bool,
    ms: u128,
}

impl Ended<'_> {
    /// The line, in the embedded metric format where there is something to count. It says then that it is an error, so
    /// that Lambda lets it through whatever `LogLevel` is.
    ///
    /// Source: [specification](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
    fn line(&self, function: &str, counts: &[(Count, u64)], now: Timestamp) -> Value {
        let counted = || counts.iter().filter(|(_, number)| *number > 0);
        let mut line = json!({
            "level": "INFO",
            "timestamp": now.to_string(),
            "message": "invocation ended",
            "Function": function,
            "requestId": self.request_id,
            "failed": self.failed,
            "durationMs": u64::try_from(self.ms).unwrap_or(u64::MAX),
        });
        for (count, number) in counted() {
            line[count.name()] = json!(number);
        }
        let names = counted().map(|(count, _)| json!({"Name": count.name(), "Unit": count.unit()}));
        let names: Vec<Value> = names.collect();
        if !names.is_empty() {
            line["level"] = json!("ERROR");
            line["_aws"] = json!({
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [
                    {"Namespace": "Headwater", "Dimensions": [["Function"]], "Metrics": names},
                ],
            });
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_what_was_counted() {
        let now: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let line = |counts: &[(Count, u64)], failed| {
            let ended = Ended { request_id: "r-1", failed, ms: 12 };
            ended.line("stream", counts, now).to_string()
        };
        let counts = [(Count::Records, 2), (Count::Bytes, 900), (Count::Rejects, 0)];
        insta::assert_snapshot!(line(&counts, false), @r#"{"Bytes":900,"Function":"stream","Records":2,"_aws":{"CloudWatchMetrics":[{"Dimensions":[["Function"]],"Metrics":[{"Name":"Records","Unit":"Count"},{"Name":"Bytes","Unit":"Bytes"}],"Namespace":"Headwater"}],"Timestamp":1795316400000},"durationMs":12,"failed":false,"level":"ERROR","message":"invocation ended","requestId":"r-1","timestamp":"2026-11-22T03:00:00Z"}"#);
        insta::assert_snapshot!(line(&[(Count::Retries, 0)], true), @r#"{"Function":"stream","durationMs":12,"failed":true,"level":"INFO","message":"invocation ended","requestId":"r-1","timestamp":"2026-11-22T03:00:00Z"}"#);
    }

    #[test]
    fn each_is_counted_for_itself() {
        for (place, count) in Count::ALL.into_iter().enumerate() {
            assert_eq!(count as usize, place, "{}", count.name());
        }
    }
}
