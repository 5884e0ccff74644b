//! The note of a table's newest full export, and what became of that export.

use aws::export::{Described, Status};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{chain::LONGEST_EXPORT, naming};

/// An export is asked for so often.
const MOST_ATTEMPTS: u32 = 5;

/// The newest full export of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    pub(super) table_id: String,
    /// The last part of its prefix: `20261122T030000Z`.
    pub(super) name: String,
    /// As of when; nothing means of when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<Timestamp>,
    /// Which attempt it is, from 1.
    pub(super) attempt: u32,
    pub(super) asked_at: Timestamp,
    /// Once it is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    /// Exports before it that completed, and of which no snapshot came.
    #[serde(default)]
    pub(super) fruitless: u32,
}

/// What became of an export, in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Outcome {
    Completed,
    GivenUp,
}

/// What became of the newest full export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// None was asked for.
    #[default]
    None,
    /// It is in the making.
    Underway {
        /// The export.
        arn: String,
    },
    /// It completed.
    Completed {
        /// The export.
        arn: Option<String>,
        /// Whether that is so long ago that its snapshot should be there.
        is_old: bool,
        /// Exports before it that completed, and of which no snapshot came.
        fruitless: u32,
    },
    /// It came to nothing: it was not started, failed, or never ends.
    CameToNothing {
        /// What became of it, in words.
        why: String,
        /// Whether it was asked for as often as one is.
        is_last: bool,
    },
    /// It came to nothing for the last time, in an earlier run.
    GivenUp,
}

impl Standing {
    /// The export, while it may become a snapshot.
    pub(crate) fn arn(&self) -> Option<&str> {
        match self {
            Self::Underway { arn } => Some(arn),
            Self::Completed { arn, is_old: false, .. } => arn.as_deref(),
            _ => None,
        }
    }
}

impl Note {
    /// Of all that the request says, so that one token is one request.
    pub(super) fn token(&self, table_arn: &str, destination: &str) -> String {
        let Self { name, time, attempt, .. } = self;
        let time = time.map_or_else(|| "now".to_owned(), naming::compact);
        naming::token(&format!("{table_arn} {destination} full {name} {time} {attempt}"))
    }

    /// After DynamoDB refused it for good: the next attempt is as of when it is asked for, as recovery may reach the time
    /// no more.
    pub(super) fn refused(&self, now: Timestamp) -> Self {
        let attempt = self.attempt + 1;
        Self { attempt, time: None, asked_at: now, arn: None, ..self.clone() }
    }

    /// Whether it is as of before that time, if that is known.
    pub(super) fn precedes(&self, fed_since: Timestamp) -> bool {
        fed_since != Timestamp::MAX && self.time.unwrap_or(self.asked_at) < fed_since
    }

    /// Whether it completed so long ago that its snapshot should be there.
    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.asked_at) > LONGEST_EXPORT
            && self.outcome == Some(Outcome::Completed)
    }

    /// What became of the export, by what DynamoDB tells of it if it has not ended by the note.
    pub(super) fn standing(&self, told: Option<&Described>, now: Timestamp) -> Standing {
        let completed = |note: &Self| Standing::Completed {
            arn: note.arn.clone(),
            is_old: note.is_old(now),
            fruitless: note.fruitless,
        };
        let (name, attempt) = (&self.name, self.attempt);
        let of = format!("full export {name}, attempt {attempt}");
        let why = match (self.outcome, &self.arn, told) {
            (Some(Outcome::Completed), ..) => return completed(self),
            (Some(Outcome::GivenUp), ..) => return Standing::GivenUp,
            (None, None, _) => {
                let why = format!("{of}: it was not started");
                return Standing::CameToNothing { why, is_last: attempt > MOST_ATTEMPTS };
            }
            (None, Some(_), Some(Described { status: Status::Completed, .. })) => {
                return completed(&Self { outcome: Some(Outcome::Completed), ..self.clone() });
            }
            (None, Some(arn), Some(Described { status: Status::InProgress, started, .. })) => {
                let started = started.unwrap_or(self.asked_at);
                if now.duration_since(started) <= LONGEST_EXPORT {
                    return Standing::Underway { arn: arn.clone() };
                }
                format!("{of}: in progress for more than a day")
            }
            (None, Some(_), Some(Described { status: Status::Failed, failure, .. })) => {
                let failure = failure.as_deref().unwrap_or("DynamoDB does not say why");
                format!("{of} failed: {failure}")
            }
            (None, Some(_), None) => format!("{of}: DynamoDB knows it no more"),
        };
        if attempt < MOST_ATTEMPTS {
            return Standing::CameToNothing { why, is_last: false };
        }
        let why = format!("{why}; given up until the next one is due");
        Standing::CameToNothing { why, is_last: true }
    }
}

#[cfg(test)]
mod tests {
    use aws::export::Content;
    use jiff::SignedDuration;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn note(attempt: u32) -> Note {
        Note {
            table_id: "id".into(),
            name: "20261122T030000Z".into(),
            time: Some(time("2026-11-22T02:50:00Z")),
            attempt,
            asked_at: time("2026-11-22T03:00:10Z"),
            arn: Some("arn".into()),
            outcome: None,
            fruitless: 0,
        }
    }

    /// What a note is told to be, an hour or a day and a half after it was asked for.
    fn standing(attempt: u32, status: Option<Status>, hours: i64) -> Standing {
        let told = status.map(|status| Described {
            arn: "arn".into(),
            table_id: "id".into(),
            content: Some(Content::Full { time: None }),
            status,
            started: None,
            client_token: None,
            prefix: String::new(),
            failure: (status == Status::Failed).then(|| "S3AccessDenied: no".to_owned()),
            manifest: None,
        });
        let now = note(attempt).asked_at + SignedDuration::from_hours(hours);
        note(attempt).standing(told.as_ref(), now)
    }

    #[test]
    fn what_fails_is_asked_for_again_and_not_for_ever() {
        insta::assert_debug_snapshot!(standing(1, Some(Status::InProgress), 1), @r#"
        Underway {
            arn: "arn",
        }
        "#);
        insta::assert_debug_snapshot!(standing(1, Some(Status::Completed), 1), @r#"
        Completed {
            arn: Some(
                "arn",
            ),
            is_old: false,
            fruitless: 0,
        }
        "#);
        insta::assert_debug_snapshot!(standing(1, Some(Status::Completed), 36), @r#"
        Completed {
            arn: Some(
                "arn",
            ),
            is_old: true,
            fruitless: 0,
        }
        "#);
        insta::assert_debug_snapshot!(standing(1, Some(Status::Failed), 1), @r#"
        CameToNothing {
            why: "full export 20261122T030000Z, attempt 1 failed: S3AccessDenied: no",
            is_last: false,
        }
        "#);
        insta::assert_debug_snapshot!(standing(4, Some(Status::InProgress), 36), @r#"
        CameToNothing {
            why: "full export 20261122T030000Z, attempt 4: in progress for more than a day",
            is_last: false,
        }
        "#);
        insta::assert_debug_snapshot!(standing(2, None, 36), @r#"
        CameToNothing {
            why: "full export 20261122T030000Z, attempt 2: DynamoDB knows it no more",
            is_last: false,
        }
        "#);
        insta::assert_debug_snapshot!(standing(5, Some(Status::Failed), 1), @r#"
        CameToNothing {
            why: "full export 20261122T030000Z, attempt 5 failed: S3AccessDenied: no; given up until the next one is due",
            is_last: true,
        }
        "#);
    }

    #[test]
    fn what_is_refused_is_asked_for_as_of_now_and_not_for_ever() {
        let now = time("2026-11-22T05:00:00Z");
        let mut note = Note { arn: None, ..note(1) };
        let mut asked = 0;
        while note.standing(None, now)
            == (Standing::CameToNothing {
                why: format!(
                    "full export {}, attempt {}: it was not started",
                    note.name,
                    asked + 1
                ),
                is_last: false,
            })
        {
            note = note.refused(now);
            asked += 1;
        }
        assert_eq!((asked, note.time), (MOST_ATTEMPTS, None));
    }

    #[test]
    fn one_token_is_one_request() {
        let of = |note: &Note, to: &str| note.token("arn:table/planes", to);
        let first = note(1);
        assert_eq!(of(&first, "bucket"), of(&note(1), "bucket"));
        let others = [
            of(&note(2), "bucket"),
            of(&first, "other"),
            of(&Note { time: None, ..note(1) }, "bucket"),
            of(&Note { name: "20261122T030000Z-anew".into(), ..note(1) }, "bucket"),
        ];
        assert!(!others.contains(&of(&first, "bucket")));
    }
}
