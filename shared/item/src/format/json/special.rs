//! The bytes that end a run of plain text in a JSON string: quotes, backslashes and control characters.
//!
//! Strings of all lengths follow one another, and no processor foresees where each of them ends. So a
//! [`Window`] looks at all bytes of a text alike, many at a time, and keeps a bit for each: where a string
//! ends is then the lowest bit that is set.

/// Bytes whose bits fit a word.
const BLOCK: usize = 64;
/// Blocks that are looked at together: the line of a usual item.
const BLOCKS: usize = 16;
/// Bytes of a window.
const SPAN: usize = BLOCK * BLOCKS;

/// Which bytes in a part of a text are special; all behind the text's end are.
#[derive(Debug)]
pub(super) struct Window {
    /// The first byte of it.
    start: usize,
    bits: [u64; BLOCKS],
}

impl Window {
    /// The beginning of a text.
    pub(super) fn new(text: &[u8]) -> Self {
        let mut window = Self { start: 0, bits: [0; BLOCKS] };
        window.look(text, 0);
        window
    }

    /// The place of the first special byte of `text` at `at` or behind; else the text's end.
    #[inline]
    pub(super) fn special(&mut self, text: &[u8], at: usize) -> usize {
        let offset = at.wrapping_sub(self.start);
        if offset < SPAN {
            let bits = self.bits[offset / BLOCK] >> (offset % BLOCK);
            if bits != 0 {
                return at + bits.trailing_zeros() as usize;
            }
        }
        self.special_further_on(text, at)
    }

    /// The same where it is in none of the bytes that share a word with `at`.
    #[inline(never)]
    fn special_further_on(&mut self, text: &[u8], mut at: usize) -> usize {
        while at < text.len() {
            let offset = at.wrapping_sub(self.start);
            if offset >= SPAN {
                self.look(text, at);
                continue;
            }
            let bits = self.bits[offset / BLOCK] >> (offset % BLOCK);
            if bits != 0 {
                return at + bits.trailing_zeros() as usize;
            }
            at += BLOCK - offset % BLOCK;
        }
        text.len()
    }

    /// Looks at the bytes of `text` from `start` on.
    fn look(&mut self, text: &[u8], start: usize) {
        let (blocks, rest) = text.get(start..).unwrap_or_default().as_chunks::<BLOCK>();
        self.start = start;
        self.bits = [u64::MAX; BLOCKS];
        for (bits, block) in self.bits.iter_mut().zip(blocks) {
            *bits = specials(block);
        }
        if let Some(bits) = self.bits.get_mut(blocks.len()) {
            let mut last = [0; BLOCK];
            last[..rest.len()].copy_from_slice(rest);
            *bits = specials(&last);
        }
    }
}

/// The number of bytes before the first that is special.
pub(crate) fn plain_prefix(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks();
    for (at, block) in blocks.iter().enumerate() {
        let special = lanes(*block);
        if special != 0 {
            return at * LANES + special.trailing_zeros() as usize;
        }
    }
    let plain = rest.iter().take_while(|byte| !is_special(**byte)).count();
    bytes.len() - rest.len() + plain
}

/// Whether a whole text has no special byte.
#[inline]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else {
        return !bytes.iter().fold(false, |any, byte| any | is_special(*byte));
    };
    // The last eight overlap the whole eights before them.
    bytes.as_chunks().0.iter().fold(marks(*last), |any, chunk| any | marks(*chunk)) == 0
}

/// A bit for each byte, the first being the lowest.
#[inline]
fn specials(block: &[u8; BLOCK]) -> u64 {
    let lanes = block.as_chunks().0.iter().map(|chunk| lanes(*chunk)).enumerate();
    lanes.fold(0, |bits, (at, lanes)| bits | (lanes << (at * LANES)))
}

/// Bytes of a word.
const LANES: usize = size_of::<u64>();

/// A bit for each of eight bytes.
#[inline]
fn lanes(bytes: [u8; LANES]) -> u64 {
    /// Brings the high bit of each lane to the highest byte, in order.
    const GATHER: u64 = 0x0102_0408_1020_4080;

    (marks(bytes) >> 7).wrapping_mul(GATHER) >> 56
}

/// The high bit of each lane whose byte is special.
///
/// A lane without its high bit becomes at least 0x80 when what is missing from its bound to 0x80 is added,
/// so only if it is below the bound does its high bit stay clear. Quotes and control characters need one
/// bound: exclusive or with 2 makes a quote a space, and leaves what is below a space there.
#[inline]
fn marks(bytes: [u8; LANES]) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; LANES])
    }
    const HIGH: u64 = all(0x80);
    const LOW: u64 = all(0x7F);

    let word = u64::from_le_bytes(bytes);
    let (low, backslash) = (word ^ all(2), word ^ all(b'\\'));
    let above_spaces = ((low & LOW) + all(0x80 - b' ' - 1)) | low;
    let others = ((backslash & LOW) + LOW) | backslash;
    !(above_spaces & others) & HIGH
}

#[expect(clippy::needless_bitwise_bool, reason = "without branches it becomes vector instructions")]
fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < b' ')
}
