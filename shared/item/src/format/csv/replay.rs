//! An input that takes bytes back.

use std::io::{self, BufRead};

/// An input of which the bytes read last can be read again.
#[derive(Debug)]
pub(super) struct Replay<R> {
    input: R,
    /// Bytes to be read before those of the input, from `at` on.
    again: Vec<u8>,
    at: usize,
}

impl<R: BufRead> Replay<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, again: Vec::new(), at: 0 }
    }

    /// Some of the bytes that come next; none at the end.
    pub(super) fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.again.get(self.at..) {
            Some(again) if !again.is_empty() => Ok(again),
            _ => self.input.fill_buf(),
        }
    }

    /// Passes `count` of the bytes that [`Replay::fill_buf`] gave.
    pub(super) fn consume(&mut self, count: usize) {
        if self.at < self.again.len() {
            self.at += count;
        } else {
            self.input.consume(count);
        }
    }

    /// Takes back `bytes`, which are those passed last and all of which were passed since the last
    /// call that took any back.
    ///
    /// Costs no more than copying `bytes`, however many bytes there still are to be read again.
    pub(super) fn take_back(&mut self, bytes: &[u8]) {
        if self.at < self.again.len() {
            self.at -= bytes.len();
        } else {
            self.again.clear();
            self.again.extend_from_slice(bytes);
            self.at = 0;
        }
    }
}
