//! Values that are no rows: version markers and symbol tables.

#![expect(clippy::wildcard_enum_match_arm, reason = "Ion 1.0 has these types and no other")]

use ion_rs::{Decoder, Reader, ValueRef, v1_0};

use super::{BINARY_VERSION, Encoding, binary, guarded};
use crate::error::StructureFault;

/// The annotation of a symbol table, and the value of `imports` in one that adds to those before it.
const SYMBOL_TABLE: &str = "$ion_symbol_table";

/// What a value at the top level is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A row.
    Row,
    /// A version marker or symbol table, which was taken.
    System,
    /// One that cannot be taken; no row behind it could be understood.
    Lost(StructureFault),
}

/// The symbol tables that hold for the rows that follow.
#[derive(Debug)]
pub(super) struct Symbols {
    encoding: Encoding,
    limit: usize,
    /// What a row has to stand behind so that its symbols are known: in binary a version marker, and
    /// the tables as they stand in the file.
    prefix: Vec<u8>,
    /// The length of the version marker.
    base: usize,
}

/// What a symbol table does to those before it.
enum Imports {
    None,
    TablesBefore,
    Shared,
}

impl Symbols {
    /// No tables; all of them together may have `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { encoding: Encoding::Text, limit, prefix: Vec::new(), base: 0 }
    }

    /// The encoding of the rows.
    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What a row has to stand behind.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Takes a value if it is no row.
    pub(super) fn take(&mut self, value: &[u8]) -> Meaning {
        match marker(value) {
            Some(Marker::Version1) => {
                self.encoding = encoding(value);
                self.prefix.clear();
                if self.encoding == Encoding::Binary {
                    self.prefix.extend_from_slice(&BINARY_VERSION);
                }
                self.base = self.prefix.len();
                Meaning::System
            }
            Some(Marker::Other) => Meaning::Lost(StructureFault::IonVersion),
            None => match symbol_table(value, self.encoding) {
                Some(table) => self.take_table(value, table),
                None => Meaning::Row,
            },
        }
    }

    fn take_table(&mut self, value: &[u8], table: &[u8]) -> Meaning {
        match imports(table, self.encoding) {
            None => return Meaning::Lost(StructureFault::SymbolTable),
            Some(Imports::Shared) => return Meaning::Lost(StructureFault::SharedSymbols),
            Some(Imports::None) => self.prefix.truncate(self.base),
            Some(Imports::TablesBefore) => {}
        }
        if self.prefix.len() + value.len() > self.limit {
            return Meaning::Lost(StructureFault::SymbolTable);
        }
        self.prefix.extend_from_slice(value);
        if self.encoding == Encoding::Text {
            self.prefix.push(b'\n');
        }
        Meaning::System
    }
}

/// Whether a value, of which perhaps only the beginning is known, is no row.
pub(super) fn is_system(value: &[u8]) -> bool {
    marker(value).is_some() || symbol_table(value, encoding(value)).is_some()
}

/// A version marker.
enum Marker {
    Version1,
    Other,
}

fn marker(value: &[u8]) -> Option<Marker> {
    if value == BINARY_VERSION || value == b"$ion_1_0" {
        return Some(Marker::Version1);
    }
    let text = || {
        let (major, minor) = value.strip_prefix(b"$ion_")?.split_at_checked(1)?;
        let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit) && !text.is_empty();
        Some(digits(major) && minor.strip_prefix(b"_").is_some_and(digits))
    };
    let is_binary = matches!(value, [0xE0, _, _, 0xEA]);
    (is_binary || text() == Some(true)).then_some(Marker::Other)
}

/// Whether the bytes of a value of the top level are text: no text begins with a byte as high as those
/// of version markers and annotations.
fn encoding(value: &[u8]) -> Encoding {
    if value.first().is_some_and(|first| *first >= BINARY_VERSION[0]) {
        Encoding::Binary
    } else {
        Encoding::Text
    }
}

/// The struct of a symbol table, if that is what a value is.
fn symbol_table(value: &[u8], encoding: Encoding) -> Option<&[u8]> {
    if encoding == Encoding::Binary {
        return binary::symbol_table(value);
    }
    let names = [SYMBOL_TABLE, "'$ion_symbol_table'", "$3"];
    let behind = names.iter().find_map(|name| value.strip_prefix(name.as_bytes()));
    let table = behind?.trim_ascii_start().strip_prefix(b"::")?.trim_ascii_start();
    table.ends_with(b"}").then_some(table)
}

/// What a symbol table imports; nothing if it cannot be read, or is no struct.
fn imports(table: &[u8], encoding: Encoding) -> Option<Imports> {
    let read = || match encoding {
        Encoding::Text => imports_of(Reader::new(v1_0::Text, table).ok()?),
        Encoding::Binary => {
            let table = [&BINARY_VERSION, table].concat();
            imports_of(Reader::new(v1_0::Binary, table.as_slice()).ok()?)
        }
    };
    guarded(read).flatten()
}

fn imports_of<E: Decoder>(mut reader: Reader<E, &[u8]>) -> Option<Imports> {
    let ValueRef::Struct(table) = reader.next().ok()??.read().ok()? else {
        return None;
    };
    let mut imports = Imports::None;
    for field in &table {
        let field = field.ok()?;
        if field.name().ok()?.text() == Some("imports") {
            imports = match field.value().read().ok()? {
                ValueRef::Symbol(symbol) if symbol.text() == Some(SYMBOL_TABLE) => {
                    Imports::TablesBefore
                }
                ValueRef::List(list) if list.iter().next().is_some() => Imports::Shared,
                _ => Imports::None,
            };
        }
    }
    Some(imports)
}
