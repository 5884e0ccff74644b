//! The column `_rest`: what the other columns do not hold.
//!
//! A JSON object of DynamoDB-typed values by attribute, such as `{"gone":{"NULL":true}}`; null where
//! there is nothing to say. When an item is rebuilt, it overrides the columns. It holds
//!
//! | value | why |
//! |---|---|
//! | NULL | no column type is for it |
//! | a number whose nearest double is another number | the column holds the nearest |
//! | a set of numbers with such a member | likewise |
//! | a map or list with a set or binary inside | plain JSON does not tell them from lists and text |
//! | any value of an attribute that has no column of its kind | the column limit, or no catalog |

use std::collections::HashMap;

use arrow::array::ArrayRef;
use item::Value;

use crate::column::{Overflow, Placement, RowNumbers, Texts};

/// The entries of `_rest`, as they were found.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// Entries, one after the other: `"name":{"N":"1"}`.
    text: String,
    entries: Vec<Entry>,
}

/// One attribute of one row.
#[derive(Debug, Clone, Copy)]
struct Entry {
    row: u32,
    /// The column that holds an approximation; none for NULL.
    column: Option<usize>,
    start: usize,
    /// Where the value starts, after the name and colon.
    value: usize,
    end: usize,
}

impl Rest {
    /// Adds the exact value of an attribute. An attribute is added once a row.
    pub(crate) fn push(
        &mut self,
        row: u32,
        column: Option<usize>,
        attribute: &str,
        value: &Value<'_>,
    ) {
        let start = self.text.len();
        item::write_json_string(attribute, &mut self.text);
        self.text.push(':');
        let at = self.text.len();
        item::write_canonical_value(value, &mut self.text);
        self.entries.push(Entry { row, column, start, value: at, end: self.text.len() });
    }

    /// The exact values of what columns hold approximately, as text, by row and column.
    pub(crate) fn exact(&self) -> HashMap<(u32, usize), &str> {
        let exact =
            |entry: &Entry| Some(((entry.row, entry.column?), &self.text[entry.value..entry.end]));
        self.entries.iter().filter_map(exact).collect()
    }

    /// The column of a batch of `len` rows: each row's entries in the order of their text.
    pub(crate) fn array(mut self, len: usize) -> Result<ArrayRef, Overflow> {
        let text = self.text;
        // In one pass: rows come in order, but for the values of columns without a name.
        self.entries.sort_by_key(|entry| entry.row);
        let mut rows = RowNumbers::default();
        let mut objects = Texts::default();
        for row in self.entries.chunk_by_mut(|a, b| a.row == b.row) {
            row.sort_unstable_by_key(|entry| &text[entry.start..entry.end]);
            rows.push(row[0].row);
            objects.push_with(|out| {
                for (at, entry) in row.iter().enumerate() {
                    out.push(if at == 0 { '{' } else { ',' });
                    out.push_str(&text[entry.start..entry.end]);
                }
                out.push('}');
            });
        }
        objects.array(&Placement::new(&rows, len))
    }
}
