//! Cutting bytes into rows that no line's end bounds.

use std::io::{self, BufRead};

use super::{KEPT_BYTES, Unread};

/// Knows where rows begin and end; what it is shown is never shown again.
pub(super) trait Cut {
    /// Says what the next bytes are. There is one at least, and all but [`Step::Ended`] takes one at least.
    fn step(&mut self, input: &[u8]) -> Step;

    /// Says what the end of the file makes of the bytes since the last row; asked until it is nothing.
    fn end(&mut self) -> End;

    /// Whether blanks behind a row are no part of it.
    fn trims(&self) -> bool {
        true
    }
}

/// What bytes at the beginning of the input are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// So many bytes between rows.
    Outside(usize),
    /// So many bytes of a row that goes on.
    Inside(usize),
    /// So many bytes of a row, which ends behind them; and why it cannot be read, if so.
    Ended(usize, Option<Unread>),
}

/// What there is at the end of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// Nothing more.
    Nothing,
    /// A row, which may be without bytes; and why it cannot be read, if so.
    Row(Option<Unread>),
}

/// Rows of a file, one at a time, in a buffer that is used again.
#[derive(Debug)]
pub(super) struct Pieces<R, C> {
    input: R,
    cut: C,
    limit: usize,
    /// The line and the byte that come next.
    line: u64,
    offset: u64,
    buffer: Vec<u8>,
}

/// Where a row is; its bytes are in the buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) line: u64,
    pub(super) offset: u64,
    pub(super) unread: Option<Unread>,
}

impl<R: BufRead, C: Cut> Pieces<R, C> {
    /// Reads from `input`, whose first byte is the file's byte `offset`; rows end at `limit` bytes.
    pub(super) fn new(input: R, cut: C, offset: u64, limit: usize) -> Self {
        Self { input, cut, limit, line: 1, offset, buffer: Vec::new() }
    }

    /// The row's bytes; only its beginning if it is too long.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The line and the byte that come next.
    pub(super) fn position(&self) -> (u64, u64) {
        (self.line, self.offset)
    }

    /// Takes the next row into the buffer; nothing at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        self.buffer.clear();
        let mut start = None;
        loop {
            let input = self.input.fill_buf()?;
            if input.is_empty() {
                return Ok(match self.cut.end() {
                    End::Nothing => None,
                    End::Row(unread) => Some(self.row(start, unread)),
                });
            }
            let step = self.cut.step(input);
            let (Step::Outside(taken) | Step::Inside(taken) | Step::Ended(taken, _)) = step;
            if !matches!(step, Step::Outside(_)) {
                let room = self.limit.saturating_add(1).saturating_sub(self.buffer.len());
                self.buffer.extend_from_slice(&input[..taken.min(room)]);
                start.get_or_insert((self.line, self.offset));
            }
            self.line += memchr::memchr_iter(b'\n', &input[..taken]).count() as u64;
            self.offset += taken as u64;
            self.input.consume(taken);
            if let Step::Ended(_, unread) = step {
                return Ok(Some(self.row(start, unread)));
            }
        }
    }

    fn row(&mut self, start: Option<(u64, u64)>, unread: Option<Unread>) -> Piece {
        let (line, offset) = start.unwrap_or((self.line, self.offset));
        let length = self.offset - offset;
        if length > self.limit as u64 {
            self.buffer.truncate(KEPT_BYTES);
            let too_long = Unread::TooLong { length, limit: self.limit };
            return Piece { line, offset, unread: Some(unread.unwrap_or(too_long)) };
        }
        if self.cut.trims() {
            self.buffer.truncate(self.buffer.trim_ascii_end().len());
        }
        Piece { line, offset, unread }
    }
}
