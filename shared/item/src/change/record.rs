//! One stream record, read strictly.

use std::borrow::Cow;

use crate::change::StreamArn;
use crate::change::event::digits;
use crate::error::{Excerpt, Fault, ParseError, Parsed, Reason};
use crate::format::dynamodb_json::attributes;
use crate::format::json::Scanner;
use crate::{Item, Number};

/// One change of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    /// The record's identity, unique across all streams.
    pub event_id: Cow<'a, str>,
    /// What happened.
    pub op: Operation,
    /// When, in milliseconds since 1970; DynamoDB gives whole seconds, rounded down.
    pub at_ms: i64,
    /// The place in the stream: up to 40 digits. Later changes of one item have greater ones.
    pub sequence: &'a str,
    /// The key attributes.
    pub keys: Item<'a>,
    /// The item after the change, if there is one and the stream's view holds it.
    pub new: Option<Item<'a>>,
    /// The item before the change, if there was one and the stream's view holds it.
    pub old: Option<Item<'a>>,
    /// Who changed it.
    pub by: Actor,
    /// What the stream's records hold.
    pub view: StreamView,
    /// The stream the record is from.
    pub stream_arn: StreamArn<'a>,
}

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It is new.
    Insert,
    /// An attribute of it changed.
    Modify,
    /// It is gone.
    Remove,
}

impl Operation {
    /// The name DynamoDB gives it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Insert, Self::Modify, Self::Remove].into_iter().find(|op| op.as_str() == text)
    }
}

/// Who changed an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A request.
    User,
    /// DynamoDB's time to live deleted it; see
    /// [the mark of such a record](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html).
    TimeToLive,
}

/// What the records of a stream hold besides the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamView {
    /// Nothing.
    KeysOnly,
    /// The item after the change.
    NewImage,
    /// The item before the change.
    OldImage,
    /// Both.
    NewAndOldImages,
}

impl StreamView {
    /// The name DynamoDB gives it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeysOnly => "KEYS_ONLY",
            Self::NewImage => "NEW_IMAGE",
            Self::OldImage => "OLD_IMAGE",
            Self::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }

    /// Whether records hold the item after the change.
    pub fn has_new(self) -> bool {
        matches!(self, Self::NewImage | Self::NewAndOldImages)
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::KeysOnly, Self::NewImage, Self::OldImage, Self::NewAndOldImages];
        all.into_iter().find(|view| view.as_str() == text)
    }
}

impl<'a> Change<'a> {
    /// Reads one record and nothing else, strictly.
    pub fn parse(record: &'a [u8]) -> Result<Self, ParseError> {
        Scanner::whole(record, parse)
    }
}

/// Takes one record.
pub(super) fn parse<'a>(scanner: &mut Scanner<'a>) -> Parsed<Change<'a>> {
    let mut draft = Draft::default();
    each_field(scanner, |scanner, name| draft.field(scanner, name))?;
    draft.finish(scanner.offset())
}

/// Hands every field of an object to `field`, which takes the value.
pub(super) fn each_field<'a>(
    scanner: &mut Scanner<'a>,
    mut field: impl FnMut(&mut Scanner<'a>, &str) -> Parsed<()>,
) -> Parsed<()> {
    scanner.object()?;
    let mut first = true;
    while let Some(name) = scanner.name(&mut first)? {
        field(scanner, &name).map_err(|error| error.within_name(&name))?;
    }
    Ok(())
}

/// What has been read of a record so far.
#[derive(Default)]
struct Draft<'a> {
    event_id: Option<Cow<'a, str>>,
    op: Option<Operation>,
    at_ms: Option<i64>,
    sequence: Option<&'a str>,
    keys: Option<Item<'a>>,
    new: Option<Item<'a>>,
    old: Option<Item<'a>>,
    by_service: bool,
    by_dynamodb: bool,
    view: Option<StreamView>,
    stream_arn: Option<StreamArn<'a>>,
}

impl<'a> Draft<'a> {
    fn field(&mut self, scanner: &mut Scanner<'a>, name: &str) -> Parsed<()> {
        match name {
            "eventID" => self.event_id = Some(scanner.string()?),
            "eventName" => {
                self.op = Some(word(scanner, "INSERT, MODIFY or REMOVE", Operation::parse)?);
            }
            "eventSource" => {
                word(scanner, "aws:dynamodb", |text| (text == "aws:dynamodb").then_some(()))?;
            }
            "eventSourceARN" => {
                let arn = StreamArn::parse(scanner.string()?);
                self.stream_arn = Some(arn.map_err(|reason| scanner.error(reason))?);
            }
            "dynamodb" => each_field(scanner, |scanner, name| self.body_field(scanner, name))?,
            "userIdentity" if scanner.peek() == Some(b'{') => {
                each_field(scanner, |scanner, name| self.identity_field(scanner, name))?;
            }
            _ => scanner.skip()?,
        }
        Ok(())
    }

    fn body_field(&mut self, scanner: &mut Scanner<'a>, name: &str) -> Parsed<()> {
        match name {
            "ApproximateCreationDateTime" => self.at_ms = Some(milliseconds(scanner)?),
            "SequenceNumber" => self.sequence = Some(sequence(scanner)?),
            "StreamViewType" => {
                self.view = Some(word(scanner, "the view type of a stream", StreamView::parse)?);
            }
            "Keys" => self.keys = Some(attributes(scanner)?),
            "NewImage" => self.new = image(scanner)?,
            "OldImage" => self.old = image(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    }

    /// Lambda writes these names in lower case, the streams API with a capital.
    fn identity_field(&mut self, scanner: &mut Scanner<'a>, name: &str) -> Parsed<()> {
        match name {
            "type" | "Type" => self.by_service = scanner.string()? == "Service",
            "principalId" | "PrincipalId" => {
                self.by_dynamodb = scanner.string()? == "dynamodb.amazonaws.com";
            }
            _ => scanner.skip()?,
        }
        Ok(())
    }

    fn finish(self, end: usize) -> Parsed<Change<'a>> {
        let missing = |path| Fault::new(end, Reason::MissingField).within_path(path);
        let op = self.op.ok_or_else(|| missing(&["eventName"]))?;
        let view = self.view.ok_or_else(|| missing(&["dynamodb", "StreamViewType"]))?;
        if view.has_new() && op != Operation::Remove && self.new.is_none() {
            return Err(missing(&["dynamodb", "NewImage"]));
        }
        let by_time_to_live = op == Operation::Remove && self.by_service && self.by_dynamodb;
        Ok(Change {
            event_id: self.event_id.ok_or_else(|| missing(&["eventID"]))?,
            op,
            at_ms: self
                .at_ms
                .ok_or_else(|| missing(&["dynamodb", "ApproximateCreationDateTime"]))?,
            sequence: self.sequence.ok_or_else(|| missing(&["dynamodb", "SequenceNumber"]))?,
            keys: self.keys.ok_or_else(|| missing(&["dynamodb", "Keys"]))?,
            new: self.new,
            old: self.old,
            by: if by_time_to_live { Actor::TimeToLive } else { Actor::User },
            view,
            stream_arn: self.stream_arn.ok_or_else(|| missing(&["eventSourceARN"]))?,
        })
    }
}

/// An image, or nothing where the record says `null`.
pub(super) fn image<'a>(scanner: &mut Scanner<'a>) -> Parsed<Option<Item<'a>>> {
    if scanner.peek() == Some(b'n') {
        scanner.null().map(|()| None)
    } else {
        attributes(scanner).map(Some)
    }
}

/// One of the words that `parse` knows.
fn word<T>(
    scanner: &mut Scanner<'_>,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Parsed<T> {
    let text = scanner.string()?;
    parse(&text).ok_or_else(|| unknown(scanner, expected, &text))
}

fn sequence<'a>(scanner: &mut Scanner<'a>) -> Parsed<&'a str> {
    let text = scanner.string()?;
    let found = match text {
        Cow::Borrowed(text) => digits(text.as_bytes()),
        Cow::Owned(_) => None,
    };
    found.ok_or_else(|| unknown(scanner, "a sequence number of up to 40 digits", &text))
}

/// Seconds since 1970, with or without fraction and exponent, as milliseconds rounded towards zero.
fn milliseconds(scanner: &mut Scanner<'_>) -> Parsed<i64> {
    let text = scanner.number()?;
    let seconds = Number::parse(text).ok();
    let milliseconds = seconds.and_then(|seconds| match seconds.to_i64() {
        Some(whole) => whole.checked_mul(1000),
        None => fractional_milliseconds(seconds.as_str()),
    });
    milliseconds.ok_or_else(|| unknown(scanner, "seconds since 1970", text))
}

fn fractional_milliseconds(seconds: &str) -> Option<i64> {
    let (whole, fraction) = seconds.split_once('.')?;
    let thousandths = fraction.get(..3).unwrap_or(fraction);
    format!("{whole}{thousandths:0<3}").parse().ok()
}

pub(super) fn unknown(scanner: &Scanner<'_>, expected: &'static str, found: &str) -> Fault {
    scanner.error(Reason::UnknownField { expected, found: Excerpt::of(found) })
}
