//! Plain JSON with exact numbers.

use std::borrow::Cow;

use item::limits::MAX_NESTING;
use item::{Map, Number, Value};

/// Text that is no JSON object or array, or that DynamoDB could not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads what [`write`](super::write) wrote: strings, numbers, booleans, nulls, lists and maps.
pub(crate) fn read(text: &str) -> Result<Value<'_>, Malformed> {
    let mut scanner = Scanner { text, at: 0 };
    let value = scanner.value(0)?;
    scanner.skip_blanks();
    if scanner.at == text.len() { Ok(value) } else { Err(Malformed) }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, Malformed> {
        self.skip_blanks();
        match self.text.as_bytes().get(self.at) {
            Some(b'"') => self.string().map(Value::S),
            Some(b'[') => self.list(depth + 1).map(Value::L),
            Some(b'{') => self.map(depth + 1).map(Value::M),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => self.number().map(Value::N),
            None => Err(Malformed),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value<'a>>, Malformed> {
        let mut list = Vec::new();
        self.open(depth)?;
        while self.goes_on(b']', list.is_empty())? {
            list.push(self.value(depth)?);
        }
        Ok(list)
    }

    fn map(&mut self, depth: usize) -> Result<Map<'a>, Malformed> {
        let mut entries: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
        self.open(depth)?;
        while self.goes_on(b'}', entries.is_empty())? {
            self.skip_blanks();
            let name = self.string()?;
            if !self.take(b':') {
                return Err(Malformed);
            }
            entries.push((name, self.value(depth)?));
        }
        let ascending = entries.is_sorted_by(|(a, _), (b, _)| a < b);
        Ok(if ascending { Map::from_distinct(entries) } else { entries.into_iter().collect() })
    }

    /// Passes the opening bracket.
    fn open(&mut self, depth: usize) -> Result<(), Malformed> {
        self.at += 1;
        if depth > MAX_NESTING { Err(Malformed) } else { Ok(()) }
    }

    /// Whether another entry follows; passes the comma before it, or the closing bracket.
    fn goes_on(&mut self, close: u8, first: bool) -> Result<bool, Malformed> {
        if self.take(close) {
            Ok(false)
        } else if first || self.take(b',') {
            Ok(true)
        } else {
            Err(Malformed)
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let token = self.string_token()?;
        match &token[1..token.len() - 1] {
            plain if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
            _ => serde_json::from_str(token).map(Cow::Owned).map_err(|_| Malformed),
        }
    }

    /// Passes a string and returns it with its quotes.
    fn string_token(&mut self) -> Result<&'a str, Malformed> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        if bytes.get(start) != Some(&b'"') {
            return Err(Malformed);
        }
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return Err(Malformed),
            }
        }
        self.at = end + 1;
        self.text.get(start..self.at).ok_or(Malformed)
    }

    fn number(&mut self) -> Result<Number<'a>, Malformed> {
        let rest = &self.text[self.at..];
        let in_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        let end = rest.find(|c| !in_number(c)).unwrap_or(rest.len());
        self.at += end;
        Number::parse(&rest[..end]).map_err(|_| Malformed)
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, Malformed> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Malformed);
        }
        self.at += word.len();
        Ok(value)
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn skip_blanks(&mut self) {
        let blanks = self.text.as_bytes()[self.at..].iter();
        self.at += blanks.take_while(|byte| byte.is_ascii_whitespace()).count();
    }
}
