//! Where DynamoDB Local takes what Headwater refuses.
//!
//! There is no other direction: what Headwater takes, DynamoDB Local takes. Nor do the
//! [differences that AWS lists](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.UsageNotes.html)
//! concern which items are valid; the departures are all about how one is written.

/// DynamoDB Local reads a value of any JSON type as the type its place asks for, and passes over what it
/// does not know. See the types that [the service has](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html).
const TYPE: &str = "AWS's API reference names the one JSON type of each value";
/// DynamoDB Local keeps the last value of a name.
const TWICE: &str = "one of two values would be lost without a word";
/// DynamoDB Local keeps UTF-16. See
/// [strings](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html).
const UTF_8: &str = "AWS's developer guide has strings in UTF-8, which has no half of a pair";
/// DynamoDB Local lets go of bits, line ends and padding that stand for nothing.
const BASE64: &str = "RFC 4648, section 3.5: two texts for the same bytes hide a damaged one";
/// DynamoDB Local reads the digits of every script.
const DIGITS: &str = "AWS says nothing of other digits, and canonical text would need their values";

/// The value of an attribute, and why Headwater refuses it.
pub(crate) const VALUES: &[(&str, &str)] = &[
    (r#"{"N":1}"#, TYPE),
    (r#"{"N":1.50}"#, TYPE),
    (r#"{"NS":[1]}"#, TYPE),
    (r#"{"S":1}"#, TYPE),
    (r#"{"S":true}"#, TYPE),
    (r#"{"SS":[1]}"#, TYPE),
    (r#"{"BOOL":"true"}"#, TYPE),
    (r#"{"BOOL":"false"}"#, TYPE),
    (r#"{"BOOL":1}"#, TYPE),
    (r#"{"NULL":"true"}"#, TYPE),
    (r#"{"NULL":1}"#, TYPE),
    (r#""text""#, TYPE),
    (r#"{"S":"a","X":"b"}"#, TYPE),
    (r#"{"X":"b","S":"a"}"#, TYPE),
    (r#"{"S":"a","N":null}"#, TYPE),
    (r#"{"S":"a","S":"b"}"#, TWICE),
    (r#"{"M":{"a":{"S":"b"},"a":{"S":"c"}}}"#, TWICE),
    (r#"{"S":"x"},"a":{"S":"y"}"#, TWICE),
    (r#"{"S":"x"},"\u0061":{"S":"x"}"#, TWICE),
    (r#"{"S":"x"},"p":{"S":"k"}"#, TWICE),
    (r#"{"S":"\ud83e"}"#, UTF_8),
    (r#"{"S":"\udd80\ud83e"}"#, UTF_8),
    (r#"{"M":{"\udd80":{"S":"x"}}}"#, UTF_8),
    (r#"{"B":"YR=="}"#, BASE64),
    (r#"{"B":"YWJ="}"#, BASE64),
    (r#"{"B":"YQ==YQ=="}"#, BASE64),
    (r#"{"B":"YQ==\n"}"#, BASE64),
    (r#"{"N":"\u0661"}"#, DIGITS),
    (r#"{"N":"１"}"#, DIGITS),
];
