//! Cutting bytes into records and fields.

use std::io::{self, BufRead};
use std::str;

use csv_core::ReadRecordResult;

use super::Delimiter;
use crate::error::Reason;
use crate::format::{KEPT_BYTES, TooLong};

/// Records of a file, one at a time, in buffers that are used again.
#[derive(Debug)]
pub(in crate::format) struct Records<R> {
    input: R,
    delimiter: Delimiter,
    core: csv_core::Reader,
    limit: usize,
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
    pub(in crate::format) fields: Result<Fields<'a>, TooLong>,
}

/// The fields of one record.
#[derive(Debug, Clone, Copy)]
pub(in crate::format) struct Fields<'a> {
    raw: &'a [u8],
    text: &'a [u8],
    ends: &'a [usize],
    delimiter: Delimiter,
}

impl<R: BufRead> Records<R> {
    /// Reads from `input`, whose first byte is the file's byte `offset`; records end at `limit` bytes.
    pub(in crate::format) fn new(
        input: R,
        delimiter: Delimiter,
        offset: u64,
        limit: usize,
    ) -> Self {
        let mut core = csv_core::ReaderBuilder::new().delimiter(delimiter.byte()).build();
        // A byte order mark in the first bytes that the core sees would be dropped, unless those are
        // a blank line; the caller has dealt with the mark.
        core.read_record(b"\n", &mut [], &mut []);
        let (raw, fields, ends) = (Vec::new(), vec![0; 1024], vec![0; 64]);
        Self { input, delimiter, core, limit, line: 1, offset, raw, fields, ends }
    }

    /// The next record; nothing at the end of the file.
    pub(in crate::format) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        self.skip_line_ends()?;
        self.raw.clear();
        let (line, offset) = (self.line, self.offset);
        let (mut text, mut fields) = (0, 0);
        loop {
            let input = self.input.fill_buf()?;
            let at_end = input.is_empty();
            let (output, ends) = (&mut self.fields[text..], &mut self.ends[fields..]);
            let (result, taken, written, ended) = self.core.read_record(input, output, ends);
            self.line += memchr::memchr_iter(b'\n', &input[..taken]).count() as u64;
            self.offset += taken as u64;
            let room = self.limit.saturating_add(2).saturating_sub(self.raw.len());
            self.raw.extend_from_slice(&input[..taken.min(room)]);
            self.input.consume(taken);
            (text, fields) = (text + written, fields + ended);
            if self.raw.len() > self.limit {
                (text, fields) = (0, 0);
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => {
                    let terminator = usize::from(!at_end);
                    return Ok(Some(self.record(line, offset, terminator, text, fields)));
                }
            }
        }
    }

    fn record(
        &self,
        line: u64,
        offset: u64,
        terminator: usize,
        text: usize,
        fields: usize,
    ) -> Record<'_> {
        let length = self.offset - offset - terminator as u64;
        if length > self.limit as u64 {
            let bytes = &self.raw[..self.raw.len().min(KEPT_BYTES)];
            let too_long = TooLong { length, limit: self.limit };
            return Record { line, offset, bytes, fields: Err(too_long) };
        }
        let raw = &self.raw[..self.raw.len() - terminator];
        let (text, ends) = (&self.fields[..text], &self.ends[..fields]);
        let fields = Fields { raw, text, ends, delimiter: self.delimiter };
        Record { line, offset, bytes: raw, fields: Ok(fields) }
    }

    /// Passes the rest of the last line's end, and blank lines.
    fn skip_line_ends(&mut self) -> io::Result<()> {
        loop {
            let input = self.input.fill_buf()?;
            let blanks = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if blanks == 0 {
                return Ok(());
            }
            self.line += memchr::memchr_iter(b'\n', &input[..blanks]).count() as u64;
            self.offset += blanks as u64;
            self.input.consume(blanks);
        }
    }
}

impl<'a> Fields<'a> {
    /// The number of fields.
    pub(super) fn len(self) -> usize {
        self.ends.len()
    }

    /// The fields as text, unless quotes are out of order or bytes are not UTF-8.
    pub(super) fn texts(self) -> Result<impl Iterator<Item = &'a str>, Reason> {
        check_quotes(self.raw, self.delimiter.byte())?;
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

/// Fails on a quote that is never closed, and on text after a closing quote.
fn check_quotes(record: &[u8], delimiter: u8) -> Result<(), Reason> {
    if memchr::memchr(b'"', record).is_none() {
        return Ok(());
    }
    let mut rest = record;
    loop {
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            rest = after_quote(quoted).ok_or(Reason::UnclosedQuote)?;
            if rest.first().is_some_and(|byte| *byte != delimiter) {
                return Err(Reason::TextAfterQuote);
            }
        }
        match memchr::memchr(delimiter, rest) {
            Some(end) => rest = &rest[end + 1..],
            None => return Ok(()),
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
