//! How deep a file's schema nests, before the Parquet reader follows it.
//!
//! That recurses once for each level, and a footer of 100 KB can nest 10,000 of them: the stack would overflow,
//! which takes the whole process along. So the schema is walked here first, without recursion. It is a list of nodes,
//! depth first, each with its number of children, in Thrift's compact protocol.
//!
//! Sources: [parquet.thrift](https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift),
//! [compact protocol](https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).

/// The levels that are followed. A list or map takes two, so the [levels](item::limits::MAX_NESTING) that an item can
/// have are 65.
pub(super) const MAX_DEPTH: usize = 100;

/// The field of a footer that is the list of nodes.
const SCHEMA: i64 = 2;
/// The field of a node that is the number of its children.
const CHILDREN: i64 = 5;
/// Structs and lists within one another that are passed over; there are six in a footer.
const MAX_WITHIN: usize = 32;

/// The most levels that the schema in a footer has; nothing where the footer is damaged.
pub(super) fn of(footer: &[u8]) -> Option<usize> {
    let mut bytes = Compact(footer);
    let mut deepest = 0;
    let (mut id, mut kind) = bytes.field(0)?;
    while kind != STOP {
        if id == SCHEMA && kind == LIST {
            deepest = deepest.max(schema(&mut bytes)?);
        } else {
            bytes.skip(kind, 0)?;
        }
        (id, kind) = bytes.field(id)?;
    }
    Some(deepest)
}

fn schema(bytes: &mut Compact<'_>) -> Option<usize> {
    let (nodes, kind) = bytes.list()?;
    // The nodes that each open level still lacks.
    let mut open: Vec<u64> = Vec::new();
    let mut deepest = 0;
    for _ in 0..nodes {
        if kind != STRUCT {
            return None;
        }
        if let Some(missing) = open.last_mut() {
            *missing -= 1;
        }
        open.push(children(bytes)?);
        deepest = deepest.max(open.len());
        if deepest > MAX_DEPTH {
            break;
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Some(deepest)
}

/// The number of children that a node has.
fn children(bytes: &mut Compact<'_>) -> Option<u64> {
    let mut children = 0;
    let (mut id, mut kind) = bytes.field(0)?;
    while kind != STOP {
        if id == CHILDREN && kind == I32 {
            children = u64::try_from(bytes.integer()?).unwrap_or(0);
        } else {
            bytes.skip(kind, 0)?;
        }
        (id, kind) = bytes.field(id)?;
    }
    Some(children)
}

/// The type of no field: a struct ends.
const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const I8: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// Bytes in Thrift's compact protocol; every method gives nothing where they end too early.
struct Compact<'a>(&'a [u8]);

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    /// Seven bits a byte, the lowest first.
    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// The sign is the lowest bit.
    fn integer(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// The id and type of the next field of a struct; the type is [`STOP`] at its end.
    fn field(&mut self, last: i64) -> Option<(i64, u8)> {
        let header = self.byte()?;
        let kind = header & 0x0F;
        let id = match header >> 4 {
            0 if kind == STOP => last,
            0 => self.integer()?,
            step => last.checked_add(i64::from(step))?,
        };
        Some((id, kind))
    }

    /// The length of a list and the type of its elements.
    fn list(&mut self) -> Option<(u64, u8)> {
        let header = self.byte()?;
        let length = match header >> 4 {
            15 => self.unsigned()?,
            short => u64::from(short),
        };
        Some((length, header & 0x0F))
    }

    /// Passes over a value of a struct's field.
    fn skip(&mut self, kind: u8, within: usize) -> Option<()> {
        match kind {
            TRUE | FALSE => Some(()),
            I8 => self.pass(1),
            I16 | I32 | I64 => self.unsigned().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let length = self.unsigned()?;
                self.pass(length)
            }
            LIST | SET if within < MAX_WITHIN => {
                let (length, kind) = self.list()?;
                // A truth value takes a byte in a list and none in a field.
                let kind = if matches!(kind, TRUE | FALSE) { I8 } else { kind };
                (0..length).try_for_each(|_| self.skip(kind, within + 1))
            }
            STRUCT if within < MAX_WITHIN => {
                let (mut id, mut kind) = self.field(0)?;
                while kind != STOP {
                    self.skip(kind, within + 1)?;
                    (id, kind) = self.field(id)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}
