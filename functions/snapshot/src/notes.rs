//! What is noted of a snapshot or an increment while it is made.
//!
//! ```text
//! state/snapshot/<table>/<time>/export.json                    the export that it is of, written once
//!                              /files/00003-<rows>-<quarantined>   a file that is done
//!                              /files/00004-damaged                one that cannot be read
//! state/snapshot/<table>/increments/<from>_<to>/…                  the same of an increment
//! ```
//!
//! The names hold what is counted, so that one listing says whether all files are done, and with what.

use std::collections::BTreeMap;

use aws::{
    Class, Clients, Failure, listing,
    object::{self, Once},
};
use lake::path;

use crate::{Settings, message::Export};

/// Where the notes of one export are.
#[derive(Debug, Clone)]
pub(crate) struct Notes {
    bucket: String,
    prefix: String,
}

/// What became of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was read to its end.
    Done {
        /// Items in its Parquet file.
        rows: u64,
        /// Lines in quarantine.
        quarantined: u64,
    },
    /// Its bytes are not those that DynamoDB wrote, or not all of them.
    Damaged,
}

impl Notes {
    /// The notes of what an export becomes.
    pub(crate) fn of(settings: &Settings, export: &Export) -> Result<Self, Failure> {
        let notes = export.kind().notes(export).map_err(|error| {
            let resource = export.arn.clone();
            Failure::stated("GetObject", resource, error.to_string(), Class::Permanent)
        })?;
        let prefix = path::state("snapshot", &format!("{}/{notes}/", path::folder(&export.table)));
        Ok(Self { bucket: settings.lake_bucket.clone(), prefix })
    }

    /// Takes the time or window for an export; whether no other has it.
    pub(crate) async fn claim(&self, clients: &Clients, export: &Export) -> Result<bool, Failure> {
        let key = format!("{}export.json", self.prefix);
        let bytes = serde_json::json!(export).to_string().into_bytes();
        let put = object::put_once(clients.s3(), &self.bucket, &key, "application/json", bytes);
        if put.await? == Once::Written {
            return Ok(true);
        }
        let there = object::read(clients.s3(), &self.bucket, &key).await?.unwrap_or_default();
        let there = serde_json::from_slice::<Export>(&there);
        Ok(there.is_ok_and(|there| there.arn == export.arn))
    }

    /// Notes what became of a file.
    pub(crate) async fn note(
        &self,
        clients: &Clients,
        file: usize,
        outcome: Outcome,
        detail: &serde_json::Value,
    ) -> Result<(), Failure> {
        let key = format!("{}files/{}", self.prefix, name(file, outcome));
        let bytes = detail.to_string().into_bytes();
        object::put(clients.s3(), &self.bucket, &key, "application/json", bytes).await
    }

    /// What became of each file that is done.
    pub(crate) async fn outcomes(
        &self,
        clients: &Clients,
    ) -> Result<BTreeMap<usize, Outcome>, Failure> {
        let prefix = format!("{}files/", self.prefix);
        let keys = listing::keys(clients.s3(), &self.bucket, &prefix).await?;
        Ok(keys.iter().filter_map(|key| parse(&key[prefix.len()..])).collect())
    }
}

fn name(file: usize, outcome: Outcome) -> String {
    match outcome {
        Outcome::Done { rows, quarantined } => format!("{file:05}-{rows}-{quarantined}"),
        Outcome::Damaged => format!("{file:05}-damaged"),
    }
}

fn parse(name: &str) -> Option<(usize, Outcome)> {
    let (file, counts) = name.split_once('-')?;
    let outcome = match counts.split_once('-') {
        Some((rows, quarantined)) => {
            Outcome::Done { rows: rows.parse().ok()?, quarantined: quarantined.parse().ok()? }
        }
        None => (counts == "damaged").then_some(Outcome::Damaged)?,
    };
    Some((file.parse().ok()?, outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_became_of_a_file() {
        for outcome in [Outcome::Done { rows: 12, quarantined: 3 }, Outcome::Damaged] {
            assert_eq!(parse(&name(7, outcome)), Some((7, outcome)));
        }
        for foreign in ["", "x", "00001", "00001-1", "00001-1-x", "x-damaged", "00001-damagedx"] {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
    }
}
