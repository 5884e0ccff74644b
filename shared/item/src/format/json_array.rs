//! A JSON array of objects: each of its elements is a row.
//!
//! ```text
//! [                        line breaks and blanks are free
//!   {"id": 1, "n": {}},    a row: this element's own bytes, line and offset
//!   {"id": 2
//!   }                      a row over two lines
//! ]                        nothing but blanks may follow
//! ```
//!
//! Elements are told apart by brackets, strings and commas alone, and only then read as
//! [JSON](super::json_lines) or [DynamoDB JSON](super::dynamodb_json). So an element that is damaged, or no
//! object, or empty as behind a trailing comma, is one row error as long as its brackets balance. Where
//! the array itself is damaged, the rest of the file is one last row error that says so
//! ([`StructureFault`]).

use super::Unread;
use super::pieces::{Cut, End, Step};
use crate::error::StructureFault;

/// Finds the elements of an array.
#[derive(Debug)]
pub(super) struct ArrayCut {
    place: Place,
    /// Brackets open within the element.
    depth: usize,
    text: Text,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The opening bracket.
    Start,
    /// The first element, or the end of an array without elements.
    First,
    /// An element.
    Next,
    /// The rest of an element.
    Element,
    /// A comma or the end of the array.
    Behind,
    /// Blanks up to the end of the file.
    After,
    /// Text that belongs to no array.
    Stray(StructureFault),
    /// Nothing: the array was not closed.
    Unclosed,
    /// Nothing.
    Done,
}

/// Whether the scanner is within a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Outside,
    Inside,
    Escaped,
}

impl ArrayCut {
    pub(super) fn new() -> Self {
        Self { place: Place::Start, depth: 0, text: Text::Outside }
    }

    /// Takes bytes of an element.
    fn element(&mut self, input: &[u8]) -> Step {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            match (self.text, byte) {
                (Text::Escaped, _) | (Text::Outside, b'"') => self.text = Text::Inside,
                (Text::Inside, b'"') => self.text = Text::Outside,
                (Text::Inside, b'\\') => self.text = Text::Escaped,
                (Text::Inside, _) => {
                    let plain = memchr::memchr2(b'"', b'\\', &input[at..]);
                    at = plain.map_or(input.len(), |plain| at + plain);
                    continue;
                }
                (Text::Outside, b'{' | b'[') => self.depth += 1,
                (Text::Outside, b',' | b']') if self.depth == 0 => {
                    self.place = Place::Behind;
                    return Step::Ended(at, None);
                }
                (Text::Outside, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                (Text::Outside, _) => {}
            }
            at += 1;
        }
        Step::Inside(at)
    }

    /// Takes the one byte between elements and says what comes behind it.
    fn one(&mut self, next: Place) -> Step {
        self.place = next;
        Step::Outside(1)
    }
}

impl Cut for ArrayCut {
    fn step(&mut self, input: &[u8]) -> Step {
        let blanks = input.iter().take_while(|byte| is_blank(**byte)).count();
        let first = input[0];
        match self.place {
            Place::Element => return self.element(input),
            Place::Stray(_) => return Step::Inside(input.len()),
            _ if blanks > 0 => return Step::Outside(blanks),
            Place::Start if first == b'[' => return self.one(Place::First),
            Place::First | Place::Behind if first == b']' => return self.one(Place::After),
            Place::Behind => return self.one(Place::Next),
            Place::First | Place::Next => self.place = Place::Element,
            Place::Start => self.place = Place::Stray(StructureFault::NotAnArray),
            Place::After | Place::Unclosed | Place::Done => {
                self.place = Place::Stray(StructureFault::AfterArray);
            }
        }
        self.step(input)
    }

    fn end(&mut self) -> End {
        let whole = self.depth == 0 && self.text == Text::Outside;
        let (next, end) = match self.place {
            Place::Start => (Place::Done, lost(StructureFault::NotAnArray)),
            Place::Stray(fault) => (Place::Done, lost(fault)),
            Place::Element if whole => (Place::Unclosed, End::Row(None)),
            Place::First | Place::Next | Place::Element | Place::Behind | Place::Unclosed => {
                (Place::Done, lost(StructureFault::ArrayNotClosed))
            }
            Place::After | Place::Done => (Place::Done, End::Nothing),
        };
        self.place = next;
        end
    }
}

fn lost(fault: StructureFault) -> End {
    End::Row(Some(Unread::Lost(fault)))
}

/// Whether a byte is what JSON allows between tokens.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests;
