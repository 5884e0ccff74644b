//! Which columns a view has, and what each is made of.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::quoted;
use crate::column::user::UserType;
use crate::registry::{Column, ColumnType, Registry};
use crate::{Kind, meta, name};

/// The longest statement that Athena takes, in bytes.
///
/// Source: [StartQueryExecution](https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html).
const MAX_STATEMENT_BYTES: usize = 262_144;
/// The longest text of a view that the catalog takes, in bytes.
///
/// Source: [TableInput](https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html).
const MAX_TEXT_BYTES: usize = 409_600;
/// What that text can hold, since it is in base64.
const MAX_DEFINITION_BYTES: usize = MAX_TEXT_BYTES / 4 * 3;
/// Room for everything but the attributes' columns: meta columns, names of tables, conditions.
const FRAME_BYTES: usize = 8 * 1024;
/// What Athena's own layout of the text may add for one column: a line of its own, indented.
const LAYOUT_BYTES: usize = 16;
/// The frame of a column's entry in a view's definition: `{"name":"","type":""},`.
const ENTRY_BYTES: usize = 24;

/// A table that a view reads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Changes,
    Snapshot,
}

/// What a column of a view shows: numbers of an attribute are one, whatever columns they are in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Shows<'r> {
    /// One kind of an attribute, or both kinds of numbers, or both kinds of sets of numbers.
    Attribute(&'r str, Kind),
    /// A column by itself: a user's, or one that gets no values any more.
    Column(&'r str, Cow<'static, str>),
}

/// A column of a view.
#[derive(Debug, Clone)]
pub(super) struct Output<'r> {
    name: String,
    /// As Trino spells it.
    type_text: Cow<'static, str>,
    changes: Vec<&'r Column>,
    snapshot: Option<Vec<&'r Column>>,
}

/// The columns of a view but for meta and partition columns, in the catalog's order.
#[derive(Debug, Clone)]
pub(super) struct Outputs<'r>(Vec<Output<'r>>);

impl<'r> Outputs<'r> {
    /// The columns of the changes, then those that only the snapshot has.
    pub(super) fn of(changes: &'r Registry, snapshot: Option<&'r Registry>) -> Self {
        let mut outputs: Vec<Output<'r>> = Vec::new();
        let mut places = HashMap::new();
        let sides = [(Side::Changes, Some(changes)), (Side::Snapshot, snapshot)];
        for (side, registry) in sides.into_iter().filter_map(|(side, r)| Some((side, r?))) {
            for column in registry.columns() {
                let Some(type_text) = type_text(&column.holds) else { continue };
                let shows = shows(registry, column, type_text.clone());
                let place = *places.entry(shows).or_insert_with(|| {
                    let snapshot = snapshot.map(|_| Vec::new());
                    let name = column.name.clone();
                    let type_text = type_text.clone();
                    outputs.push(Output { name, type_text, changes: Vec::new(), snapshot });
                    outputs.len() - 1
                });
                outputs[place].add(side, column, type_text);
            }
        }
        let mut taken: HashSet<String> = meta::COLUMNS.map(|column| column.name.into()).into();
        for output in &mut outputs {
            output.name = free_name(&output.name, &mut taken);
        }
        Self(outputs)
    }

    /// As many as fit what Athena and the catalog take, and the names of the others.
    pub(super) fn fitting(mut self) -> (Self, Vec<String>) {
        let (mut statement, mut definition) = (FRAME_BYTES, FRAME_BYTES);
        let fits = |output: &&Output<'_>| {
            statement += output.statement_bytes();
            definition += output.definition_bytes();
            statement <= MAX_STATEMENT_BYTES && definition <= MAX_DEFINITION_BYTES
        };
        let fitting = self.0.iter().take_while(fits).count();
        let left_out = self.0.split_off(fitting);
        (self, left_out.into_iter().map(|output| output.name).collect())
    }

    /// The expressions that make the columns, from one table.
    pub(super) fn select(&self, side: Side) -> impl Iterator<Item = String> {
        self.0.iter().map(move |output| output.select(side))
    }
}

impl<'r> Output<'r> {
    /// Takes a further column that has what is shown. One with the attribute's own name gives its name.
    fn add(&mut self, side: Side, column: &'r Column, type_text: Cow<'static, str>) {
        let names = matches!(side, Side::Changes) || self.changes.is_empty();
        if names && name::is_plain(&column.name, &column.attribute) {
            self.name.clone_from(&column.name);
        }
        // Of two kinds of numbers the wider is shown.
        if type_text.contains("double") {
            self.type_text = type_text;
        }
        match side {
            Side::Changes => self.changes.push(column),
            Side::Snapshot => self.snapshot.get_or_insert_default().push(column),
        }
    }

    /// The column's expression. Only the first table's names become the view's.
    fn select(&self, side: Side) -> String {
        match side {
            Side::Changes => {
                let value = self.value(&self.changes);
                let name = quoted(&self.name);
                if value == name { value } else { format!("{value} AS {name}") }
            }
            Side::Snapshot => self.value(self.snapshot.as_deref().unwrap_or_default()),
        }
    }

    /// What the columns of one table hold: at most one of them has a value.
    fn value(&self, columns: &[&Column]) -> String {
        let values: Vec<String> = columns.iter().map(|column| self.cast(column)).collect();
        match values.as_slice() {
            [] => format!("CAST(NULL AS {})", self.type_text),
            [value] => value.clone(),
            _ => format!("COALESCE({})", values.join(", ")),
        }
    }

    fn cast(&self, column: &Column) -> String {
        let name = quoted(&column.name);
        match type_text(&column.holds) {
            Some(found) if found != self.type_text => format!("CAST({name} AS {})", self.type_text),
            _ => name,
        }
    }

    /// What the column adds to the statement.
    fn statement_bytes(&self) -> usize {
        self.texts().map(|text| text.len() + ", ".len()).sum()
    }

    /// What it adds to the definition that Athena keeps: the same in JSON, laid out, and its type.
    fn definition_bytes(&self) -> usize {
        let select: usize = self.texts().map(|text| json_bytes(&text) + LAYOUT_BYTES).sum();
        select + json_bytes(&self.name) + self.type_text.len() + ENTRY_BYTES
    }

    fn texts(&self) -> impl Iterator<Item = String> {
        let snapshot = self.snapshot.as_ref().map(|_| self.select(Side::Snapshot));
        std::iter::once(self.select(Side::Changes)).chain(snapshot)
    }
}

/// The length of a text in a JSON string; a control character may take six.
fn json_bytes(text: &str) -> usize {
    let of = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(of).sum()
}

fn shows<'r>(registry: &Registry, column: &'r Column, type_text: Cow<'static, str>) -> Shows<'r> {
    match &column.holds {
        ColumnType::Ours(kind) if registry.is_filled(column) => {
            let kind = match kind {
                Kind::Double => Kind::Bigint,
                Kind::DoubleSet => Kind::BigintSet,
                Kind::String
                | Kind::Bigint
                | Kind::Boolean
                | Kind::Binary
                | Kind::StringSet
                | Kind::BigintSet
                | Kind::BinarySet
                | Kind::Json => *kind,
            };
            Shows::Attribute(&column.attribute, kind)
        }
        ColumnType::Ours(_) | ColumnType::Added(_) => Shows::Column(&column.name, type_text),
    }
}

fn free_name(wanted: &str, taken: &mut HashSet<String>) -> String {
    let is_taken =
        |name: &str| name::RESERVED.contains(&name) || taken.contains(&name.to_lowercase());
    let name = name::distinct(wanted.to_owned(), is_taken);
    taken.insert(name.to_lowercase());
    name
}

/// The type of a column as Trino's SQL spells it; nothing for one that is never filled.
fn type_text(holds: &ColumnType) -> Option<Cow<'static, str>> {
    Some(match holds {
        ColumnType::Ours(kind) => ours(*kind).into(),
        ColumnType::Added(UserType::String) => "varchar".into(),
        ColumnType::Added(UserType::Boolean) => "boolean".into(),
        ColumnType::Added(UserType::Int) => "integer".into(),
        ColumnType::Added(UserType::Bigint) => "bigint".into(),
        ColumnType::Added(UserType::Double) => "double".into(),
        ColumnType::Added(UserType::Decimal { precision, scale }) => {
            format!("decimal({precision}, {scale})").into()
        }
        ColumnType::Added(UserType::Timestamp { .. }) => "timestamp".into(),
        ColumnType::Added(UserType::Date) => "date".into(),
        ColumnType::Added(UserType::Other(_)) => return None,
    })
}

fn ours(kind: Kind) -> &'static str {
    match kind {
        Kind::String | Kind::Json => "varchar",
        Kind::Bigint => "bigint",
        Kind::Double => "double",
        Kind::Boolean => "boolean",
        Kind::Binary => "varbinary",
        Kind::StringSet => "array(varchar)",
        Kind::BigintSet => "array(bigint)",
        Kind::DoubleSet => "array(double)",
        Kind::BinarySet => "array(varbinary)",
    }
}

/// A list of columns: some by name, the attributes', and some more by name.
pub(super) fn list(
    attributes: impl Iterator<Item = String>,
    before: &[&str],
    after: &[&str],
) -> String {
    let named = |names: &[&str]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>();
    let all: Vec<String> =
        named(before).into_iter().chain(attributes).chain(named(after)).collect();
    all.join(", ")
}
