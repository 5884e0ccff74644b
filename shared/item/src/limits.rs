//! What DynamoDB refuses.
//!
//! Sources: [constraints](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)
//! and [naming rules and data types](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html);
//! what they leave open was tried with DynamoDB Local.

use std::fmt;
use std::str::FromStr;

use crate::error::{Excerpt, Fault, ItemError, Parsed, Reason};
use crate::format::distinct::repeated_member;
use crate::key::KeySchema;
use crate::size::item_size;
use crate::{Item, Map, Value};

/// Bytes of an item, names included: 400 KB.
pub const MAX_ITEM_BYTES: usize = 400 * 1024;
/// Levels of nesting: an attribute's value is the first, an element of a list or map one more.
///
/// A list or map at the last is one too many, even without elements; so says DynamoDB Local.
pub const MAX_NESTING: usize = 32;
/// Levels of lists and maps that reading follows; one more is [`Reason::TooDeep`].
///
/// Ours, not DynamoDB's, and twice its [`MAX_NESTING`]: [`check`] counts exactly before anything is
/// written, but a table or a file made elsewhere may nest deeper than [`check`] allows, and reading
/// never refuses what a table holds. It ends somewhere because the parsers and all that walks a
/// [`Value`] recurse.
pub const MAX_READ_DEPTH: usize = 64;
/// Significant digits of a number.
pub const MAX_DIGITS: usize = 38;
/// The power of ten of the first digit of the largest number, `9.99…E+125`.
pub const MAX_MAGNITUDE: i64 = 125;
/// The power of ten of the first digit of the least number above zero, `1E-130`.
pub const MIN_MAGNITUDE: i64 = -130;
/// Bytes of an attribute's name: less than 64 KB.
pub const MAX_NAME_BYTES: usize = 64 * 1024 - 1;
/// Bytes of the value of a partition key.
pub const MAX_PARTITION_KEY_BYTES: usize = 2048;
/// Bytes of the value of a sort key.
pub const MAX_SORT_KEY_BYTES: usize = 1024;
/// Items of one [`BatchWriteItem`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html) request.
pub const MAX_BATCH_ITEMS: usize = 25;
/// Bytes of one `BatchWriteItem` request: 16 MB.
pub const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of one row of an input file.
///
/// Ours, not DynamoDB's, with room for the items that occur: a list of empty strings in DynamoDB
/// JSON has nine bytes of text (`{"S":""},`) for each byte that DynamoDB counts, 3.5 MiB for an item
/// of 400 KB. It is no bound on what an item can be written as: numbers in plain notation take up to
/// 132 bytes where DynamoDB counts two or three (`1E125`), strings may be all escapes, and blanks are
/// free. Such a row becomes a row error and not an item.
pub const MAX_ROW_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of one line of an incremental export: two images as large as [`MAX_ROW_BYTES`], and their key.
pub const MAX_CHANGE_BYTES: usize = 2 * MAX_ROW_BYTES + 64 * 1024;

/// Checks everything DynamoDB would refuse about an item and returns its size in bytes.
///
/// Numbers are within their limits by construction. Looked at are names, nesting, sets, the key, and
/// the size of the whole.
pub fn check(item: &Item<'_>, schema: &KeySchema) -> Result<usize, ItemError> {
    let size = check_attributes(item)?;
    schema.key_of(item)?;
    Ok(size)
}

/// Checks what DynamoDB would refuse about an item whatever its table's key, and returns its size in
/// bytes.
pub fn check_attributes(item: &Item<'_>) -> Result<usize, ItemError> {
    check_map(item, 1)?;
    let size = item_size(item);
    if size > MAX_ITEM_BYTES {
        return Err(ItemError::of_item(Reason::ItemTooLarge { size }));
    }
    Ok(size)
}

fn check_map(map: &Map<'_>, level: usize) -> Parsed<()> {
    map.iter().try_for_each(|(name, value)| {
        if name.is_empty() {
            return Err(refusal(Reason::EmptyName));
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(refusal(Reason::NameTooLong { length: name.len() }).within_name(name));
        }
        check_value(value, level).map_err(|error| error.within_name(name))
    })
}

fn check_value(value: &Value<'_>, level: usize) -> Parsed<()> {
    match value {
        Value::L(_) | Value::M(_) if level >= MAX_NESTING => Err(refusal(Reason::TooDeep)),
        Value::S(_) | Value::N(_) | Value::B(_) | Value::Bool(_) | Value::Null => Ok(()),
        Value::Ss(set) => check_set(set, "SS", |text| Excerpt::of(text)),
        Value::Ns(set) => check_set(set, "NS", |number| Excerpt::of(number.as_str())),
        Value::Bs(set) => check_set(set, "BS", |bytes| Excerpt::of_bytes(bytes)),
        Value::M(map) => check_map(map, level + 1),
        Value::L(list) => list.iter().enumerate().try_for_each(|(index, value)| {
            check_value(value, level + 1).map_err(|error| error.within_index(index))
        }),
    }
}

fn check_set<T: Ord>(
    members: &[T],
    descriptor: &'static str,
    show: impl Fn(&T) -> Excerpt,
) -> Parsed<()> {
    if members.is_empty() {
        return Err(refusal(Reason::EmptySet(descriptor)));
    }
    match repeated_member(members) {
        None => Ok(()),
        Some(index) => Err(refusal(Reason::DuplicateMember(show(&members[index])))),
    }
}

fn refusal(reason: Reason) -> Fault {
    Fault::new(0, reason)
}

/// A table's name: 3 to 255 letters, digits, underscores, hyphens and dots.
///
/// ```
/// use item::limits::TableName;
///
/// assert!("planes-2026".parse::<TableName>().is_ok());
/// assert!("my planes".parse::<TableName>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName(String);

/// A text that cannot be a table's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots"
)]
pub struct TableNameError(Excerpt);

impl TableName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TableName {
    type Err = TableNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if (3..=255).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TableNameError(Excerpt::of(text)))
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::{KeyAttribute, KeyType};
    use crate::testing;

    fn check_item(item: &Item<'_>, expected: Result<usize, &str>) {
        let schema = KeySchema::simple(KeyAttribute::new("p", KeyType::S));
        let found = check(item, &schema).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    fn with(value: Value<'static>) -> Item<'static> {
        Item::from_iter([("p".into(), Value::S("key".into())), ("a".into(), value)])
    }

    /// The value within lists: it is at the level given.
    fn nested(levels: usize, innermost: Value<'static>) -> Value<'static> {
        (1..levels).fold(innermost, |value, _| Value::L(vec![value]))
    }

    #[test]
    fn gives_the_size() {
        check_item(&with(Value::Null), Ok(6));
    }

    #[test]
    fn an_item_has_400_kilobytes() {
        let filler = |length: usize| Value::S("x".repeat(length).into());
        check_item(&with(filler(409_595)), Ok(409_600));
        check_item(
            &with(filler(409_596)),
            Err(
                "an item of 409601 bytes, DynamoDB's limit is 409600; split it or leave attributes out",
            ),
        );
    }

    #[test]
    fn nesting_ends_at_32_levels() {
        let empty_list = || Value::L(vec![]);
        check_item(&with(nested(32, Value::Null)), Ok(6 + 31 * 4));
        check_item(&with(nested(31, empty_list())), Ok(5 + 30 * 4 + 3));
        let path = format!("attribute a{}: ", "[0]".repeat(31));
        let reason = "lists and maps are nested deeper than 32 levels, DynamoDB's limit";
        for too_deep in
            [nested(33, Value::Null), nested(32, empty_list()), nested(32, Value::M(Map::new()))]
        {
            check_item(&with(too_deep), Err(&format!("{path}{reason}")));
        }
    }

    #[test]
    fn names_and_sets_are_not_empty() {
        let in_map = |name: String| with(Value::M(Map::from_iter([(name.into(), Value::Null)])));
        check_item(
            &in_map(String::new()),
            Err("attribute a: a name without characters; give it one"),
        );
        check_item(
            &in_map("n".repeat(65_536)),
            Err(&format!(
                "attribute a[\"{}…\"]: a name of 65536 bytes, DynamoDB's limit is 65535",
                "n".repeat(40)
            )),
        );
        check_item(
            &with(Value::Ns(vec![])),
            Err("attribute a: an empty NS; DynamoDB sets have members, leave the attribute out"),
        );
        check_item(
            &with(Value::Ss(vec!["x".into(), "x".into()])),
            Err(r#"attribute a: "x" occurs twice in one set; remove one"#),
        );
    }

    #[test]
    fn names_tables() {
        for (name, valid) in [
            ("abc", true),
            ("a.b_c-9", true),
            ("ab", false),
            ("a b", false),
            ("tablé", false),
            (&"x".repeat(255), true),
            (&"x".repeat(256), false),
        ] {
            assert_eq!(name.parse::<TableName>().is_ok(), valid, "{name}");
        }
    }

    proptest! {
        #[test]
        fn generated_items_are_within_the_limits(mut item in testing::items()) {
            item.insert("p", Value::S("key".into()));
            let schema = KeySchema::simple(KeyAttribute::new("p", KeyType::S));
            prop_assert_eq!(check(&item, &schema), Ok(item_size(&item)));
        }
    }
}
