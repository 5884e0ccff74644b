//! Where the values of binary Ion begin and end.
//!
//! A value begins with a byte of its type and length; longer lengths follow in groups of seven bits.
//! Source: [Ion binary encoding](https://amazon-ion.github.io/ion-docs/docs/binary.html).

use super::BINARY_VERSION;
use crate::error::StructureFault;
use crate::format::Unread;
use crate::format::pieces::{Cut, End, Step};

/// Type codes.
const NULL_OR_PADDING: u8 = 0;
const BOOL: u8 = 1;
const STRUCT: u8 = 13;
const ANNOTATION: u8 = 14;
const RESERVED: u8 = 15;

/// Finds the values at the top level of binary Ion.
#[derive(Debug)]
pub(super) struct BinaryCut {
    place: Place,
    /// Whether the value is padding, which is no row.
    is_padding: bool,
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// A value's first byte.
    Begin,
    /// The groups of a length, of which these bits are known.
    Length(u64),
    /// So many bytes of the value.
    Body(u64),
    /// Bytes that cannot be told apart.
    Lost(StructureFault),
    Done,
}

impl BinaryCut {
    pub(super) fn new() -> Self {
        Self { place: Place::Begin, is_padding: false }
    }

    /// Takes a value's first byte.
    fn begin(&mut self, first: u8) -> Step {
        self.is_padding = first >> 4 == NULL_OR_PADDING && first & 15 != 15;
        match head(first) {
            Head::Length(length) => self.body(length, 1),
            Head::LengthFollows => {
                self.place = Place::Length(0);
                self.inside(1)
            }
            Head::None => {
                self.place = Place::Lost(StructureFault::IonDescriptor(first));
                Step::Inside(1)
            }
        }
    }

    /// Takes the groups of a length.
    fn length(&mut self, input: &[u8], mut length: u64) -> Step {
        for (at, byte) in input.iter().enumerate() {
            if length >> (u64::BITS - 7) != 0 {
                self.place = Place::Lost(StructureFault::IonNotEnded);
                return Step::Inside(at + 1);
            }
            length = (length << 7) | u64::from(byte & 0x7F);
            if byte & 0x80 != 0 {
                return self.body(length, at + 1);
            }
        }
        self.place = Place::Length(length);
        self.inside(input.len())
    }

    /// Goes on with a value of `length` more bytes, of which `taken` stand before those.
    fn body(&mut self, length: u64, taken: usize) -> Step {
        if length == 0 {
            self.place = Place::Begin;
            return if self.is_padding { Step::Outside(taken) } else { Step::Ended(taken, None) };
        }
        self.place = Place::Body(length);
        self.inside(taken)
    }

    fn inside(&self, taken: usize) -> Step {
        if self.is_padding { Step::Outside(taken) } else { Step::Inside(taken) }
    }
}

impl Cut for BinaryCut {
    fn step(&mut self, input: &[u8]) -> Step {
        match self.place {
            Place::Begin => self.begin(input[0]),
            Place::Length(length) => self.length(input, length),
            Place::Body(left) => {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                self.body(left - here as u64, here)
            }
            Place::Lost(_) | Place::Done => Step::Inside(input.len()),
        }
    }

    fn end(&mut self) -> End {
        match std::mem::replace(&mut self.place, Place::Done) {
            Place::Begin | Place::Done => End::Nothing,
            Place::Length(_) | Place::Body(_) => {
                End::Row(Some(Unread::Lost(StructureFault::IonNotEnded)))
            }
            Place::Lost(fault) => End::Row(Some(Unread::Lost(fault))),
        }
    }
}

/// What a value's first byte tells of its length.
enum Head {
    Length(u64),
    LengthFollows,
    /// It begins no value.
    None,
}

fn head(first: u8) -> Head {
    match (first >> 4, first & 15) {
        _ if first == BINARY_VERSION[0] => Head::Length(BINARY_VERSION.len() as u64 - 1),
        (RESERVED, _) | (ANNOTATION, 15) => Head::None,
        (BOOL, _) | (_, 15) => Head::Length(0),
        (_, 14) | (STRUCT, 1) => Head::LengthFollows,
        (_, length) => Head::Length(u64::from(length)),
    }
}

/// The bytes behind a value's first one and its length.
fn content(value: &[u8]) -> Option<&[u8]> {
    let (&first, rest) = value.split_first()?;
    match head(first) {
        Head::Length(_) => Some(rest),
        Head::LengthFollows => number(rest).map(|(_, rest)| rest),
        Head::None => None,
    }
}

/// A number in groups of seven bits, and the bytes behind it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    /// More groups than any length or symbol in a row has.
    const MOST: usize = 5;

    let last = bytes.iter().take(MOST).position(|byte| byte & 0x80 != 0)?;
    let (groups, rest) = bytes.split_at(last + 1);
    Some((groups.iter().fold(0, |number, byte| (number << 7) | usize::from(byte & 0x7F)), rest))
}

/// The struct of a symbol table, if that is what a value is: one whose first annotation is
/// `$ion_symbol_table`, the system's third symbol.
pub(super) fn symbol_table(value: &[u8]) -> Option<&[u8]> {
    const ION_SYMBOL_TABLE: usize = 3;

    if value.first()? >> 4 != ANNOTATION || value.first() == Some(&BINARY_VERSION[0]) {
        return None;
    }
    let (length, annotations) = number(content(value)?)?;
    let (first, _) = number(annotations)?;
    let table = annotations.get(length..)?;
    (first == ION_SYMBOL_TABLE && table.first()? >> 4 == STRUCT).then_some(table)
}
