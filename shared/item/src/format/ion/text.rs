//! Where the values of Ion text begin and end.
//!
//! Only what hides brackets is told apart: strings, quoted symbols, comments, blobs. The grammar of
//! what they enclose is `ion-rs`'s concern.

use crate::error::StructureFault;
use crate::format::Unread;
use crate::format::pieces::{Cut, End, Step};

/// Brackets within one another that `ion-rs` is handed: those of what is read, of the row and its
/// `Item`, of a set and a blob in it. It recurses, and 2 MiB of stack are enough for nearly twice as
/// many even without optimisation.
const MAX_DEPTH: usize = crate::limits::MAX_READ_DEPTH + 5;
/// Digits in a row that `ion-rs` is handed: it takes time by their square. A number has no use for more
/// than its significant ones and 130 zeros.
const MAX_DIGITS: usize = 1024;

/// Finds the values at the top level of Ion text.
#[derive(Debug)]
pub(super) struct TextCut {
    /// Whether a value has begun.
    within: bool,
    lex: Lex,
    /// Brackets open, and the most that were.
    depth: usize,
    deepest: usize,
    /// The braces that close a blob or clob which is open.
    lob: u8,
    /// The byte before, if it is no part of a string or comment.
    before: u8,
    top: Top,
    word: Word,
    most_digits: usize,
    /// Whether a slash stood between values that begins no comment.
    stray_slash: bool,
}

/// What the next byte is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lex {
    Plain,
    /// Text up to a closing quote: `"`, `'`, or `'''` of which so many are behind.
    Quoted(Quote),
    /// The byte behind a backslash.
    Escaped(Quote),
    /// Behind so many opening `'`.
    Quote1,
    Quote2,
    Slash,
    Line,
    Block,
    BlockStar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    Double,
    Single,
    Triple(u8),
}

/// What has been read of a value outside all brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Top {
    Begin,
    Token,
    /// A token and blanks.
    Gap,
    /// An annotation with its colons, behind which the value comes.
    Annotation,
}

/// A run of letters, digits and points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Name,
    /// It began with a digit and is so long.
    Number(usize),
}

/// What a byte does to the value that is open.
enum Took {
    /// It is a part of it, or of a comment.
    Byte,
    /// It is its last.
    Last,
    /// It is no part of it any more.
    Before,
}

impl TextCut {
    pub(super) fn new() -> Self {
        Self {
            within: false,
            lex: Lex::Plain,
            depth: 0,
            deepest: 0,
            lob: 0,
            before: b' ',
            top: Top::Begin,
            word: Word::None,
            most_digits: 0,
            stray_slash: false,
        }
    }

    /// Passes blanks and comments between values.
    fn between(&mut self, input: &[u8]) -> usize {
        for (at, &byte) in input.iter().enumerate() {
            match self.lex {
                Lex::Plain if byte == b'/' => self.lex = Lex::Slash,
                Lex::Plain if is_blank(byte) => {}
                Lex::Slash if !matches!(byte, b'/' | b'*') => {
                    self.stray_slash = true;
                    self.lex = Lex::Plain;
                    self.within = true;
                    return at;
                }
                Lex::Slash | Lex::Line | Lex::Block | Lex::BlockStar => self.comment(byte),
                Lex::Plain | Lex::Quoted(_) | Lex::Escaped(_) | Lex::Quote1 | Lex::Quote2 => {
                    self.within = true;
                    return at;
                }
            }
        }
        input.len()
    }

    /// Takes bytes of a value.
    fn value(&mut self, input: &[u8]) -> Step {
        for (at, &byte) in input.iter().enumerate() {
            match self.byte(byte) {
                Took::Byte => {}
                Took::Last => return Step::Ended(at + 1, self.finish()),
                Took::Before => return Step::Ended(at, self.finish()),
            }
        }
        Step::Inside(input.len())
    }

    /// Ends a value; says why it cannot be read, if so.
    fn finish(&mut self) -> Option<Unread> {
        let ended = std::mem::replace(self, Self::new());
        if ended.deepest > MAX_DEPTH {
            Some(Unread::TooDeep)
        } else if ended.most_digits > MAX_DIGITS {
            Some(Unread::Digits(ended.most_digits))
        } else {
            ended.stray_slash.then_some(Unread::StraySlash)
        }
    }

    fn byte(&mut self, byte: u8) -> Took {
        match self.lex {
            Lex::Plain => return self.plain(byte),
            Lex::Quoted(quote) => self.quoted(quote, byte),
            Lex::Escaped(quote) => self.lex = Lex::Quoted(quote),
            Lex::Quote1 if byte == b'\'' => self.lex = Lex::Quote2,
            Lex::Quote1 => self.quoted(Quote::Single, byte),
            Lex::Quote2 if byte == b'\'' => self.lex = Lex::Quoted(Quote::Triple(0)),
            Lex::Slash if !matches!(byte, b'/' | b'*') => {
                self.lex = Lex::Plain;
                return self.plain(byte);
            }
            Lex::Quote2 => {
                // The empty symbol.
                self.lex = Lex::Plain;
                return self.plain(byte);
            }
            Lex::Slash | Lex::Line | Lex::Block | Lex::BlockStar => self.comment(byte),
        }
        self.before = b' ';
        Took::Byte
    }

    fn quoted(&mut self, quote: Quote, byte: u8) {
        self.lex = match (quote, byte) {
            (_, b'\\') => Lex::Escaped(without_closing(quote)),
            (Quote::Double, b'"') | (Quote::Single | Quote::Triple(2), b'\'') => Lex::Plain,
            (Quote::Triple(closing), b'\'') => Lex::Quoted(Quote::Triple(closing + 1)),
            _ => Lex::Quoted(without_closing(quote)),
        };
    }

    fn comment(&mut self, byte: u8) {
        self.lex = match (self.lex, byte) {
            (Lex::Slash, b'/') => Lex::Line,
            (Lex::Line, b'\n' | b'\r') | (Lex::BlockStar, b'/') => Lex::Plain,
            (Lex::Block | Lex::BlockStar, b'*') => Lex::BlockStar,
            (Lex::Slash, b'*') | (Lex::BlockStar, _) => Lex::Block,
            (lex, _) => lex,
        };
    }

    /// Takes a byte outside strings and comments.
    fn plain(&mut self, byte: u8) -> Took {
        if self.depth == 0 {
            if self.starts_another(byte) {
                return Took::Before;
            }
            self.top = match (self.top, byte) {
                (Top::Annotation, _) if byte == b'/' || is_blank(byte) => Top::Annotation,
                (_, b':') if self.before == b':' => Top::Annotation,
                _ if is_blank(byte) => Top::Gap,
                _ => Top::Token,
            };
        }
        self.word(byte);
        let before = std::mem::replace(&mut self.before, byte);
        match byte {
            b'"' => self.lex = Lex::Quoted(Quote::Double),
            b'\'' => self.lex = Lex::Quote1,
            b'/' if self.lob == 0 => self.lex = Lex::Slash,
            b'{' | b'[' | b'(' if self.lob == 0 => {
                self.depth += 1;
                self.deepest = self.deepest.max(self.depth);
                if byte == b'{' && before == b'{' {
                    self.lob = 2;
                }
            }
            b'}' | b']' | b')' if self.lob == 0 || byte == b'}' => {
                self.lob = self.lob.saturating_sub(1);
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Took::Last;
                }
            }
            _ => {}
        }
        Took::Byte
    }

    /// Whether a byte outside all brackets begins another value than the one that is open.
    fn starts_another(&self, byte: u8) -> bool {
        match (self.top, byte) {
            (Top::Begin | Top::Annotation, _) | (_, b':') => false,
            (_, b'"' | b'\'' | b'{' | b'[' | b'(' | b'}' | b']' | b')' | b'/') => true,
            (Top::Token, _) => false,
            (Top::Gap, _) => !is_blank(byte),
        }
    }

    fn word(&mut self, byte: u8) {
        let continues = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$');
        self.word = match self.word {
            _ if self.lob > 0 || !continues => Word::None,
            Word::None if byte.is_ascii_digit() => Word::Number(1),
            Word::None | Word::Name => Word::Name,
            Word::Number(length) => Word::Number(length + 1),
        };
        if let Word::Number(length) = self.word {
            self.most_digits = self.most_digits.max(length);
        }
    }
}

impl Cut for TextCut {
    fn step(&mut self, input: &[u8]) -> Step {
        if self.within {
            return self.value(input);
        }
        match self.between(input) {
            0 => self.value(input),
            outside => Step::Outside(outside),
        }
    }

    fn end(&mut self) -> End {
        let open = match self.lex {
            Lex::Plain | Lex::Line | Lex::Quote2 => self.depth > 0,
            Lex::Quoted(_)
            | Lex::Escaped(_)
            | Lex::Quote1
            | Lex::Slash
            | Lex::Block
            | Lex::BlockStar => true,
        };
        let within = self.within;
        let unread = self.finish();
        if open {
            End::Row(Some(Unread::Lost(StructureFault::IonNotEnded)))
        } else if within {
            End::Row(unread)
        } else {
            End::Nothing
        }
    }
}

/// The same quote, of which nothing is closed.
fn without_closing(quote: Quote) -> Quote {
    if let Quote::Triple(_) = quote { Quote::Triple(0) } else { quote }
}

/// Whether a byte is white space of Ion text.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
