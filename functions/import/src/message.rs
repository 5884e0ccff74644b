//! What a queue message says: an object was created, an import goes on, or nothing that concerns us.
//!
//! ```text
//! SQS message ─▶ body ─▶ EventBridge event "Object Created" ─▶ ObjectCreated
//!                 ├────▶ a message of our own ─▶ Turn
//!                 └────▶ anything else (a test event, another detail type) ─▶ nothing
//! ```

use std::time::Duration;

use aws::object_created::{self, ObjectCreated};
use serde::{Deserialize, Serialize};

/// How soon a message of our own may come: after the state says that it was sent.
pub(crate) const SOON: Duration = Duration::from_secs(2);

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// To look at an object.
    Created(ObjectCreated),
    /// To go on with an import.
    Turn(Turn),
}

/// A message that an import sends to go on later, or elsewhere at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Turn {
    /// The landing bucket, where the import's state is.
    pub(crate) bucket: String,
    /// The table.
    pub(crate) table: String,
    /// The import.
    pub(crate) import_id: String,
    /// Counted from 0, which is the object's own event. Bounds how often an import may go on.
    pub(crate) number: u32,
    /// A file to stage, counted from 0; without it, the import as a whole goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<usize>,
}

/// A message of our own is told from S3's by its one field.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Own {
    headwater_import: Turn,
}

impl Turn {
    /// The message's body.
    pub(crate) fn body(&self) -> String {
        serde_json::json!(Own { headwater_import: self.clone() }).to_string()
    }
}

/// What a message asks for; nothing if it is of some other kind.
///
/// Whatever else arrives on the queue (`s3:TestEvent`, a person's test message) cannot become an
/// import by being retried, so it is not an error.
pub(crate) fn read(body: &str) -> Option<Message> {
    let own = serde_json::from_str::<Own>(body).map(|own| Message::Turn(own.headwater_import));
    own.ok().or_else(|| object_created::read(body).map(Message::Created))
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! told {
        ($name:literal) => {{
            let event = include_str!(concat!("../../../events/", $name, ".json"));
            let event: serde_json::Value = serde_json::from_str(event).unwrap();
            let body = event["Records"][0]["body"].as_str().unwrap();
            match read(body) {
                Some(Message::Created(ObjectCreated { object, size, .. })) => {
                    format!("{object}, {size} bytes")
                }
                Some(Message::Turn(Turn { table, number, file, .. })) => {
                    format!("turn {number} of {table}, file {file:?}")
                }
                None => "nothing".to_owned(),
            }
        }};
    }

    #[test]
    fn an_object_is_told_with_its_version_and_its_key_as_it_is() {
        insta::assert_snapshot!(told!("import-object-created"), @"s3://headwater-landingbucket-1x2y3z4a5b6c7/imports/planes.csv (version IYV3p45BT0ac8hjHg1houSdS1a.Mro8e), 247198 bytes");
        insta::assert_snapshot!(told!("import-object-created-key-with-spaces"), @"s3://headwater-landingbucket-1x2y3z4a5b6c7/imports/Flotte d'été 2026 + réserve.csv (version IYV3p45BT0ac8hjHg1houSdS1a.Mro8e), 2048 bytes");
    }

    #[test]
    fn our_own_message_is_read_as_it_was_written() {
        insta::assert_snapshot!(told!("import-next-turn"), @"turn 3 of flights, file None");
        let turn = Turn {
            bucket: "landing".into(),
            table: "flights".into(),
            import_id: "0f".into(),
            number: 4,
            file: Some(7),
        };
        assert_eq!(read(&turn.body()), Some(Message::Turn(turn)));
    }

    #[test]
    fn anything_else_is_nothing() {
        assert_eq!(told!("import-not-an-object"), "nothing");
        assert_eq!(told!("import-s3-test-event"), "nothing");
        assert_eq!(told!("import-not-json"), "nothing");
    }
}
