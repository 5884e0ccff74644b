//! A strict JSON scanner that borrows.
//!
//! The text is known to be UTF-8 before the first byte is looked at, so strings are slices of it
//! unless they hold an escape. Nothing here knows DynamoDB.

mod special;

use std::borrow::Cow;

use self::special::Window;
use crate::error::{Fault, JsonFault, ParseError, Parsed, Reason};
use crate::limits::MAX_READ_DEPTH;

pub(crate) use self::special::{is_plain, plain_prefix};

/// How deep [`Scanner::skip`] follows values that nobody asked for.
const MAX_SKIPPED_DEPTH: usize = 128;

/// Fails when a list or map starts within `depth` others and that is too deep to read.
pub(super) fn within(depth: usize, scanner: &Scanner<'_>) -> Parsed<()> {
    if depth > MAX_READ_DEPTH { Err(scanner.error(Reason::TooDeep)) } else { Ok(()) }
}

/// A position in a JSON text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    window: Window,
    /// Whether everything since it was last set is as canonical DynamoDB JSON has it.
    canonical: bool,
}

impl<'a> Scanner<'a> {
    /// Starts at the first byte; fails when the bytes are not UTF-8.
    pub(crate) fn new(bytes: &'a [u8]) -> Parsed<Self> {
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, at: 0, window: Window::new(bytes), canonical: true }),
            Err(_) => Err(not_utf8(bytes)),
        }
    }

    /// Reads the whole text with `parse`.
    pub(crate) fn whole<T>(
        bytes: &'a [u8],
        parse: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Result<T, ParseError> {
        let mut scanner = Self::new(bytes)?;
        let parsed = parse(&mut scanner)?;
        scanner.end()?;
        Ok(parsed)
    }

    /// Takes the next name within an object and its value with `take`, and also returns the text of both if that is
    /// canonical, else an empty one; nothing at the object's end.
    ///
    /// `first` is as for [`Scanner::name`].
    pub(crate) fn entry<T>(
        &mut self,
        first: &mut bool,
        take: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<Option<(Cow<'a, str>, T, &'a str)>> {
        self.canonical = true;
        // So it is unless there are blanks, which are not canonical.
        let start = self.at + usize::from(!*first);
        let Some(name) = self.name(first)? else { return Ok(None) };
        match take(self) {
            Ok(value) => {
                let text = if self.canonical { &self.text[start..self.at] } else { "" };
                Ok(Some((name, value, text)))
            }
            Err(error) => Err(error.within_name(&name)),
        }
    }

    /// Says that what was just taken is not canonical.
    pub(crate) fn not_canonical(&mut self) {
        self.canonical = false;
    }

    /// Goes to a place, which is where a character starts.
    pub(crate) fn seek(&mut self, at: usize) {
        debug_assert!(self.text.is_char_boundary(at), "a place within a character");
        self.at = at;
    }

    /// The number of bytes behind the scanner.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// An error at this place.
    pub(crate) fn error(&self, reason: Reason) -> Fault {
        Fault::new(self.at, reason)
    }

    /// The next byte that is not blank; it stays in front.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        match self.text.as_bytes().get(self.at) {
            Some(byte) if *byte > b' ' => Some(*byte),
            _ => self.peek_behind_blanks(),
        }
    }

    #[cold]
    fn peek_behind_blanks(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        let blanks = blanks.count();
        self.canonical &= blanks == 0;
        self.at += blanks;
        rest.get(blanks).copied()
    }

    /// Takes the next byte that is not blank, if it is the one wanted.
    #[inline]
    pub(crate) fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Fails unless only blanks are left.
    pub(crate) fn end(&mut self) -> Parsed<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault(JsonFault::Trailing)),
        }
    }

    /// Takes the start of an object.
    pub(crate) fn object(&mut self) -> Parsed<()> {
        if self.take(b'{') { Ok(()) } else { Err(self.other_kind("an object")) }
    }

    /// Takes the start of an array.
    pub(crate) fn array(&mut self) -> Parsed<()> {
        if self.take(b'[') { Ok(()) } else { Err(self.other_kind("an array")) }
    }

    /// The next name within an object, up to its colon; nothing at the object's end.
    ///
    /// `first` is true for an object's first name and is set to false.
    #[inline]
    pub(crate) fn name(&mut self, first: &mut bool) -> Parsed<Option<Cow<'a, str>>> {
        let before = match self.rest() {
            [b',', b'"', ..] if !*first => 2,
            [b'"', ..] if *first => 1,
            _ => return self.any_name(first),
        };
        *first = false;
        self.at += before;
        let name = self.rest_of_string()?;
        if self.take(b':') { Ok(Some(name)) } else { Err(self.expected("a colon")) }
    }

    /// The same where it is not compact, or no name at all.
    fn any_name(&mut self, first: &mut bool) -> Parsed<Option<Cow<'a, str>>> {
        if !self.next(b'}', "a comma or a closing brace", first)? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.expected("a name in double quotes"));
        }
        let name = self.string()?;
        if self.take(b':') { Ok(Some(name)) } else { Err(self.expected("a colon")) }
    }

    /// Whether an array goes on; takes the comma or the array's end.
    ///
    /// `first` is true before an array's first element and is set to false.
    pub(crate) fn element(&mut self, first: &mut bool) -> Parsed<bool> {
        self.next(b']', "a comma or a closing bracket", first)
    }

    fn next(&mut self, close: u8, expected: &'static str, first: &mut bool) -> Parsed<bool> {
        if self.take(close) {
            return Ok(false);
        }
        if !std::mem::take(first) && !self.take(b',') {
            return Err(self.expected(expected));
        }
        Ok(true)
    }

    /// What is in front of the scanner.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// Passes ASCII that [`rest`](Self::rest) has shown.
    #[inline]
    pub(crate) fn pass(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Takes a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Parsed<Cow<'a, str>> {
        if !self.take(b'"') {
            return Err(self.other_kind("a string"));
        }
        self.rest_of_string()
    }

    /// Takes a string whose first quote is taken.
    fn rest_of_string(&mut self) -> Parsed<Cow<'a, str>> {
        let start = self.at;
        self.pass_plain();
        if self.text.as_bytes().get(self.at) == Some(&b'"') {
            let plain = &self.text[start..self.at];
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped_string(start).map(Cow::Owned)
    }

    /// Goes to the next quote, backslash or control character.
    #[inline]
    fn pass_plain(&mut self) {
        self.at = self.window.special(self.text.as_bytes(), self.at);
    }

    /// The string that starts at `start` and of which the scanner has passed the plain beginning.
    #[inline(never)]
    fn escaped_string(&mut self, start: usize) -> Parsed<String> {
        // No escape is shorter than what it stands for.
        let mut string = String::with_capacity(self.string_end() - start);
        string.push_str(&self.text[start..self.at]);
        loop {
            match self.text.as_bytes().get(self.at) {
                None => return Err(self.fault(JsonFault::Truncated)),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(_) => return Err(self.fault(JsonFault::ControlCharacter)),
            }
            let start = self.at;
            self.pass_plain();
            string.push_str(&self.text[start..self.at]);
        }
    }

    /// Where the string ends within which the scanner stands in front of something special.
    fn string_end(&mut self) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        while bytes.get(at) == Some(&b'\\') {
            at = self.window.special(bytes, at + 2);
        }
        at
    }

    /// The character an escape stands for. The short ones are canonical: they stand for what must be
    /// escaped, and canonical text has no other escape for it.
    fn escape(&mut self) -> Parsed<char> {
        let character = match self.text.as_bytes().get(self.at + 1) {
            None => return Err(self.fault(JsonFault::Truncated)),
            Some(byte @ (b'"' | b'\\')) => char::from(*byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'/') => {
                self.canonical = false;
                '/'
            }
            Some(b'u') => {
                self.canonical = false;
                return self.unicode_escape();
            }
            Some(_) => return Err(self.fault(JsonFault::Escape)),
        };
        self.at += 2;
        Ok(character)
    }

    /// The character that `\uXXXX`, or a surrogate pair of two of them, stands for.
    fn unicode_escape(&mut self) -> Parsed<char> {
        let high = self.code_unit()?;
        if let Some(character) = char::from_u32(high) {
            self.at += 6;
            return Ok(character);
        }
        if (0xDC00..0xE000).contains(&high) || !self.text[self.at + 6..].starts_with("\\u") {
            return Err(self.fault(JsonFault::LoneSurrogate));
        }
        let start = self.at;
        self.at += 6;
        let low = self.code_unit()?;
        self.at += 6;
        let pair = (0xDC00..0xE000).contains(&low);
        match char::from_u32(0x1_0000 + ((high & 0x3FF) << 10) + (low & 0x3FF)) {
            Some(character) if pair => Ok(character),
            _ => {
                self.at = start;
                Err(self.fault(JsonFault::LoneSurrogate))
            }
        }
    }

    /// The four hexadecimal digits after `\u`; the scanner stays in front of the backslash.
    fn code_unit(&self) -> Parsed<u32> {
        let digits = self.text.get(self.at + 2..self.at + 6);
        digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.fault(JsonFault::Escape))
    }

    /// Takes a number and returns its text.
    pub(crate) fn number(&mut self) -> Parsed<&'a str> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.other_kind("a number"));
        }
        match number_length(&self.text.as_bytes()[self.at..]) {
            Some(length) => {
                let number = &self.text[self.at..self.at + length];
                self.at += length;
                Ok(number)
            }
            None => Err(self.fault(JsonFault::Number)),
        }
    }

    /// Takes `true` or `false`.
    pub(crate) fn boolean(&mut self) -> Parsed<bool> {
        match self.peek() {
            Some(b't') => self.literal("true").map(|()| true),
            Some(b'f') => self.literal("false").map(|()| false),
            _ => Err(self.other_kind("true or false")),
        }
    }

    /// Takes `null`.
    pub(crate) fn null(&mut self) -> Parsed<()> {
        match self.peek() {
            Some(b'n') => self.literal("null"),
            _ => Err(self.other_kind("null")),
        }
    }

    fn literal(&mut self, literal: &'static str) -> Parsed<()> {
        if !self.text[self.at..].starts_with(literal) {
            return Err(self.expected(literal));
        }
        self.at += literal.len();
        Ok(())
    }

    /// Takes a value of any kind that nobody asked for.
    pub(crate) fn skip(&mut self) -> Parsed<()> {
        self.skip_within(MAX_SKIPPED_DEPTH)
    }

    fn skip_within(&mut self, depth: usize) -> Parsed<()> {
        let mut first = true;
        match self.peek() {
            Some(b'{' | b'[') if depth == 0 => Err(self.fault(JsonFault::TooDeep)),
            Some(b'{') => {
                self.object()?;
                while self.name(&mut first)?.is_some() {
                    self.skip_within(depth - 1)?;
                }
                Ok(())
            }
            Some(b'[') => {
                self.array()?;
                while self.element(&mut first)? {
                    self.skip_within(depth - 1)?;
                }
                Ok(())
            }
            Some(b'"') => self.string().map(drop),
            Some(b't' | b'f') => self.boolean().map(drop),
            Some(b'n') => self.null(),
            _ => self.number().map(drop),
        }
    }

    /// The error that a value of another kind stands here, or none at all.
    #[cold]
    pub(crate) fn other_kind(&mut self, expected: &'static str) -> Fault {
        let found = match self.peek() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            _ => return self.expected(expected),
        };
        self.error(Reason::JsonKind { expected, found })
    }

    #[cold]
    fn expected(&self, what: &'static str) -> Fault {
        let at_end = self.at == self.text.len();
        self.fault(if at_end { JsonFault::Truncated } else { JsonFault::Expected(what) })
    }

    #[cold]
    fn fault(&self, fault: JsonFault) -> Fault {
        self.error(Reason::Json { at: self.at, fault })
    }
}

/// The error that bytes are not UTF-8, and where. The quick check does not say where.
#[cold]
fn not_utf8(bytes: &[u8]) -> Fault {
    let at = std::str::from_utf8(bytes).err().map_or(bytes.len(), |error| error.valid_up_to());
    Fault::new(at, Reason::NotUtf8 { at })
}

/// The length of the JSON number at the start of `bytes`.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits =
        |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    at += match (bytes.get(at), digits(at)) {
        (Some(b'0'), 1) => 1,
        (Some(b'1'..=b'9'), whole) => whole,
        _ => return None,
    };
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

#[cfg(test)]
mod tests;
