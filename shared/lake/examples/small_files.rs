//! Makes a lake of many small change files: what a table with few changes leaves in a day.
//!
//! ```text
//! cargo run --release -p lake --example small_files -- DIRECTORY --files 10000 --changes 20
//! ```
//!
//! They are files of one day of a table `orders`, with names as in the lake. `compact` makes few of them.
//! `DIRECTORY/views.json` has the table's views, for someone who runs them.

#[path = "orders/mod.rs"]
mod orders;

use std::error::Error;
use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use lake::name::TableNames;
use lake::view::{Since, View};
use orders::{CREATED_MS, LABEL, Orders, TABLE};
use serde_json::json;

/// Makes a lake of many small change files.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the lake begins
    directory: PathBuf,
    /// How many files
    #[arg(long, default_value_t = 10_000)]
    files: usize,
    /// How many changes each has
    #[arg(long, default_value_t = 20)]
    changes: usize,
    /// How many orders there are
    #[arg(long, default_value_t = 20_000)]
    orders: usize,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell if this fails.
            let _ = writeln!(stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { directory, files, changes, orders } = arguments;
    let mut orders = Orders::new(*orders)?;
    for file in 0..*files {
        // Within one day: twenty seconds of changes every eight seconds.
        let from_ms = CREATED_MS + i64::try_from(file * 86_300 / files)? * 1000;
        for file in orders.change(from_ms, *changes)? {
            let path = directory.join(&file.path);
            fs::create_dir_all(path.parent().ok_or("a file is in a folder")?)?;
            fs::write(path, file.bytes)?;
        }
    }
    let (names, registry) = (TableNames::of(TABLE, 1), &orders.registry);
    let current = View::current(&names, registry, None, &Since::of(CREATED_MS, Some(LABEL))?)?;
    let history = View::history(&names, registry);
    let views = json!({"current": current.statement(), "history": history.statement()});
    fs::write(directory.join("views.json"), views.to_string())?;
    let columns = registry.columns().len();
    writeln!(stdout(), "{files} files of {changes} changes, {columns} columns of attributes")?;
    Ok(())
}
