//! A Lambda event, record by record.

use crate::change::{Change, record};
use crate::error::{Fault, JsonFault, ParseError, Parsed, Reason};
use crate::format::json::{Scanner, plain_prefix};

/// The records of one Lambda event, in the order of the stream, each read when it is asked for.
///
/// Fails only when the event has no array `Records` or its strings and brackets do not match, which
/// Lambda never sends; nothing comes after a failure.
#[derive(Debug)]
pub struct Event<'a> {
    cutter: Cutter<'a>,
    /// The whole event for strict reading, if it is UTF-8; else each record is cut out first.
    scanner: Option<Scanner<'a>>,
    place: Place,
}

/// Where in the event its reader is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In front of everything.
    Start,
    /// Between the fields of the event.
    Fields { records_seen: bool },
    /// In the array of records, whose first is `first`.
    Records { first: bool },
    /// Behind everything, or behind a failure.
    End,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record's JSON as it stood in the event.
    pub bytes: &'a [u8],
    /// Its sequence number, where that could be read: up to 40 digits.
    pub sequence: Option<&'a str>,
    /// What it says, or what is wrong with it, counted from its first byte.
    pub change: Result<Change<'a>, ParseError>,
}

impl<'a> Event<'a> {
    /// The records of `{"Records":[…]}`.
    pub fn new(bytes: &'a [u8]) -> Self {
        let (cutter, scanner) = (Cutter { bytes, at: 0 }, Scanner::new(bytes).ok());
        Self { cutter, scanner, place: Place::Start }
    }

    fn advance(&mut self) -> Parsed<Option<Record<'a>>> {
        loop {
            match self.place {
                Place::Start => {
                    self.cutter.expect(b'{', "an object")?;
                    self.place = Place::Fields { records_seen: false };
                }
                Place::Fields { records_seen } => self.field(records_seen)?,
                Place::Records { .. } if self.cutter.take(b']') => {
                    self.place = Place::Fields { records_seen: true };
                }
                Place::Records { first } => {
                    if !first {
                        self.cutter.expect(b',', "a comma or a closing bracket")?;
                    }
                    self.place = Place::Records { first: false };
                    return self.record().map(Some);
                }
                Place::End => return Ok(None),
            }
        }
    }

    /// Passes a field of the event, or enters the array of records.
    fn field(&mut self, records_seen: bool) -> Parsed<()> {
        match self.cutter.name().map_err(|broken| self.cutter.fault(broken))? {
            Some(b"Records") => {
                self.cutter.expect(b'[', "an array of records")?;
                self.place = Place::Records { first: true };
            }
            Some(_) => self.cutter.skip().map_err(|broken| self.cutter.fault(broken))?,
            None if self.cutter.peek().is_some() => {
                return Err(self.cutter.expected("nothing after the event"));
            }
            None if records_seen => self.place = Place::End,
            None => {
                let missing = Fault::new(self.cutter.at, Reason::MissingField);
                return Err(missing.within_name("Records"));
            }
        }
        Ok(())
    }

    fn record(&mut self) -> Parsed<Record<'a>> {
        match self.whole_record() {
            Some(record) => Ok(record),
            None => self.cutter.record().map_err(|broken| self.cutter.fault(broken)),
        }
    }

    /// Passes a record that has nothing wrong.
    fn whole_record(&mut self) -> Option<Record<'a>> {
        let scanner = self.scanner.as_mut()?;
        self.cutter.peek()?;
        let start = self.cutter.at;
        scanner.seek(start);
        let change = record::parse(scanner).ok()?;
        self.cutter.at = scanner.offset();
        let bytes = &self.cutter.bytes[start..self.cutter.at];
        Some(Record { bytes, sequence: Some(change.sequence), change: Ok(change) })
    }
}

impl<'a> Iterator for Event<'a> {
    type Item = Result<Record<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            self.place = Place::End;
        }
        next.map_err(ParseError::from).transpose()
    }
}

/// A position in bytes that are JSON as far as strings and brackets go.
#[derive(Debug)]
struct Cutter<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Strings or brackets that do not match.
struct Broken;

impl<'a> Cutter<'a> {
    /// Passes a record whatever is wrong with it.
    fn record(&mut self) -> Result<Record<'a>, Broken> {
        self.peek().ok_or(Broken)?;
        let start = self.at;
        let sequence = self.seek(&["dynamodb", "SequenceNumber"]).or_else(|Broken| {
            self.at = start;
            self.skip().map(|()| None)
        })?;
        let bytes = &self.bytes[start..self.at];
        let change = Change::parse(bytes);
        let sequence = match &change {
            Ok(change) => Some(change.sequence),
            Err(_) => sequence.and_then(digits),
        };
        Ok(Record { bytes, sequence, change })
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
                b'\\' => self.at = (self.at + 2).min(self.bytes.len()),
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
