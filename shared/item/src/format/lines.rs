//! Cutting bytes into lines.

use std::io::{self, BufRead};

use super::{KEPT_BYTES, Unread};

/// Lines of a file, one at a time, in a buffer that is used again.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    limit: usize,
    /// The line and the byte that come next.
    line: u64,
    offset: u64,
    buffer: Vec<u8>,
}

/// One line, lent until the next.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) number: u64,
    pub(super) offset: u64,
    /// The line without its end; only its beginning if it is too long.
    pub(super) bytes: &'a [u8],
    pub(super) unread: Option<Unread>,
}

impl<R: BufRead> Lines<R> {
    /// Reads from `input`, whose first byte is the file's byte `offset`, on its line `line`; lines end at
    /// `limit` bytes.
    pub(super) fn new(input: R, line: u64, offset: u64, limit: usize) -> Self {
        Self { input, limit, line, offset, buffer: Vec::new() }
    }

    /// The line and the byte that come next.
    pub(super) fn position(&self) -> (u64, u64) {
        (self.line, self.offset)
    }

    /// The next line that is not blank; nothing at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            let (number, offset) = (self.line, self.offset);
            let Some(length) = self.read_line()? else {
                return Ok(None);
            };
            if length > self.limit as u64 {
                let bytes = &self.buffer[..self.buffer.len().min(KEPT_BYTES)];
                let unread = Some(Unread::TooLong { length, limit: self.limit });
                return Ok(Some(Line { number, offset, bytes, unread }));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(Line { number, offset, bytes: &self.buffer, unread: None }));
            }
        }
    }

    /// Reads a line into the buffer, up to little more than the limit, and returns its length. Neither
    /// holds the line's end.
    fn read_line(&mut self) -> io::Result<Option<u64>> {
        self.buffer.clear();
        let start = self.offset;
        let (mut ended, mut last) = (false, None);
        while !ended {
            let input = self.input.fill_buf()?;
            if input.is_empty() {
                break;
            }
            let newline = memchr::memchr(b'\n', input);
            ended = newline.is_some();
            let content = newline.unwrap_or(input.len());
            last = input[..content].last().copied().or(last);
            let taken = content + usize::from(ended);
            let room = self.limit.saturating_add(2).saturating_sub(self.buffer.len());
            self.buffer.extend_from_slice(&input[..content.min(room)]);
            self.input.consume(taken);
            self.offset += taken as u64;
        }
        if self.offset == start {
            return Ok(None);
        }
        self.line += u64::from(ended);
        let length = self.offset - start - u64::from(ended);
        let carriage_return = ended && last == Some(b'\r');
        if carriage_return && length == self.buffer.len() as u64 {
            self.buffer.pop();
        }
        Ok(Some(length - u64::from(carriage_return)))
    }
}
