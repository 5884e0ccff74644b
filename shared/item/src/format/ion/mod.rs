//! Amazon Ion 1.0, text and binary: each value at the top level is a row.
//!
//! ```text
//! bytes ──text │ binary──▶ values at the top level ──symbols──▶ rows ──value──▶ items
//!           cut by brackets   version markers and                  ion-rs
//!           or by lengths     symbol tables are no rows
//! ```
//!
//! | Ion | value |
//! |---|---|
//! | string, symbol | string |
//! | int, decimal | number, exact |
//! | float | number: the shortest decimal that reads back as this float; an infinity or NaN is rejected |
//! | timestamp | string, as ISO 8601 has it: `2026-11-22T15:00:00.000Z`, `2026-11-22` |
//! | blob, clob | binary |
//! | bool, null of any type | boolean, null |
//! | `$dynamodb_SS::[…]`, `$dynamodb_NS::[…]`, `$dynamodb_BS::[…]` | sets, never empty, no member twice |
//! | list, sexp | list |
//! | struct | map; a field that occurs twice is rejected |
//!
//! Other annotations are not looked at, but for those that begin with `$dynamodb_`, which are rejected.
//! A row of DynamoDB's own Ion is `{Item:{name:value,…}}`, one a line and each behind a version marker,
//! as its exports give and `ImportTable` takes; of its incremental exports it is `{Record:{…}}`, see
//! [`change`](crate::change). Of plain Ion it is the struct itself. Sources:
//! [exports](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html),
//! [imports](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Format.html),
//! [Ion](https://amazon-ion.github.io/ion-docs/docs/spec.html),
//! [its binary encoding](https://amazon-ion.github.io/ion-docs/docs/binary.html) and
//! [symbols](https://amazon-ion.github.io/ion-docs/docs/symbols.html).
//!
//! # Why values are cut here and not by ion-rs
//!
//! `ion-rs` reads a stream too, but keeps the place of every line feed byte and the whole of a value
//! that never ends, does not go on behind a fault, follows nesting until the stack is used up, and does
//! not lend a value's own bytes. Cut here, a row has its bytes and place in either encoding, what is held
//! is one row and the symbol tables, and a row that is damaged within its brackets or its length costs
//! only itself. Each row is then read on its own, behind the symbol tables that hold for it.
//!
//! # Limits
//!
//! Symbol tables that import shared ones, Ion 1.1, and symbol tables of more than a row's limit end the
//! file with a [`StructureFault`]: what follows could not be understood. So does a value that does not
//! end. Two long strings side by side are two rows at the top level, where no string can be an item.
//! Reading a row takes time for each symbol of the tables that hold for it: few in text, which DynamoDB
//! writes; in binary 500 symbols take as long as twenty small rows of text.

mod binary;
mod change;
mod symbols;
mod text;
mod value;

use std::io::{self, BufRead};
use std::panic::{AssertUnwindSafe, catch_unwind};

use self::binary::BinaryCut;
use self::symbols::{Meaning, Symbols};
use self::text::TextCut;
use super::Unread;
use super::pieces::{Cut, End, Piece, Pieces, Step};
use crate::Item;
use crate::change::NetChange;
use crate::error::{ItemError, Parsed, Reason, StructureFault};

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `{Item:{…}}`.
    DynamoDb,
    /// A struct.
    Plain,
}

/// The two encodings of Ion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Text,
    Binary,
}

/// How binary Ion 1.0 begins.
pub(super) const BINARY_VERSION: [u8; 4] = [0xE0, 1, 0, 0xEA];

/// Rows of a file, one at a time.
#[derive(Debug)]
pub(super) struct IonRows<R> {
    pieces: Pieces<R, IonCut>,
    symbols: Symbols,
    shape: Shape,
    /// Whether the rows behind this place are beyond reading.
    lost: bool,
}

/// What it takes to read the row that was taken last.
#[derive(Debug, Clone, Copy)]
pub(super) struct IonRow<'a> {
    symbols: &'a Symbols,
    shape: Shape,
}

impl<R: BufRead> IonRows<R> {
    /// Reads from `input`, whose first byte is the file's byte `offset`; rows end at `limit` bytes.
    pub(super) fn new(input: R, shape: Shape, offset: u64, limit: usize) -> Self {
        let pieces = Pieces::new(input, IonCut::Start, offset, limit);
        Self { pieces, symbols: Symbols::new(limit), shape, lost: false }
    }

    /// Takes the next row; nothing at the end of the file. Takes symbol tables on the way.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        while !self.lost {
            let Some(piece) = self.pieces.next()? else {
                return Ok(None);
            };
            let meaning = match piece.unread {
                Some(Unread::Lost(_)) => Meaning::Row,
                Some(_) if symbols::is_system(self.pieces.bytes()) => {
                    Meaning::Lost(StructureFault::SymbolTable)
                }
                Some(_) => Meaning::Row,
                None => self.symbols.take(self.pieces.bytes()),
            };
            match meaning {
                Meaning::System => {}
                Meaning::Row => return Ok(Some(piece)),
                Meaning::Lost(fault) => {
                    self.lost = true;
                    return Ok(Some(Piece { unread: Some(Unread::Lost(fault)), ..piece }));
                }
            }
        }
        Ok(None)
    }

    /// The bytes of the row that was taken last, and what it takes to read it.
    pub(super) fn row(&self) -> (&[u8], IonRow<'_>) {
        (self.pieces.bytes(), IonRow { symbols: &self.symbols, shape: self.shape })
    }

    /// The line and the byte that come next.
    pub(super) fn position(&self) -> (u64, u64) {
        self.pieces.position()
    }
}

impl IonRow<'_> {
    /// Reads the row that these bytes are.
    pub(super) fn item(self, bytes: &[u8]) -> Result<Item<'static>, ItemError> {
        self.read(bytes, |bytes, encoding, start| value::item(bytes, encoding, self.shape, start))
    }

    /// Reads the row of an incremental export that these bytes are.
    pub(super) fn change(self, bytes: &[u8]) -> Result<NetChange<'static>, ItemError> {
        self.read(bytes, change::change)
    }

    /// Reads these bytes behind the symbol tables that hold for them: `read` is also told where they begin.
    fn read<T>(
        self,
        bytes: &[u8],
        read: impl FnOnce(&[u8], Encoding, usize) -> Parsed<T>,
    ) -> Result<T, ItemError> {
        let encoding = self.symbols.encoding();
        if encoding == Encoding::Text
            && let Err(error) = std::str::from_utf8(bytes)
        {
            return Err(ItemError::of_item(Reason::NotUtf8 { at: error.valid_up_to() }));
        }
        let prefix = self.symbols.prefix();
        let row = if prefix.is_empty() {
            read(bytes, encoding, 0)
        } else {
            read(&[prefix, bytes].concat(), encoding, prefix.len())
        };
        row.map_err(ItemError::from)
    }
}

/// What `read` finds out with `ion-rs`, unless that panics, which some damaged bytes make it do: one row
/// is no reason to lose a file.
fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

/// Finds the values of a file whose first byte tells its encoding.
#[derive(Debug)]
enum IonCut {
    Start,
    Text(TextCut),
    Binary(BinaryCut),
}

impl Cut for IonCut {
    fn step(&mut self, input: &[u8]) -> Step {
        match self {
            Self::Text(cut) => return cut.step(input),
            Self::Binary(cut) => return cut.step(input),
            Self::Start if input[0] == BINARY_VERSION[0] => *self = Self::Binary(BinaryCut::new()),
            Self::Start => *self = Self::Text(TextCut::new()),
        }
        self.step(input)
    }

    fn end(&mut self) -> End {
        match self {
            Self::Start => End::Nothing,
            Self::Text(cut) => cut.end(),
            Self::Binary(cut) => cut.end(),
        }
    }

    fn trims(&self) -> bool {
        !matches!(self, Self::Binary(_))
    }
}

#[cfg(test)]
mod tests;
