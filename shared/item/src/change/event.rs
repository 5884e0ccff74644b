//! A Lambda event, cut into its records.

use crate::change::{Change, record};
use crate::error::{JsonFault, ParseError, Parsed, Reason};
use crate::format::json::plain_prefix;

/// The records of one Lambda event, in the order of the stream.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// The records, not yet read.
    pub records: Vec<RawRecord<'a>>,
}

/// One record as it stood in the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// The record's JSON.
    pub bytes: &'a [u8],
    /// Its sequence number, where that could be read: up to 40 digits.
    pub sequence: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// Cuts `{"Records":[…]}` into its records.
    ///
    /// Fails only when the event has no such array or its strings and brackets do not match, which
    /// Lambda never sends.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cutter = Cutter { bytes, at: 0 };
        cutter.event().map_err(|error| *error)
    }
}

impl<'a> RawRecord<'a> {
    /// Reads the record.
    pub fn change(&self) -> Result<Change<'a>, ParseError> {
        record::parse(self.bytes).map_err(|error| *error)
    }
}

/// A position in bytes that are JSON as far as strings and brackets go.
struct Cutter<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cutter<'a> {
    fn event(&mut self) -> Parsed<Event<'a>> {
        let mut records = None;
        self.expect(b'{', "an object")?;
        while let Some(name) = self.name().ok_or_else(|| self.broken())? {
            if name == b"Records" {
                records = Some(self.records()?);
            } else {
                self.skip().ok_or_else(|| self.broken())?;
            }
        }
        match records {
            Some(records) => Ok(Event { records }),
            None => Err(ParseError::new(self.at, Reason::MissingField).within_name("Records")),
        }
    }

    fn records(&mut self) -> Parsed<Vec<RawRecord<'a>>> {
        let mut records = Vec::new();
        self.expect(b'[', "an array of records")?;
        while !self.take(b']') {
            if !records.is_empty() {
                self.expect(b',', "a comma or a closing bracket")?;
            }
            records.push(self.record().ok_or_else(|| self.broken())?);
        }
        Ok(records)
    }

    fn record(&mut self) -> Option<RawRecord<'a>> {
        self.peek()?;
        let start = self.at;
        let sequence = match self.seek(&["dynamodb", "SequenceNumber"]) {
            Some(sequence) => sequence,
            None => {
                self.at = start;
                self.skip()?;
                None
            }
        };
        Some(RawRecord { bytes: &self.bytes[start..self.at], sequence: sequence.and_then(digits) })
    }

    /// Passes a value and returns the string within it at `path`; nothing when brackets do not match.
    fn seek(&mut self, path: &[&str]) -> Option<Option<&'a [u8]>> {
        let Some((wanted, rest)) = path.split_first() else {
            return match self.peek()? {
                b'"' => self.string().map(Some),
                _ => self.skip().map(|()| None),
            };
        };
        if !self.take(b'{') {
            return self.skip().map(|()| None);
        }
        let mut found = None;
        while let Some(name) = self.name()? {
            if name == wanted.as_bytes() {
                found = self.seek(rest)?;
            } else {
                self.skip()?;
            }
        }
        Some(found)
    }

    /// Passes a name and its colon, and the comma before it; `Some(None)` at the object's end.
    fn name(&mut self) -> Option<Option<&'a [u8]>> {
        if self.take(b'}') {
            return Some(None);
        }
        self.take(b',');
        let name = self.string()?;
        self.take(b':').then_some(Some(name))
    }

    /// Passes a value of any kind.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b',' | b':' => return None,
                _ => self.skip_word(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn skip_word(&mut self) {
        let ends = |byte: &u8| matches!(byte, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']' | 0..=b' ');
        self.at += self.bytes[self.at..].iter().take_while(|byte| !ends(byte)).count();
    }

    /// Passes a string and returns what stands between its quotes, escapes and all.
    fn string(&mut self) -> Option<&'a [u8]> {
        if !self.take(b'"') {
            return None;
        }
        let start = self.at;
        loop {
            self.at += plain_prefix(self.bytes.get(self.at..)?);
            match self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(&self.bytes[start..self.at - 1]);
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    fn peek(&mut self) -> Option<u8> {
        while matches!(self.bytes.get(self.at)?, 0..=b' ') {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: u8, what: &'static str) -> Parsed<()> {
        if self.take(wanted) {
            return Ok(());
        }
        let fault = JsonFault::Expected(what);
        Err(ParseError::new(self.at, Reason::Json { at: self.at, fault }))
    }

    fn broken(&self) -> Box<ParseError> {
        let fault = JsonFault::Expected("matching quotes and brackets");
        ParseError::new(self.at, Reason::Json { at: self.at, fault })
    }
}

/// The text, if it is a sequence number.
pub(super) fn digits(text: &[u8]) -> Option<&str> {
    let is_sequence = (1..=40).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| is_sequence)
}
