//! Names that Athena, Glue and every SQL dialect take.
//!
//! A safe name is made of `a-z`, `0-9` and `_`, starts with a letter and has at most
//! [`MAX_NAME_BYTES`] bytes:
//!
//! | attribute | safe name | rule |
//! |---|---|---|
//! | `price` | `price` | |
//! | `Unit-Price` | `unit_price` | lower case; any other character becomes one `_` |
//! | `2fa` | `c_2fa` | a leading digit or underscore gets a letter before it |
//! | `Größe` | `gr__e` | |
//! | 300 × `a` | 238 × `a`, `_`, 16 hex digits | cut, with a hash of the whole |
//!
//! Where two attributes have one safe name, the later gets `_2`, `_3` and so on. A further kind of
//! an attribute that has a column `price` gets `price__double`, numbered in the same way.

use xxhash_rust::xxh64::xxh64;

use crate::Kind;

/// The longest name of a Glue column or table, in bytes.
///
/// Source: [Column](https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html).
pub const MAX_NAME_BYTES: usize = 255;

/// Names of partition columns in the catalog, which no attribute's column may take.
pub const RESERVED: [&str; 3] = ["dt", "snapshot", "window_end"];

/// The safe name of an attribute's first column, before it is told from others like it.
pub(crate) fn column(attribute: &str) -> String {
    shorten(safe(attribute, 'c'), attribute)
}

/// Whether a column's name is that of its attribute, numbered or not, and not one of a further kind.
pub(crate) fn is_plain(name: &str, attribute: &str) -> bool {
    let plain = column(attribute);
    let number = || name.rsplit_once('_')?.1.parse().ok();
    name == plain || number().is_some_and(|number| name == numbered(&plain, number, MAX_NAME_BYTES))
}

/// The safe name of a further kind of the attribute whose first column is `first`.
pub(crate) fn sibling(first: &str, kind: Kind) -> String {
    let long = format!("{first}__{kind}");
    let source = long.clone();
    shorten(long, &source)
}

/// `name`, or where that is taken, `name_2`, `name_3` and so on: the first that is free.
pub(crate) fn distinct(name: String, taken: impl Fn(&str) -> bool) -> String {
    if !taken(&name) {
        return name;
    }
    let mut number: u64 = 2;
    loop {
        let candidate = numbered(&name, number, MAX_NAME_BYTES);
        if !taken(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

/// What follows the plain name in the names of a table's history, changes, snapshots and increments.
const SUFFIXES: [&str; 4] = ["__history", "__changes", "__snapshot", LONGEST_SUFFIX];
const LONGEST_SUFFIX: &str = "__increments";

/// The catalog's names for one DynamoDB table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    /// The view of the current state: the plain name.
    pub current: String,
    /// The view of every version once.
    pub history: String,
    /// The table over the change files, which is also the registry.
    pub changes: String,
    /// The table over the snapshots.
    pub snapshot: String,
    /// The table over the incremental exports.
    pub increments: String,
}

impl TableNames {
    /// The names for `table`.
    ///
    /// `number` tells tables apart that have one safe name (`Orders` and `orders`): 1 gives plain
    /// names, 2 gives `orders_2`, `orders_2__changes` and so on. The caller counts up while the
    /// catalog's table of that name belongs to another DynamoDB table, which its parameter
    /// [`catalog::TABLE`](crate::catalog::TABLE) says.
    ///
    /// No two names of two tables are the same, unless all of them are: where a table is called
    /// `orders__changes`, its plain name is `orders__changes_`, so that it is not the registry of
    /// `orders`.
    pub fn of(table: &str, number: u64) -> Self {
        let mut name = safe(table, 't');
        if SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
            name.push('_');
        }
        let limit = MAX_NAME_BYTES - LONGEST_SUFFIX.len();
        let name = shorten_to(name, table, limit);
        Self::below(if number < 2 { name } else { numbered(&name, number, limit) })
    }

    /// The names that belong to the catalog's table of changes, if that is one: `orders__changes`.
    pub fn of_changes(changes: &str) -> Option<Self> {
        let base = changes.strip_suffix("__changes")?;
        (!base.is_empty()).then(|| Self::below(base.to_owned()))
    }

    fn below(base: String) -> Self {
        let [history, changes, snapshot, increments] =
            SUFFIXES.map(|suffix| format!("{base}{suffix}"));
        Self { current: base, history, changes, snapshot, increments }
    }
}

/// Lower case `[a-z0-9_]` that starts with a letter: `letter` is put before what does not.
fn safe(text: &str, letter: char) -> String {
    let mut name = String::with_capacity(text.len() + 2);
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name.push(letter);
        if !text.starts_with('_') {
            name.push('_');
        }
    }
    name.extend(text.chars().map(|c| match c {
        'a'..='z' | '0'..='9' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        _ => '_',
    }));
    name
}

/// Cuts a name that is too long and marks it with a hash of what it stands for.
fn shorten(name: String, source: &str) -> String {
    shorten_to(name, source, MAX_NAME_BYTES)
}

pub(crate) fn shorten_to(mut name: String, source: &str, limit: usize) -> String {
    if name.len() > limit {
        let mark = format!("_{:016x}", xxh64(source.as_bytes(), 0));
        name.truncate(limit - mark.len());
        name.push_str(&mark);
    }
    name
}

/// `name_<number>`, cut to fit.
fn numbered(name: &str, number: u64, limit: usize) -> String {
    let suffix = format!("_{number}");
    let end = name.len().min(limit - suffix.len());
    format!("{}{suffix}", &name[..end])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn safe_column_names() {
        let cases = [
            ("price", "price"),
            ("Unit-Price", "unit_price"),
            ("2fa", "c_2fa"),
            ("_op", "c_op"),
            ("__typename", "c__typename"),
            ("Größe", "gr__e"),
            ("größe", "gr__e"),
            ("日本", "c___"),
            ("-", "c__"),
            ("a.b c\"d'e`f;g\n", "a_b_c_d_e_f_g_"),
            ("", "c_"),
        ];
        for (attribute, expected) in cases {
            assert_eq!(column(attribute), expected, "{attribute:?}");
        }
    }

    #[test]
    fn long_names_are_cut_and_hashed() {
        let exact = "a".repeat(MAX_NAME_BYTES);
        assert_eq!(column(&exact), exact);
        let names = [300, 301].map(|length| column(&"a".repeat(length)));
        assert_ne!(names[0], names[1]);
        for name in names {
            assert_eq!(name.len(), MAX_NAME_BYTES);
            assert!(name.starts_with(&"a".repeat(238)), "{name}");
            assert_eq!(sibling(&name, Kind::Json).len(), MAX_NAME_BYTES);
            assert_eq!(distinct(name.clone(), |n| n == name).len(), MAX_NAME_BYTES);
        }
    }

    #[test]
    fn plain_names_are_told_from_those_of_further_kinds() {
        let long = "a".repeat(300);
        let cut = column(&long);
        for (name, attribute, expected) in [
            ("price", "Price", true),
            ("price_12", "Price", true),
            ("price__double", "Price", false),
            ("price__double_2", "Price", false),
            ("price__2", "Price", false),
            ("price", "cost", false),
            (&cut, &long, true),
            (&numbered(&cut, 2, MAX_NAME_BYTES), &long, true),
            (&sibling(&cut, Kind::Json), &long, false),
        ] {
            assert_eq!(is_plain(name, attribute), expected, "{name} of {attribute}");
        }
    }

    #[test]
    fn collisions_are_numbered() {
        let taken = ["a", "a_2"];
        assert_eq!(distinct("a".to_owned(), |name| taken.contains(&name)), "a_3");
        assert_eq!(distinct("b".to_owned(), |name| taken.contains(&name)), "b");
    }

    #[test]
    fn table_names() {
        let names = TableNames::of("Orders.v2", 1);
        assert_eq!(names.current, "orders_v2");
        assert_eq!(names.changes, "orders_v2__changes");
        assert_eq!(names.history, "orders_v2__history");
        assert_eq!(TableNames::of("orders-v2", 2).snapshot, "orders_v2_2__snapshot");
        assert_eq!(TableNames::of("2026", 1).current, "t_2026");
    }

    #[test]
    fn names_come_back_from_that_of_the_changes() {
        for names in [TableNames::of("Orders.v2", 12), TableNames::of("orders__changes", 1)] {
            assert_eq!(TableNames::of_changes(&names.changes), Some(names.clone()));
            assert_eq!(TableNames::of_changes(&names.history), None);
        }
        assert_eq!(TableNames::of_changes("__changes"), None);
    }

    fn all(names: TableNames) -> [String; 5] {
        [names.current, names.history, names.changes, names.snapshot, names.increments]
    }

    #[test]
    fn names_of_long_tables_fit_and_differ() {
        for number in [1, 2, 12, u64::MAX] {
            let names = all(TableNames::of(&"t".repeat(255), number));
            assert!(names.iter().all(|name| name.len() <= MAX_NAME_BYTES), "{names:?}");
            assert_eq!(HashSet::from(names.clone()).len(), names.len(), "{names:?}");
        }
    }

    #[test]
    fn no_table_is_called_as_a_part_of_another() {
        for base in ["orders", "t_", &"o".repeat(234), &"o".repeat(243)] {
            let names = all(TableNames::of(base, 1));
            for part in &names[1..] {
                let other = all(TableNames::of(&part.to_uppercase(), 1));
                assert!(other.iter().all(|name| !names.contains(name)), "{other:?}");
                assert!(other.iter().all(|name| name.len() <= MAX_NAME_BYTES), "{other:?}");
            }
        }
        let names = TableNames::of("orders__changes", 2);
        assert_eq!(names.current, "orders__changes__2");
        assert_eq!(names.changes, "orders__changes__2__changes");
    }
}
