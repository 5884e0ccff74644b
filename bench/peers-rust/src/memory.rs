//! The memory of one path from a stream event to Parquet, in a process that does nothing else.

use std::fs;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use aws_lambda_events::event::dynamodb::Event;
use lake::Registry;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::typed::{self, deserialize};
use crate::{ours, process, schema};

/// How an event is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path {
    /// By us, after `lambda_runtime` has copied it.
    Raw,
    /// By us, from the payload's bytes: as the function gets it.
    Direct,
    /// By `lambda_runtime`'s typed events.
    Typed,
}

impl FromStr for Path {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "raw" => Ok(Self::Raw),
            "direct" => Ok(Self::Direct),
            "typed" => Ok(Self::Typed),
            _ => bail!("{text} is none of raw, direct and typed"),
        }
    }
}

/// What was resident at most, above what was resident once the event was there.
///
/// `lambda_runtime` drops the payload once the function has its event, and so do the paths that copy it. What
/// is measured is above the event in either case.
pub(crate) fn measure(path: Path, schema: &str, event: &str) -> Result<Value> {
    let schema = schema::read(schema)?;
    let payload = fs::read(event).with_context(|| format!("reading {event}"))?;
    let size = payload.len();
    process::forget_peak()?;
    let loaded = process::resident()?;
    let written = match path {
        Path::Raw => {
            let raw: Box<RawValue> = deserialize(&payload)?;
            drop(payload);
            ours::direct(raw.get().as_bytes(), &mut Registry::new())?
        }
        Path::Direct => ours::direct(&payload, &mut Registry::new())?,
        Path::Typed => {
            let event: Event = deserialize(&payload)?;
            drop(payload);
            typed::write(&event, &schema)?
        }
    };
    let over = process::peak()?.saturating_sub(loaded);
    Ok(json!({
        "event_bytes": size,
        "loaded_bytes": loaded,
        "over_bytes": over,
        "rows": written.rows,
    }))
}
