//! What is to be done for a table: the stack's defaults, overridden by the table's tags. Pure.
//!
//! ```text
//! the stack's policy ─▶ headwater ─▶ headwater:backup ─▶ headwater:export ─▶ headwater:retain ─▶ the table's policy
//! ```
//!
//! | tag | values | without it |
//! |---|---|---|
//! | `headwater` | `on`, `observe`: only report what would be done, `paused`: the change feed rests, `off`: left alone | the stack's |
//! | `headwater:backup` | `on`, `off` | the stack's |
//! | `headwater:export` | `full`, `incremental`: full ones and the changes in between, `off` | the stack's |
//! | `headwater:retain` | a [`Retention`], such as `7d 4w 12m` | the stack's |
//! | `headwater:import` | written by the import, no policy | |
//!
//! Keys and values are as they stand here, in lower case. A mistake in one tag must not cost the table its
//! protection, nor a backup that someone meant to keep; so it is told, and until it is mended
//!
//! | tag with another value | does |
//! |---|---|
//! | `headwater` | only observe: nobody knows whether the table is to be touched |
//! | `headwater:backup`, `headwater:export` | as the stack does |
//! | `headwater:retain` | remove no backup |
//! | `headwater:` and an unknown word | nothing; the known tag that may have been meant is named |

use std::{collections::BTreeMap, fmt, str::FromStr};

use aws::enrolment::TAG;
use serde::Serialize;

use crate::retention::{Retention, RetentionError};

const BACKUP: &str = "headwater:backup";
const EXPORT: &str = "headwater:export";
const RETAIN: &str = "headwater:retain";
/// The import's: which writing of a source the table was made of.
const IMPORT: &str = "headwater:import";
/// The tags that are a policy, in the order they are told in.
const POLICY_TAGS: [&str; 4] = [TAG, BACKUP, EXPORT, RETAIN];
/// Tags that begin so, in any case, are meant for us.
const PREFIX: &str = "headwater:";

/// What is to be done for a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Whether anything is done at all.
    pub mode: Mode,
    /// Whether on-demand backups are made. Those that are there are retained all the same.
    pub backup: bool,
    /// What is exported.
    pub export: Exports,
    /// Which backups are kept; nothing if none is to be removed.
    pub retain: Option<Retention>,
}

/// Whether anything is done for a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Everything that the policy says.
    On,
    /// Nothing; what would be done is reported.
    Observe,
    /// The change feed rests; a stream holds 24 hours.
    Paused,
    /// Nothing at all, although the table's name may fit a pattern.
    Off,
}

/// What is exported of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Exports {
    /// Nothing.
    Off,
    /// The whole table, on its schedule.
    Full,
    /// The whole table, on its schedule, and what changed in between.
    Incremental,
}

/// What a stack's parameter says of exports.
impl FromStr for Exports {
    type Err = ExportsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = EXPORTS.iter().find(|(word, _)| *word == text);
        found.map(|(_, exports)| *exports).ok_or(ExportsError)
    }
}

/// A text that says nothing of exports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("exports are one of {}", words(&EXPORTS))]
pub struct ExportsError;

const MODES: [(&str, Mode); 4] =
    [("on", Mode::On), ("observe", Mode::Observe), ("paused", Mode::Paused), ("off", Mode::Off)];
const SWITCH: [(&str, bool); 2] = [("on", true), ("off", false)];
const EXPORTS: [(&str, Exports); 3] =
    [("full", Exports::Full), ("incremental", Exports::Incremental), ("off", Exports::Off)];

/// A table's policy, and what its tags say that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What is to be done.
    pub policy: Policy,
    /// Tags whose values are refused: the table's run fails, after it has done what the policy says.
    pub refused: Vec<RefusedTag>,
    /// Tags that look like ours and are not, for a person to look at.
    pub unknown: Vec<UnknownTag>,
}

/// Reads the policy of a table from its tags.
///
/// ```
/// use std::collections::BTreeMap;
/// use backup::{policy::{self, Exports, Mode, Policy}, retention::Retention};
///
/// let stack = Policy {
///     mode: Mode::On, backup: true, export: Exports::Full, retain: Some(Retention::days(35)),
/// };
/// let tags = BTreeMap::from([("headwater:export".to_owned(), "off".to_owned())]);
/// let reading = policy::of_table(&stack, &tags);
/// assert_eq!(reading.policy, Policy { export: Exports::Off, ..stack });
/// assert!(reading.refused.is_empty() && reading.unknown.is_empty());
/// ```
pub fn of_table(stack: &Policy, tags: &BTreeMap<String, String>) -> Reading {
    let mut reading = Reading { policy: *stack, refused: Vec::new(), unknown: Vec::new() };
    for (key, value) in tags {
        if let Err(refused) = reading.policy.take(key, value) {
            reading.refused.push(refused);
        }
        reading.unknown.extend(unknown(key));
    }
    reading
}

impl Policy {
    /// Takes what one tag says. Where that is refused, what is done until it is mended.
    fn take(&mut self, key: &str, value: &str) -> Result<(), RefusedTag> {
        match key {
            TAG => {
                // What stays where the word is refused; likewise below.
                self.mode = Mode::Observe;
                self.mode = word(TAG, value, &MODES)?;
            }
            BACKUP => self.backup = word(BACKUP, value, &SWITCH)?,
            EXPORT => self.export = word(EXPORT, value, &EXPORTS)?,
            RETAIN => {
                self.retain = None;
                let read = value.parse();
                self.retain = Some(read.map_err(|error| RefusedTag::Retention { error })?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a word stands for.
fn word<T: Copy>(tag: &'static str, value: &str, words: &[(&str, T)]) -> Result<T, RefusedTag> {
    let found = words.iter().find(|(word, _)| *word == value);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| RefusedTag::Word {
        tag,
        value: value.to_owned(),
        expected: self::words(words),
    })
}

fn words<T>(words: &[(&str, T)]) -> String {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    words.join(", ")
}

/// A tag of ours with a value that it cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedTag {
    /// The value is none of the words that are known.
    #[error(
        "tag {tag} is {value:?}, expected one of {expected}; until it is mended {}",
        meanwhile(tag)
    )]
    Word {
        /// The tag's key.
        tag: &'static str,
        /// Its value.
        value: String,
        /// The words that it may be.
        expected: String,
    },
    /// The value is no retention.
    #[error("tag {RETAIN}: {error}; until it is mended {}", meanwhile(RETAIN))]
    Retention {
        /// What is wrong with it.
        error: RetentionError,
    },
}

fn meanwhile(tag: &str) -> &'static str {
    match tag {
        TAG => "the table is only observed",
        RETAIN => "no backup of the table is removed",
        _ => "the stack's own setting holds",
    }
}

/// A tag that looks like one of ours and is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTag {
    /// Its key.
    pub key: String,
    /// The tag that may have been meant.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tag {} does nothing: ", self.key)?;
        match self.nearest {
            Some(nearest) => write!(f, "is {nearest} meant?"),
            None => write!(f, "known are {}", POLICY_TAGS.join(", ")),
        }
    }
}

/// A key that is meant for us and that we do not know.
fn unknown(key: &str) -> Option<UnknownTag> {
    let lower = key.to_lowercase();
    let ours = lower == TAG || lower.starts_with(PREFIX);
    let known = key == IMPORT || POLICY_TAGS.contains(&key);
    (ours && !known).then(|| UnknownTag { key: key.to_owned(), nearest: nearest(&lower) })
}

/// The tag nearest to a key, if one is near: what comes after the colon differs in a third of its
/// characters at most, or begins alike (`retention`, `backups`).
fn nearest(key: &str) -> Option<&'static str> {
    let name = |key: &'static str| key.strip_prefix(PREFIX).unwrap_or_default();
    let found = key.strip_prefix(PREFIX).unwrap_or_default();
    let near = POLICY_TAGS.into_iter().filter_map(|tag| {
        let distance = strsim::osa_distance(found, name(tag));
        let alike = found.chars().zip(name(tag).chars()).take_while(|(a, b)| a == b).count();
        let length = found.chars().count().max(name(tag).chars().count());
        (distance * 3 <= length || alike >= LIKE).then_some((distance, tag))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, tag)| tag)
}

/// So many first characters are of one tag only.
const LIKE: usize = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STACK: Policy = Policy {
        mode: Mode::On,
        backup: true,
        export: Exports::Full,
        retain: Some(Retention::days(35)),
    };

    fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
        tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// The policy and what is told, one line each.
    fn read(of: &[(&str, &str)]) -> String {
        let Reading { policy, refused, unknown } = of_table(&STACK, &tags(of));
        let mut lines = vec![serde_json::to_string(&policy).unwrap()];
        lines.extend(refused.iter().map(ToString::to_string));
        lines.extend(unknown.iter().map(ToString::to_string));
        lines.join("\n")
    }

    #[test]
    fn tags_override_the_stack() {
        insta::assert_snapshot!(
            read(&[("team", "planes"), ("headwater:import", "imports/planes.csv#1")]),
            @r#"{"mode":"on","backup":true,"export":"full","retain":"35d"}"#
        );
        insta::assert_snapshot!(
            read(&[("headwater", "observe"), ("headwater:retain", "7d 4w 12m")]),
            @r#"{"mode":"observe","backup":true,"export":"full","retain":"7d 4w 12m"}"#
        );
        insta::assert_snapshot!(
            read(&[("headwater", "paused"), ("headwater:backup", "off"), ("headwater:export", "off")]),
            @r#"{"mode":"paused","backup":false,"export":"off","retain":"35d"}"#
        );
        insta::assert_snapshot!(
            read(&[("headwater", "on"), ("headwater:backup", "on"), ("headwater:export", "full")]),
            @r#"{"mode":"on","backup":true,"export":"full","retain":"35d"}"#
        );
        insta::assert_snapshot!(
            read(&[("headwater:export", "incremental")]),
            @r#"{"mode":"on","backup":true,"export":"incremental","retain":"35d"}"#
        );
    }

    #[test]
    fn a_value_that_is_none_is_told_and_costs_nothing() {
        insta::assert_snapshot!(read(&[("headwater", "yes")]), @r#"
        {"mode":"observe","backup":true,"export":"full","retain":"35d"}
        tag headwater is "yes", expected one of on, observe, paused, off; until it is mended the table is only observed
        "#);
        insta::assert_snapshot!(read(&[("headwater:backup", "Off"), ("headwater:export", "")]), @r#"
        {"mode":"on","backup":true,"export":"full","retain":"35d"}
        tag headwater:backup is "Off", expected one of on, off; until it is mended the stack's own setting holds
        tag headwater:export is "", expected one of full, incremental, off; until it is mended the stack's own setting holds
        "#);
        insta::assert_snapshot!(read(&[("headwater:retain", "7 days")]), @r#"
        {"mode":"on","backup":true,"export":"full","retain":null}
        tag headwater:retain: retention is "7 days": "7" is no number with d, w or m after it; expected how many days, weeks and months keep a backup, such as "7d 4w 12m"; until it is mended no backup of the table is removed
        "#);
    }

    #[test]
    fn a_tag_that_looks_like_ours_is_told_with_what_may_be_meant() {
        let unknown = |key: &str| {
            let told = of_table(&STACK, &tags(&[(key, "on")])).unknown;
            told.first().map_or_else(String::new, ToString::to_string)
        };
        insta::assert_snapshot!(unknown("Headwater"), @"tag Headwater does nothing: is headwater meant?");
        insta::assert_snapshot!(unknown("headwater:backups"), @"tag headwater:backups does nothing: is headwater:backup meant?");
        insta::assert_snapshot!(unknown("headwater:retention"), @"tag headwater:retention does nothing: is headwater:retain meant?");
        insta::assert_snapshot!(unknown("headwater:Export"), @"tag headwater:Export does nothing: is headwater:export meant?");
        insta::assert_snapshot!(unknown("headwater:imports"), @"tag headwater:imports does nothing: known are headwater, headwater:backup, headwater:export, headwater:retain");
        insta::assert_snapshot!(unknown("headwater:owner"), @"tag headwater:owner does nothing: known are headwater, headwater:backup, headwater:export, headwater:retain");
        insta::assert_snapshot!(unknown("headwater:"), @"tag headwater: does nothing: is headwater meant?");
        for fine in ["headwater", "headwater:import", "headwaters", "my:headwater:backup", "team"] {
            assert_eq!(unknown(fine), "", "{fine}");
        }
    }

    #[test]
    fn a_stack_says_what_is_exported_in_the_same_words() {
        assert_eq!("incremental".parse(), Ok(Exports::Incremental));
        let refused = "daily".parse::<Exports>().unwrap_err();
        insta::assert_snapshot!(refused, @"exports are one of full, incremental, off");
    }

    fn values() -> impl Strategy<Value = String> {
        let words = ["on", "off", "observe", "paused", "full", "incremental", "7d", "4w 12m", "x"];
        prop::sample::select(words.to_vec()).prop_map(str::to_owned)
    }

    proptest! {
        /// What one tag says does not depend on the others, and each is taken, refused or unknown.
        #[test]
        fn each_tag_is_read_for_itself(
            tags in prop::collection::btree_map("headwater(:(backup|export|retain|import|x))?", values(), 0..6),
        ) {
            let all = of_table(&STACK, &tags);
            let mut policy = STACK;
            let mut told = 0;
            for (key, value) in &tags {
                let one = of_table(&STACK, &BTreeMap::from([(key.clone(), value.clone())]));
                told += one.refused.len() + one.unknown.len();
                match key.as_str() {
                    TAG => policy.mode = one.policy.mode,
                    BACKUP => policy.backup = one.policy.backup,
                    EXPORT => policy.export = one.policy.export,
                    RETAIN => policy.retain = one.policy.retain,
                    _ => prop_assert_eq!(one.policy, STACK),
                }
            }
            prop_assert_eq!(all.policy, policy);
            prop_assert_eq!(all.refused.len() + all.unknown.len(), told);
        }
    }
}
