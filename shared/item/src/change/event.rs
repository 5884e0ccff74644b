//! A Lambda event, cut into its records.

use crate::change::{Change, record};
use crate::error::{Fault, JsonFault, ParseError, Parsed, Reason};
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
        Ok(cutter.event()?)
    }
}

impl<'a> RawRecord<'a> {
    /// Reads the record.
    pub fn change(&self) -> Result<Change<'a>, ParseError> {
        Ok(record::parse(self.bytes)?)
    }
}

/// A position in bytes that are JSON as far as strings and brackets go.
struct Cutter<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Strings or brackets that do not match.
struct Broken;

impl<'a> Cutter<'a> {
    fn event(&mut self) -> Parsed<Event<'a>> {
        let mut records = None;
        self.expect(b'{', "an object")?;
        while let Some(name) = self.name().map_err(|broken| self.fault(broken))? {
            if name == b"Records" {
                records = Some(self.records()?);
            } else {
                self.skip().map_err(|broken| self.fault(broken))?;
            }
        }
        match records {
            Some(records) => Ok(Event { records }),
            None => Err(Fault::new(self.at, Reason::MissingField).within_name("Records")),
        }
    }

    fn records(&mut self) -> Parsed<Vec<RawRecord<'a>>> {
        let mut records = Vec::new();
        self.expect(b'[', "an array of records")?;
        while !self.take(b']') {
            if !records.is_empty() {
                self.expect(b',', "a comma or a closing bracket")?;
            }
            records.push(self.record().map_err(|broken| self.fault(broken))?);
        }
        Ok(records)
    }

    fn record(&mut self) -> Result<RawRecord<'a>, Broken> {
        self.peek().ok_or(Broken)?;
        let start = self.at;
        let sequence = self.seek(&["dynamodb", "SequenceNumber"]).or_else(|Broken| {
            self.at = start;
            self.skip().map(|()| None)
        })?;
        Ok(RawRecord { bytes: &self.bytes[start..self.at], sequence: sequence.and_then(digits) })
    }

    /// Passes a value and returns the string within it at `path`, if there is one.
    fn seek(&mut self, path: &[&str]) -> Result<Option<&'a [u8]>, Broken> {
        let Some((wanted, rest)) = path.split_first() else {
            return match self.peek() {
                Some(b'"') => self.string().map(Some),
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
        Ok(found)
    }

    /// Passes a name with its colon and the comma before it; nothing at the object's end.
    fn name(&mut self) -> Result<Option<&'a [u8]>, Broken> {
        if self.take(b'}') {
            return Ok(None);
        }
        self.take(b',');
        let name = self.string()?;
        if self.take(b':') { Ok(Some(name)) } else { Err(Broken) }
    }

    /// Passes a value of any kind.
    fn skip(&mut self) -> Result<(), Broken> {
        let mut depth = 0_usize;
        loop {
            match self.peek().ok_or(Broken)? {
                b'"' => {
                    self.at += 1;
                    self.rest_of_string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1).ok_or(Broken)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b',' | b':' => return Err(Broken),
                _ => self.skip_word(),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn skip_word(&mut self) {
        let goes_on =
            |byte: &u8| !matches!(byte, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']' | 0..=b' ');
        self.at += self.bytes[self.at..].iter().take_while(|byte| goes_on(byte)).count();
    }

    /// Passes a string and returns what stands between its quotes, escapes and all.
    fn string(&mut self) -> Result<&'a [u8], Broken> {
        if self.take(b'"') { self.rest_of_string() } else { Err(Broken) }
    }

    fn rest_of_string(&mut self) -> Result<&'a [u8], Broken> {
        let start = self.at;
        loop {
            self.at += plain_prefix(self.bytes.get(self.at..).ok_or(Broken)?);
            match self.bytes.get(self.at).ok_or(Broken)? {
                b'"' => {
                    self.at += 1;
                    return Ok(&self.bytes[start..self.at - 1]);
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
        if self.take(wanted) { Ok(()) } else { Err(self.expected(what)) }
    }

    fn fault(&self, Broken: Broken) -> Fault {
        self.expected("matching quotes and brackets")
    }

    fn expected(&self, what: &'static str) -> Fault {
        let fault = JsonFault::Expected(what);
        Fault::new(self.at, Reason::Json { at: self.at, fault })
    }
}

/// The text, if it is a sequence number.
pub(super) fn digits(text: &[u8]) -> Option<&str> {
    let is_sequence = (1..=40).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| is_sequence)
}
