//! The two kinds of export, and all in which they differ.
//!
//! | | full | incremental |
//! |---|---|---|
//! | becomes | a snapshot | an increment |
//! | a line is | an item | what a window did to an item |
//! | files go to | `snapshots/<t>/snapshot=<time>/` | `increments/<t>/window_end=<to>/` |
//! | noted below `state/snapshot/<t>/` | `<time>/` | `increments/<from>_<to>/` |
//! | catalog table | `<t>__snapshot` | `<t>__increments` |
//! | counted as | `SnapshotItems`, `SnapshotsNotWhole` | `IncrementChanges`, `IncrementsNotWhole` |

use std::io::{BufRead, Write};

use aws::{Clients, Failure, catalog};
use item::{
    ItemError, RowError,
    format::{ReadError, Reader, Row},
    key::KeySchema,
};
use lake::{
    ExportFile, WriteError,
    export::{self, Window},
    path,
};

use crate::{Settings, message::Export};

/// Why a change is refused whose key and images are of two items.
const OTHER_KEY: &str = "the key of an image is another than that in Keys; DynamoDB writes no such line, export the window again";

/// What an export becomes in the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The table as it stood.
    Snapshot,
    /// What became of its items in a window.
    Increment(Window),
}

impl Export {
    pub(crate) fn kind(&self) -> Kind {
        self.window.map_or(Kind::Snapshot, Kind::Increment)
    }
}

impl Kind {
    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Increment(_) => "increment",
        }
    }

    /// The names of its metrics: what of it is in the lake, and whether it is not whole.
    pub(crate) fn metrics(self) -> [&'static str; 2] {
        match self {
            Self::Snapshot => ["SnapshotItems", "SnapshotsNotWhole"],
            Self::Increment(_) => ["IncrementChanges", "IncrementsNotWhole"],
        }
    }

    /// What nobody takes it for while it is not whole.
    pub(crate) fn warning(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot is not whole; no view stands on it",
            Self::Increment(_) => "increment is not whole; changes of its window are missing",
        }
    }

    /// The prefix of its files.
    pub(crate) fn folder(self, export: &Export) -> Result<String, WriteError> {
        let time = export.time.as_millisecond();
        match self {
            Self::Snapshot => path::snapshot(&export.table, time),
            Self::Increment(_) => path::increment(&export.table, time),
        }
    }

    /// Its time, or its window, as names have it.
    pub(crate) fn time_text(self, export: &Export) -> Result<String, WriteError> {
        let time = export.time.as_millisecond();
        match self {
            Self::Snapshot => path::time_text(time),
            Self::Increment(window) => path::window_text(window.from.as_millisecond(), time),
        }
    }

    /// The folder of its notes.
    pub(crate) fn notes(self, export: &Export) -> Result<String, WriteError> {
        let time = self.time_text(export)?;
        Ok(match self {
            Self::Snapshot => time,
            Self::Increment(_) => format!("increments/{time}"),
        })
    }

    /// Makes its catalog table, or gives that the columns it lacks.
    pub(crate) async fn ensure_table(
        self,
        clients: &Clients,
        settings: &Settings,
        table: &str,
    ) -> Result<(), Failure> {
        let (glue, lake) = (clients.glue(), settings.lake());
        match self {
            Self::Snapshot => Box::pin(catalog::ensure_snapshots(glue, lake, table)).await,
            Self::Increment(_) => Box::pin(catalog::ensure_increments(glue, lake, table)).await,
        }?;
        Ok(())
    }

    /// Starts to read one of its data files.
    pub(crate) fn read<R: BufRead>(self, text: R, export: &Export) -> Result<Reader<R>, ReadError> {
        let format = export::format(&export.output_format);
        match self {
            Self::Snapshot => Reader::new(text, &format),
            Self::Increment(_) => Reader::of_changes(text, &format),
        }
    }

    /// Takes a line of one of its data files.
    pub(crate) fn push<W: Write>(
        self,
        export: &Export,
        schema: &KeySchema,
        line: &Row<'_>,
        file: &mut ExportFile<W>,
    ) -> Result<(), Refused> {
        match self {
            Self::Snapshot => {
                let item = line.item()?;
                let key = schema.key_of(&item)?;
                file.push(&lake::Row::of_snapshot(export.time.as_millisecond(), &key, &item))?;
            }
            Self::Increment(window) => {
                let change = line.change()?;
                let key = schema.key_of(&change.keys)?;
                for image in change.new.iter().chain(&change.old) {
                    if schema.key_of(image)? != key {
                        return Err(Refused::Line(Fault::OtherKey));
                    }
                }
                file.push(&lake::Row::of_increment(&key, &change, window.view)?)?;
            }
        }
        Ok(())
    }
}

/// Why a line was not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is not what its export should hold, or fits no row.
    Line(Fault),
    /// The file cannot be written.
    File(WriteError),
}

/// What is wrong with a line.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It cannot be read.
    Row(Box<RowError>),
    /// Its key is none.
    Key(ItemError),
    /// Its parts are of two items.
    OtherKey,
    /// It fits no row.
    NoRow(WriteError),
}

impl Fault {
    /// All that is known of it.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Row(error) => error.to_string(),
            Self::Key(error) => error.to_string(),
            Self::OtherKey => OTHER_KEY.to_owned(),
            Self::NoRow(error) => error.to_string(),
        }
    }

    /// The same, without what was found.
    pub(crate) fn withheld(&self) -> String {
        match self {
            Self::Row(error) => error.withheld(),
            // Of a key no value is told.
            Self::Key(_) | Self::OtherKey | Self::NoRow(_) => self.told(),
        }
    }
}

impl From<RowError> for Refused {
    fn from(error: RowError) -> Self {
        Self::Line(Fault::Row(Box::new(error)))
    }
}

impl From<ItemError> for Refused {
    fn from(error: ItemError) -> Self {
        Self::Line(Fault::Key(error))
    }
}

impl From<WriteError> for Refused {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Io(_) => Self::File(error),
            error => Self::Line(Fault::NoRow(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use item::key::{KeyAttribute, KeyType};
    use lake::export::View;

    use super::*;

    fn export(window: Option<Window>) -> Export {
        Export {
            bucket: "exports".to_owned(),
            table: "_planes".to_owned(),
            table_id: "1".to_owned(),
            arn: "arn".to_owned(),
            time: "2026-11-22T15:15:00Z".parse().unwrap(),
            window,
            output_format: "DYNAMODB_JSON".to_owned(),
            files: 1,
            items: 1,
        }
    }

    fn snapshot() -> Export {
        export(None)
    }

    fn increment() -> Export {
        let from = "2026-11-22T15:00:00Z".parse().unwrap();
        export(Some(Window { from, view: View::NewAndOldImages }))
    }

    #[test]
    fn no_name_is_of_both_kinds() {
        let names = |export: Export| {
            let kind = export.kind();
            [kind.folder(&export), kind.notes(&export), kind.time_text(&export)]
                .map(Result::unwrap)
                .join("\n")
        };
        insta::assert_snapshot!(names(snapshot()), @"
        snapshots/!_planes/snapshot=20261122T151500Z/
        20261122T151500Z
        20261122T151500Z
        ");
        insta::assert_snapshot!(names(increment()), @"
        increments/!_planes/window_end=20261122T151500Z/
        increments/20261122T150000Z_20261122T151500Z
        20261122T150000Z_20261122T151500Z
        ");
        let [a, b] = [snapshot(), increment()].map(|export| export.kind().metrics());
        assert!(a.iter().all(|name| !b.contains(name)));
    }

    /// What a file takes of a line: how many rows it has then, or why it refuses.
    fn taken(export: &Export, line: &str) -> String {
        let schema = KeySchema::simple(KeyAttribute::new("p", KeyType::S));
        let mut file = ExportFile::new(Vec::new(), &export.table).unwrap();
        let mut reader = export.kind().read(line.as_bytes(), export).unwrap();
        let row = reader.next_row().unwrap().unwrap();
        match export.kind().push(export, &schema, &row, &mut file) {
            Ok(()) => {
                file.write_rows(&lake::Registry::new()).unwrap();
                file.written().to_string()
            }
            Err(Refused::Line(fault)) => fault.told(),
            Err(Refused::File(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn each_kind_takes_its_own_lines() {
        let item = r#"{"Item":{"p":{"S":"a"}}}"#;
        let change = |rest: &str| {
            let time = r#""Metadata":{"WriteTimestampMicros":{"N":"1795359600123456"}}"#;
            format!(r#"{{{time},"Keys":{{"p":{{"S":"a"}}}}{rest}}}"#)
        };
        assert_eq!(taken(&snapshot(), item), "1");
        assert_eq!(taken(&increment(), &change("")), "1");
        assert_eq!(taken(&increment(), &change(r#","NewImage":{"p":{"S":"a"}}"#)), "1");
        insta::assert_snapshot!(taken(&increment(), item), @"line 1, byte 0, attribute Metadata.WriteTimestampMicros: the field is missing");
        insta::assert_snapshot!(taken(&snapshot(), &change("")), @r#"line 1, byte 0: expected "Item" alone, found "Metadata"; a line is {"Item":{...}}"#);
        insta::assert_snapshot!(taken(&increment(), &change(r#","OldImage":{"p":{"S":"b"}}"#)), @"the key of an image is another than that in Keys; DynamoDB writes no such line, export the window again");
        insta::assert_snapshot!(taken(&increment(), &change(r#","NewImage":{}"#)), @"attribute p: the key attribute is missing; every item needs it, of type S");
        let before = change("").replace("1795359600123456", "-1");
        insta::assert_snapshot!(taken(&increment(), &before), @"time -1 ms is not within the years 1970 to 9999");
    }
}
