//! Logs and metrics: one JSON object per line, never the contents of an item.

use std::{
    borrow::Borrow,
    io::{Write, stdout},
    str::FromStr,
    sync::OnceLock,
};

use jiff::Timestamp;
use serde_json::json;
use tracing::Level;
use tracing_subscriber::fmt;

use crate::{
    clock,
    environment::{Environment, EnvironmentError},
};

/// Writes JSON lines to standard output, which Lambda sends to the function's log group.
///
/// `HEADWATER_LOG` is the least important level that is written: `INFO`, `WARN` or `ERROR`.
pub fn start(environment: &Environment) -> Result<(), EnvironmentError> {
    let LogLevel(level) = environment.parsed("HEADWATER_LOG")?;
    let function = environment.optional("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    FUNCTION.get_or_init(|| function.to_owned());
    let subscriber = fmt().json().flatten_event(true).with_max_level(level).finish();
    // A second start in one process (a test's) keeps the first subscriber.
    tracing::subscriber::set_global_default(subscriber).unwrap_or_default();
    Ok(())
}

/// A level at which nobody writes what items hold.
///
/// Below `INFO` the SDK writes the bodies of requests and the Lambda runtime whole events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LogLevel(Level);

impl FromStr for LogLevel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(level) if level <= Level::INFO => Ok(Self(level)),
            _ => Err(
                "INFO, WARN or ERROR was expected; below that libraries would log the contents of items",
            ),
        }
    }
}

/// What the function is called, which tells the metrics of one stack from another's.
static FUNCTION: OnceLock<String> = OnceLock::new();

/// What the function is called.
pub(crate) fn function() -> &'static str {
    FUNCTION.get().map(String::as_str).unwrap_or_default()
}

/// Writes counts as metrics of the namespace `Headwater`: of the function's table, and of all its tables
/// together.
pub fn count(table: &str, counts: &[(&str, u64)]) {
    write(table, "Count", counts);
}

/// The same of lengths of time in seconds.
pub fn seconds(table: &str, lengths: &[(&str, u64)]) {
    write(table, "Seconds", lengths);
}

/// The same of lengths of time in hours, for which CloudWatch has no unit.
pub fn hours(table: &str, lengths: &[(&str, u64)]) {
    write(table, "None", lengths);
}

/// Writes a line in the embedded metric format, of which CloudWatch makes the metrics without a call of ours.
///
/// It says that it is an error, so that Lambda lets it through whatever `LogLevel` is.
///
/// Source: [specification](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
fn write(table: &str, unit: &str, values: &[(&str, u64)]) {
    let line = metrics((function(), table), unit, values, clock::now());
    // A metric that cannot be written is no reason to fail what it counts.
    writeln!(stdout(), "{line}").unwrap_or_default();
}

/// Warns of key attributes that privacy rules name in vain: `_key` holds them as they are. Says nothing of none.
pub fn rules_in_vain(table: &str, attributes: &[impl Borrow<str>]) {
    if !attributes.is_empty() {
        let attributes = attributes.join(", ");
        tracing::warn!(table, attributes, "privacy rules on the key leave it in _key");
    }
}

fn metrics(
    (function, table): (&str, &str),
    unit: &str,
    values: &[(&str, u64)],
    now: Timestamp,
) -> serde_json::Value {
    let names: Vec<_> =
        values.iter().map(|(name, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [
                {"Namespace": "Headwater", "Dimensions": [["Function", "Table"], ["Function"]], "Metrics": names},
            ],
        },
        "level": "ERROR",
        "timestamp": now.to_string(),
        "Function": function,
        "Table": table,
    });
    for (name, value) in values {
        line[*name] = json!(value);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_level_is_taken_at_which_libraries_log_items() {
        let level = |text: &str| {
            let environment = Environment::from_variables([("HEADWATER_LOG", text)]);
            environment.parsed("HEADWATER_LOG").map(|LogLevel(level)| level)
        };
        assert_eq!(level("INFO"), Ok(Level::INFO));
        assert_eq!(level("ERROR"), Ok(Level::ERROR));
        for refused in ["DEBUG", "TRACE", "LOUD"] {
            assert!(level(refused).is_err(), "{refused}");
        }
        insta::assert_snapshot!(level("TRACE").unwrap_err(), @r#"environment variable HEADWATER_LOG is "TRACE": INFO, WARN or ERROR was expected; below that libraries would log the contents of items"#);
    }

    #[test]
    fn counts_are_metrics_of_the_table_and_of_all() {
        let now: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let line =
            metrics(("backup", "orders"), "Count", &[("AuditDifferences", 3)], now).to_string();
        insta::assert_snapshot!(line, @r#"{"AuditDifferences":3,"Function":"backup","Table":"orders","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Function","Table"],["Function"]],"Metrics":[{"Name":"AuditDifferences","Unit":"Count"}],"Namespace":"Headwater"}],"Timestamp":1795316400000},"level":"ERROR","timestamp":"2026-11-22T03:00:00Z"}"#);
    }
}
