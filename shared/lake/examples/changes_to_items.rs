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
    let mut table = Table::default();
    for path in &files {
        let added = fs::read(path).map_err(Into::into).and_then(|file| table.add(file));
        added.map_err(|source| within(path, &*source))?;
    }
    print(&table.fold)
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

/// The table that the files are of.
#[derive(Default)]
struct Table {
    /// Its name, once a file was read.
    name: Option<String>,
    fold: Fold,
}

impl Table {
    /// Adds every row of a file.
    fn add(&mut self, file: Vec<u8>) -> Result<(), Box<dyn Error>> {
        let rows = read::rows(file)?;
        let name = self.name.get_or_insert_with(|| rows.table().to_owned());
        if name != rows.table() {
            let table = rows.table();
            return Err(format!(
                "is of table {table}, the files before it of {name}; give the files of one table"
            )
            .into());
        }
        for row in rows {
            let row = row?;
            if !row.is_intact() {
                let key = item::canonical(&row.key);
                return Err(format!("item {key} is not the one that was hashed").into());
            }
            self.fold.add(row);
        }
        Ok(())
    }
}

fn print(fold: &Fold) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(stdout().lock());
    for item in fold.items() {
        writeln!(out, r#"{{"Item":{}}}"#, item::canonical(item))?;
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use lake::{Registry, Rows, parquet};

    use super::*;

    fn file(table: &str) -> Vec<u8> {
        parquet::write(table, &Rows::new().finish(&Registry::new()).unwrap()).unwrap()
    }

    #[test]
    fn files_of_two_tables_are_refused() {
        let mut table = Table::default();
        table.add(file("planes")).unwrap();
        table.add(file("planes")).unwrap();
        let error = table.add(file("airports")).unwrap_err();
        assert!(error.to_string().contains("is of table airports, the files before it of planes"));
    }
}
