//! A table's columns from the footers of its files: how a lost registry is made anew.
//!
//! ```text
//! a file's last bytes ─ read ─▶ Footer ─┐
//! … of every file, oldest first ────────┴─▶ Footers ─ restore ─▶ TableDefinition
//! ```
//!
//! Names must come back as they were. An attribute that got another's name would make engines read old
//! files with the wrong type, or one attribute's values as another's.
//!
//! ```
//! use lake::catalog::TableDefinition;
//! use lake::footer::{self, Footers, Tail};
//! use lake::{DEFAULT_COLUMN_LIMIT, Registry, Rows, parquet};
//!
//! let rows = Rows::new();
//! let file = parquet::write("planes", &rows.finish(&Registry::new())?)?;
//! let Tail::Complete(footer) = footer::read(&file)? else { panic!("a whole file is tail enough") };
//!
//! let mut footers = Footers::new();
//! footers.add("changes/planes/dt=2026-09-01/x.parquet", footer);
//! let mut table = TableDefinition::changes("planes", "planes__changes", "lake", 1_795_359_600_000)?;
//! assert_eq!(footers.restore(&mut table), []);
//! assert_eq!(table.parameters["projection.dt.range"], "2026-09-01,NOW");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::{BTreeMap, HashMap};

use ::parquet::file::metadata::{FileMetaData, FooterTail, ParquetMetaDataReader};
use jiff::civil::Date;

use crate::catalog::TableDefinition;
use crate::column::user::{Epoch, UserType};
use crate::error::ReadError;
use crate::parquet::{ADDED, AddedMetadata, COLUMNS, ColumnMetadata};
use crate::read::{entry, guarded, optional_entry};
use crate::registry::{Column, ColumnType};
use crate::{name, path};

/// The bytes at the end of every Parquet file that say how long its footer is.
const LENGTH_AND_MAGIC: usize = 8;

/// What the last bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tail {
    /// The whole footer.
    Complete(Footer),
    /// Too few: the footer is in the last so many.
    Longer(usize),
}

/// What a file says of its columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footer {
    /// The columns that it has values in, in its order.
    columns: Vec<Column>,
    /// Names of columns, with kinds that this version does not know.
    unknown: Vec<(String, String)>,
}

/// Reads the footer in the last bytes of a file; 64 KiB hold that of most.
pub fn read(tail: &[u8]) -> Result<Tail, ReadError> {
    let (before, end) = tail.split_last_chunk::<LENGTH_AND_MAGIC>().ok_or(ReadError::Damaged)?;
    let length = guarded(|| Ok(FooterTail::try_new(end)?))?.metadata_length();
    let Some(start) = before.len().checked_sub(length) else {
        return Ok(Tail::Longer(length.saturating_add(LENGTH_AND_MAGIC)));
    };
    let metadata = guarded(|| Ok(ParquetMetaDataReader::decode_metadata(&before[start..])?))?;
    Ok(Tail::Complete(Footer::of(metadata.file_metadata())?))
}

impl Footer {
    fn of(metadata: &FileMetaData) -> Result<Self, ReadError> {
        let mut footer = Self::default();
        let ours: BTreeMap<String, ColumnMetadata> = json(COLUMNS, entry(metadata, COLUMNS)?)?;
        for (name, ColumnMetadata { attribute, kind }) in ours {
            match kind.parse() {
                Ok(kind) => {
                    let holds = ColumnType::Ours(kind);
                    footer.columns.push(Column { name, attribute, holds });
                }
                Err(_) => footer.unknown.push((name, kind)),
            }
        }
        let added = optional_entry(metadata, ADDED).unwrap_or("{}");
        let added: BTreeMap<String, AddedMetadata> = json(ADDED, added)?;
        for (name, AddedMetadata { attribute, type_text, epoch }) in added {
            let user_type = UserType::of(&type_text, epoch.as_deref().and_then(Epoch::of));
            footer.columns.push(Column { name, attribute, holds: ColumnType::Added(user_type) });
        }
        let fields = metadata.schema_descr().root_schema().get_fields();
        let places: HashMap<&str, usize> =
            fields.iter().enumerate().map(|(place, field)| (field.name(), place)).collect();
        footer.columns.sort_by_key(|column| places.get(column.name.as_str()).copied());
        Ok(footer)
    }
}

pub(crate) fn json<'t, T: serde::Deserialize<'t>>(
    key: &'static str,
    text: &'t str,
) -> Result<T, ReadError> {
    serde_json::from_str(text)
        .map_err(|error| ReadError::Metadata { key, fault: format!("malformed: {error}") })
}

/// What the files of one table say of its columns.
///
/// It holds every name once, however many files there are.
#[derive(Debug, Clone, Default)]
pub struct Footers {
    files: usize,
    first_day: Option<Date>,
    /// In first-seen order.
    names: Vec<Named>,
    /// The places in `names`.
    places: HashMap<String, usize>,
    unknown: BTreeMap<String, String>,
}

/// What a name stands for: one thing, unless something went wrong.
#[derive(Debug, Clone)]
struct Named {
    /// Each with the first file that says so.
    meanings: Vec<(Column, String)>,
    /// The place of what the newest file says.
    newest: usize,
}

/// A column's name that stands for two things.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "column {column:?} stands for {kept}, but in {file} for {other}: engines fail on that file or misread it; \
     its items can still be rebuilt from it"
)]
pub struct Conflict {
    /// The column's name.
    pub column: String,
    /// What it stands for from now on.
    pub kept: String,
    /// What else a file has under that name.
    pub other: String,
    /// The first such file.
    pub file: String,
}

impl Footers {
    /// No files yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many files were taken.
    pub fn files(&self) -> usize {
        self.files
    }

    /// Takes the footer of the file at `path`. Files come in the order of their names, which is that
    /// of their days: where they disagree the newest is right, since writers go on with it.
    pub fn add(&mut self, path: &str, footer: Footer) {
        self.files += 1;
        let day = path::day_of(path);
        self.first_day = self.first_day.into_iter().chain(day).min();
        for column in footer.columns {
            let place = *self.places.entry(column.name.clone()).or_insert_with(|| {
                self.names.push(Named { meanings: Vec::new(), newest: 0 });
                self.names.len() - 1
            });
            self.names[place].add(column, path);
        }
        self.unknown.extend(footer.unknown);
    }

    /// Gives a definition the columns of the files, under the names they have there, and says which
    /// names stand for two things.
    ///
    /// What the definition has already stays as it is, and what a person dropped from it stays away.
    /// Where days of files are older than its projection, that begins with them.
    pub fn restore(&self, definition: &mut TableDefinition) -> Vec<Conflict> {
        if let Some(day) = self.first_day {
            definition.begin_by(day);
        }
        definition.reserve(&self.unknown);
        let mut conflicts = Vec::new();
        for named in self.ordered() {
            let (newest, _) = &named.meanings[named.newest];
            if definition.is_dropped(&newest.name) {
                continue;
            }
            definition.add(std::slice::from_ref(newest));
            let kept = definition.meaning_of(&newest.name);
            let others = named.meanings.iter().filter(|(column, _)| Some(column) != kept.as_ref());
            conflicts.extend(others.map(|(other, file)| Conflict {
                column: other.name.clone(),
                kept: kept.as_ref().map_or("nothing of ours".to_owned(), describe),
                other: describe(other),
                file: file.clone(),
            }));
        }
        conflicts
    }

    /// The names, those of one attribute together and its plain name first: further kinds are named
    /// after that.
    fn ordered(&self) -> Vec<&Named> {
        let column = |named: &'_ Named| named.meanings[named.newest].0.clone();
        let mut first: HashMap<String, usize> = HashMap::new();
        for (place, named) in self.names.iter().enumerate() {
            first.entry(column(named).attribute).or_insert(place);
        }
        let mut ordered: Vec<&Named> = self.names.iter().collect();
        ordered.sort_by_cached_key(|named| {
            let Column { name, attribute, .. } = column(named);
            (first.get(&attribute).copied(), !name::is_plain(&name, &attribute))
        });
        ordered
    }
}

impl Named {
    fn add(&mut self, column: Column, path: &str) {
        let known = self.meanings.iter().position(|(meaning, _)| *meaning == column);
        self.newest = known.unwrap_or_else(|| {
            self.meanings.push((column, path.to_owned()));
            self.meanings.len() - 1
        });
    }
}

fn describe(column: &Column) -> String {
    match &column.holds {
        ColumnType::Ours(kind) => format!("{kind} of attribute {:?}", column.attribute),
        ColumnType::Added(user_type) => {
            format!("a user's {user_type} of attribute {:?}", column.attribute)
        }
    }
}
