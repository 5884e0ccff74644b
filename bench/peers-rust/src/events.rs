//! The CPU time of a stream event to Parquet, by us and by `lambda_runtime`'s typed events, in turn.

use std::fs;
use std::hint::black_box;

use anyhow::{Context, Result, ensure};
use lake::Registry;
use serde_json::{Value, json};

use crate::ours::{self, Written};
use crate::process::timed;
use crate::{schema, typed};

/// Runs before the first that counts: memory is mapped, caches and branch predictors have seen the code.
const WARM_UP: usize = 3;

pub(crate) fn measure(runs: usize, schema: &str, event: &str) -> Result<Value> {
    let schema = schema::read(schema)?;
    let event = fs::read(event).with_context(|| format!("reading {event}"))?;
    let mut registry = Registry::new();
    let (mut raw, mut direct, mut typed) = Default::default();
    for run in 0..WARM_UP + runs {
        let counts = run >= WARM_UP;
        step(&mut raw, counts, || ours::raw(black_box(&event), &mut registry))?;
        step(&mut direct, counts, || ours::direct(black_box(&event), &mut registry))?;
        step(&mut typed, counts, || typed::typed(black_box(&event), &schema))?;
    }
    ensure!(
        [rows(&raw), rows(&direct)] == [rows(&typed); 2],
        "the paths disagree on the number of rows"
    );
    Ok(json!({
        "event_bytes": event.len(),
        "rows": rows(&direct),
        "raw": summary(raw),
        "direct": summary(direct),
        "typed": summary(typed),
    }))
}

/// The CPU seconds of each run of a path, and what the last one wrote.
#[derive(Default)]
struct Path {
    cpu: Vec<f64>,
    written: Option<Written>,
}

fn step(path: &mut Path, counts: bool, run: impl FnOnce() -> Result<Written>) -> Result<()> {
    let (written, cpu) = timed(run)?;
    path.written = Some(written);
    if counts {
        path.cpu.push(cpu);
    }
    Ok(())
}

fn rows(path: &Path) -> usize {
    path.written.map_or(0, |written| written.rows)
}

fn summary(mut path: Path) -> Value {
    path.cpu.sort_by(f64::total_cmp);
    json!({
        "cpu_s": path.cpu.get(path.cpu.len() / 2),
        "least_cpu_s": path.cpu.first(),
        "most_cpu_s": path.cpu.last(),
        "bytes": path.written.map_or(0, |written| written.bytes),
    })
}
