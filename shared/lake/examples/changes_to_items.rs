//! Rebuilds the current items of one table from its change files alone.
//!
//! ```text
//! cargo run -p lake --example changes_to_items -- DIRECTORY|FILE… > items.jsonl
//! ```
//!
//! Takes files, and directories with all `.parquet` files below them, of one table; for example what
//! `aws s3 sync s3://lake/changes/planes/ planes/` fetched. Prints one item a line as canonical
//! DynamoDB JSON, `{"Item":{…}}`, in the order of the keys: what `import` and DynamoDB's `ImportTable`
//! take. Stops at the first file that cannot be read whole, and prints nothing then.

use std::error::Error;
use std::ffi::OsStr;
use std::io::{BufWriter, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use lake::{Fold, read};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[PathBuf]) -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    for path in arguments {
        find(path, &mut files).map_err(|source| within(path, &*source))?;
    }
    if files.is_empty() {
        return Err("no change files; give directories or .parquet files of one table".into());
    }
    let mut fold = Fold::new();
    for file in &files {
        add(&mut fold, file).map_err(|source| within(file, &*source))?;
    }
    print(&fold)
}

/// The error with the path it is about, and all its causes.
fn within(path: &Path, error: &dyn Error) -> Box<dyn Error> {
    let mut text = format!("{}: {error}", path.display());
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.into()
}

/// Tells the user; there is nobody left to tell if that fails.
fn report(error: &dyn Error) {
    let _ = writeln!(stderr(), "{error}");
}

/// Finds the files at and below a path.
fn find(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() || path.extension() == Some(OsStr::new("parquet")) {
            find(&path, files)?;
        }
    }
    Ok(())
}

/// Adds every row of a file.
fn add(fold: &mut Fold, file: &Path) -> Result<(), Box<dyn Error>> {
    for row in read::rows(fs::read(file)?)? {
        let row = row?;
        if !row.is_intact() {
            return Err(format!(
                "item {} is not the one that was hashed",
                item::canonical(&row.key)
            )
            .into());
        }
        fold.add(row);
    }
    Ok(())
}

fn print(fold: &Fold) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(stdout().lock());
    for item in fold.items() {
        writeln!(out, r#"{{"Item":{}}}"#, item::canonical(item))?;
    }
    out.flush()?;
    Ok(())
}
