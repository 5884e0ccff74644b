//! What `make bench` compares Headwater with in Rust.
//!
//! | command | what it is |
//! |---|---|
//! | `naive IN.json.gz OUT.parquet SCHEMA.json` | an export as one writes it from the crates that are at hand |
//! | `floor IN.json.gz OURS.parquet` | what no reader of that export can do without: inflating it and encoding its columns |
//! | `events RUNS SCHEMA.json EVENT.json` | the CPU time of a stream event to Parquet, by us and by `lambda_runtime`'s typed events |
//! | `memory PATH SCHEMA.json EVENT.json` | the memory of one such path, in a process that does nothing else |
//! | `stub count\|check` | the endpoint that loads are measured against: it takes whatever it is sent |
//!
//! Each prints one JSON object, and the stub its endpoint before. `bench/README.md` tells how they are put together.

mod events;
mod floor;
mod images;
mod memory;
mod naive;
mod ours;
mod process;
mod schema;
mod stub;
mod typed;

use anyhow::{Result, bail};
use serde_json::Value;

const USAGE: &str = "usage: peers naive IN.json.gz OUT.parquet SCHEMA.json
       peers floor IN.json.gz OURS.parquet
       peers events RUNS SCHEMA.json EVENT.json
       peers memory raw|direct|typed SCHEMA.json EVENT.json
       peers stub count|check";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    println!("{}", run(&arguments)?);
    Ok(())
}

fn run(arguments: &[&str]) -> Result<Value> {
    match arguments {
        ["naive", input, output, schema] => naive::export(input, output, schema),
        ["floor", input, ours] => floor::measure(input, ours),
        ["events", runs, schema, event] => events::measure(runs.parse()?, schema, event),
        ["memory", path, schema, event] => memory::measure(path.parse()?, schema, event),
        ["stub", "count"] => stub::serve(false),
        ["stub", "check"] => stub::serve(true),
        _ => bail!("{USAGE}"),
    }
}
