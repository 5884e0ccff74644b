//! Cutting bytes into records and fields.

use std::io::{self, BufRead};
use std::str;

use csv_core::{ReadRecordResult, Terminator};

use super::Delimiter;
use super::replay::Replay;
use crate::error::Reason;
use crate::format::{KEPT_BYTES, Place, Unread};

/// How many unclosed quotes may each be followed up to the limit before patience runs out.
const PATIENCE: usize = 16;

/// What each byte of a record gives back of the patience.
const PATIENCE_PER_BYTE: usize = 4;

/// Records of a file, one at a time, in buffers that are used again.
///
/// # Quotes that are never closed
///
/// A quote that is never closed would make the rest of the file one record. So a record that spans
/// lines and passes the limit, or meets the end of the file within quotes, ends at its first line's
/// end; what was read after that is taken back, to be read again as records of its own.
///
/// What is taken back is bytes read twice. After one unclosed quote most files go on for long without
/// another, but a file can be such that a quote stays open behind each of its lines (`x,"a","b` is such
/// a line), which would read each line's followers up to the limit. Therefore `patience` bounds how far
/// a record may go on after its first line: it starts with [`PATIENCE`] times the limit, loses what is
/// read in vain, and grows by [`PATIENCE_PER_BYTE`] for each byte of a record. A file of n bytes is thus
/// read in at most (1 + [`PATIENCE_PER_BYTE`]) n + [`PATIENCE`] limit steps; the bytes held are at most
/// twice the limit, besides the fields.
#[derive(Debug)]
pub(in crate::format) struct Records<R> {
    input: Replay<R>,
    delimiter: Delimiter,
    core: csv_core::Reader,
    limit: usize,
    patience: usize,
    /// The line and the byte that come next.
    line: u64,
    offset: u64,
    /// The record as it stands in the file.
    raw: Vec<u8>,
    /// Its fields, unquoted and without delimiters; and where each ends.
    fields: Vec<u8>,
    ends: Vec<usize>,
}

/// One record, lent until the next.
#[derive(Debug, Clone, Copy)]
pub(in crate::format) struct Record<'a> {
    pub(in crate::format) line: u64,
    pub(in crate::format) offset: u64,
    /// The record without its line's end; only its beginning if it is too long.
    pub(in crate::format) bytes: &'a [u8],
    pub(in crate::format) fields: Result<Fields<'a>, Unread>,
}

/// The fields of one record.
#[derive(Debug, Clone, Copy)]
pub(in crate::format) struct Fields<'a> {
    raw: &'a [u8],
    text: &'a [u8],
    ends: &'a [usize],
    delimiter: Delimiter,
}

/// How much of the buffers a record has filled.
#[derive(Debug, Clone, Copy, Default)]
struct Filled {
    text: usize,
    fields: usize,
    /// The length of the record's first line with its end, if the record went on after it.
    first_line: Option<usize>,
}

impl<R: BufRead> Records<R> {
    /// Reads from `input`, whose first byte is the file's byte `offset`; records end at `limit` bytes.
    pub(in crate::format) fn new(
        input: R,
        delimiter: Delimiter,
        offset: u64,
        limit: usize,
    ) -> Self {
        let mut builder = csv_core::ReaderBuilder::new();
        // A carriage return ends a line only together with the line feed after it, and is taken off
        // at the record's end; alone it is text.
        let mut core =
            builder.delimiter(delimiter.byte()).terminator(Terminator::Any(b'\n')).build();
        start(&mut core);
        Self {
            input: Replay::new(input),
            delimiter,
            core,
            limit,
            patience: limit.saturating_mul(PATIENCE),
            line: 1,
            offset,
            raw: Vec::new(),
            fields: vec![0; 1024],
            ends: vec![0; 64],
        }
    }

    /// Goes on at a place, where `input` begins.
    pub(in crate::format) fn resume(
        input: R,
        delimiter: Delimiter,
        from: Place,
        limit: usize,
    ) -> Self {
        let records = Self::new(input, delimiter, from.offset, limit);
        let patience = from.patience.unwrap_or(records.patience);
        Self { patience, line: from.line, ..records }
    }

    /// The line and the byte that come next.
    pub(in crate::format) fn position(&self) -> (u64, u64) {
        (self.line, self.offset)
    }

    /// How far a record may go on after its first line.
    pub(in crate::format) fn patience(&self) -> usize {
        self.patience
    }

    /// The next record; nothing at the end of the file.
    pub(in crate::format) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            self.skip_line_feeds()?;
            let (line, offset) = (self.line, self.offset);
            let Some(read) = self.read()? else {
                return Ok(None);
            };
            if !self.raw.is_empty() {
                let gained = self.raw.len().saturating_mul(PATIENCE_PER_BYTE);
                let most = self.limit.saturating_mul(PATIENCE);
                self.patience = self.patience.saturating_add(gained).min(most);
                return Ok(Some(self.record(line, offset, read)));
            }
        }
    }

    fn record(&self, line: u64, offset: u64, read: Result<Filled, Unread>) -> Record<'_> {
        let bytes = match read {
            Err(Unread::TooLong { .. }) => &self.raw[..self.raw.len().min(KEPT_BYTES)],
            Ok(_) | Err(_) => &self.raw,
        };
        let fields = read.map(|filled| Fields {
            raw: bytes,
            text: &self.fields[..filled.text],
            ends: &self.ends[..filled.fields],
            delimiter: self.delimiter,
        });
        Record { line, offset, bytes, fields }
    }

    /// Reads a record into the buffers, without its line's end; nothing at the end of the file.
    fn read(&mut self) -> io::Result<Option<Result<Filled, Unread>>> {
        self.raw.clear();
        let mut filled = Filled::default();
        loop {
            let room = self.most(filled) - self.raw.len();
            let input = self.input.fill_buf()?;
            let at_end = input.is_empty();
            let mut input = &input[..input.len().min(room)];
            if filled.first_line.is_none() {
                // No further than the line's end, so that what is read in vain is counted.
                input = memchr::memchr(b'\n', input).map_or(input, |end| &input[..=end]);
            }
            let (output, ends) = (&mut self.fields[filled.text..], &mut self.ends[filled.fields..]);
            let (result, taken, written, ended) = self.core.read_record(input, output, ends);
            self.raw.extend_from_slice(&input[..taken]);
            self.input.consume(taken);
            filled.text += written;
            filled.fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => return self.finish(filled, at_end).map(Some),
            }
            if filled.first_line.is_none() && self.raw.last() == Some(&b'\n') {
                filled.first_line = Some(self.raw.len());
            }
            if self.raw.len() >= self.most(filled) {
                return self.first_line(filled).map(|unread| Some(Err(unread)));
            }
        }
    }

    /// The bytes of a record, with its line's end, that are too many whatever follows.
    fn most(&self, filled: Filled) -> usize {
        const LINE_END: usize = 2;
        let patience =
            filled.first_line.map_or(usize::MAX, |end| end.saturating_add(self.patience));
        self.limit.min(patience).saturating_add(LINE_END + 1)
    }

    /// Ends the record that the core has found, or only its first line.
    fn finish(&mut self, filled: Filled, at_end: bool) -> io::Result<Result<Filled, Unread>> {
        let line_end = if at_end { 0 } else { line_end(&self.raw) };
        let length = self.raw.len() - line_end;
        let in_vain = filled.first_line.is_some_and(|end| {
            length > end.saturating_add(self.patience)
                || (at_end && quotes(&self.raw, self.delimiter.byte()) == Quotes::Unclosed)
        });
        if length > self.limit || in_vain {
            return self.first_line(filled).map(Err);
        }
        self.pass(self.raw.len());
        self.raw.truncate(length);
        let mut filled = filled;
        if let (2, Some(last)) = (line_end, self.ends[..filled.fields].last_mut()) {
            // The carriage return was text to the core: the last byte of the last field, since the
            // line feed after it would not have ended the record within quotes.
            *last -= 1;
            filled.text -= 1;
        }
        Ok(Ok(filled))
    }

    /// Ends the record at the end of its first line, which may still have to be found; what was read
    /// after it will be read again.
    fn first_line(&mut self, filled: Filled) -> io::Result<Unread> {
        start(&mut self.core);
        if let Some(end) = filled.first_line {
            self.patience -= self.raw.len().min(self.limit).min(self.patience);
            self.input.take_back(&self.raw[end..]);
            self.raw.truncate(end);
        }
        self.pass(self.raw.len());
        let mut length = self.raw.len() as u64;
        if self.raw.last() != Some(&b'\n') {
            length = self.skip_line()?;
        }
        let line_end = line_end(&self.raw);
        self.raw.truncate(self.raw.len() - line_end);
        let length = length - line_end as u64;
        if length > self.limit as u64 {
            Ok(Unread::TooLong { length, limit: self.limit })
        } else {
            Ok(Unread::UnclosedQuote)
        }
    }

    /// Counts what stands at the beginning of the buffer as passed.
    fn pass(&mut self, length: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.raw[..length]).count() as u64;
        self.offset += length as u64;
    }

    /// Passes the rest of a line of which the buffer holds the beginning, and its end; returns the
    /// length of the whole line without its end.
    fn skip_line(&mut self) -> io::Result<u64> {
        let (mut length, mut last) = (self.raw.len() as u64, self.raw.last().copied());
        loop {
            let input = self.input.fill_buf()?;
            if input.is_empty() {
                return Ok(length);
            }
            let end = memchr::memchr(b'\n', input);
            let content = &input[..end.unwrap_or(input.len())];
            last = content.last().copied().or(last);
            length += content.len() as u64;
            let taken = content.len() + usize::from(end.is_some());
            self.input.consume(taken);
            self.offset += taken as u64;
            if end.is_some() {
                self.line += 1;
                return Ok(length - u64::from(last == Some(b'\r')));
            }
        }
    }

    /// Passes blank lines; those of a carriage return and a line feed are records without bytes.
    fn skip_line_feeds(&mut self) -> io::Result<()> {
        loop {
            let input = self.input.fill_buf()?;
            let blanks = input.iter().take_while(|byte| **byte == b'\n').count();
            if blanks == 0 {
                return Ok(());
            }
            self.line += blanks as u64;
            self.offset += blanks as u64;
            self.input.consume(blanks);
        }
    }
}

/// Puts the core in front of a record.
///
/// It would drop a byte order mark in the first bytes it sees, unless those are a blank line; the mark
/// at the file's beginning has been dealt with, and any other is text.
fn start(core: &mut csv_core::Reader) {
    core.reset();
    core.read_record(b"\n", &mut [], &mut []);
}

/// The length of the line's end at the end of these bytes.
fn line_end(bytes: &[u8]) -> usize {
    match bytes {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    }
}

impl<'a> Fields<'a> {
    /// The number of fields.
    pub(super) fn len(self) -> usize {
        self.ends.len()
    }

    /// The fields as text, unless quotes are out of order or bytes are not UTF-8.
    pub(super) fn texts(self) -> Result<impl Iterator<Item = &'a str>, Reason> {
        match quotes(self.raw, self.delimiter.byte()) {
            Quotes::InOrder => {}
            Quotes::TextAfter => return Err(Reason::TextAfterQuote),
            Quotes::Unclosed => return Err(Reason::UnclosedQuote),
        }
        if let Err(error) = str::from_utf8(self.raw) {
            return Err(Reason::NotUtf8 { at: error.valid_up_to() });
        }
        let mut start = 0;
        Ok(self.ends.iter().map(move |&end| {
            let field = &self.text[start..end];
            start = end;
            str::from_utf8(field).unwrap_or_default()
        }))
    }
}

/// Whether the quotes of a record are as they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    InOrder,
    TextAfter,
    Unclosed,
}

/// Looks for a quote that is never closed, or else for text after a closing quote.
fn quotes(record: &[u8], delimiter: u8) -> Quotes {
    if memchr::memchr(b'"', record).is_none() {
        return Quotes::InOrder;
    }
    let mut found = Quotes::InOrder;
    let mut rest = record;
    loop {
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let Some(after) = after_quote(quoted) else {
                return Quotes::Unclosed;
            };
            if after.first().is_some_and(|byte| *byte != delimiter) {
                found = Quotes::TextAfter;
            }
            rest = after;
        }
        match memchr::memchr(delimiter, rest) {
            Some(end) => rest = &rest[end + 1..],
            None => return found,
        }
    }
}

/// What stands after the closing quote.
fn after_quote(mut quoted: &[u8]) -> Option<&[u8]> {
    loop {
        let rest = &quoted[memchr::memchr(b'"', quoted)? + 1..];
        match rest.strip_prefix(b"\"") {
            Some(doubled) => quoted = doubled,
            None => return Some(rest),
        }
    }
}
