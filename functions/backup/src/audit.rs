//! The audit of each snapshot: does what the feed told make the table that the export found?
//!
//! ```text
//! newest snapshot, and the last one before it that was audited ─▶ a report of the newer one? ── yes ─▶ that
//!           └─ no ─▶ totals, by Athena ── clean ──────────────────────────────┐
//!                        │       └─ not ─▶ differences ── the same as half an hour ago or longer ─▶ a new full export ─▶ report
//!                        │                       └─ not ─▶ suspected: looked at again by a later run
//!                        └─ not ended: looked for in the next run
//! ```
//!
//! **Late or lost.** A change that is on its way looks as one that is lost. So a difference counts only once a second
//! look, half an hour or more after the first, finds the very same. While the feed fails
//! ([`Enrolled::feed_problem`](aws::enrolment::Enrolled)) only snapshots are looked at that are older than a stream
//! remembers: what has not arrived by then never will. What is suspected is looked at again before a newer snapshot is, or
//! snapshots that come as often as looks would never be told of. (A shard that is stuck alone, while others of
//! the table go on, shows in no such result, but in the feed's lag; an audit beside it may take what waits for lost.)
//!
//! An export is not asked for where the audit before asked for one: what it was to close is open still, and
//! is for a person to look at. The report is `reports/audit/<table>/<snapshot>.json` in the lake's bucket. A snapshot is itself right,
//! whatever the feed missed; the export that is made where it missed something is for what it may miss
//! still, and the next audit begins with it.

use aws::{
    Class, Clients, Failure,
    athena::{self, Answer, Rows},
    catalog::{self, CatalogTable},
    object,
    sdk::dynamodb::types::TableDescription,
    snapshot::{self, Finished},
    telemetry,
};
use jiff::{SignedDuration, Timestamp};
use lake::{
    Registry,
    audit::{Audit, Totals},
    name::TableNames,
    path,
    view::Snapshot,
};
use serde::{Deserialize, Serialize};

use crate::{
    Settings,
    exports::{FullExports, Why},
    views::{PASSED, since},
};

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditReport {
    /// The table.
    pub(crate) table: String,
    /// The snapshot that was looked at.
    snapshot: String,
    /// The one before, on which the changes were laid.
    previous: String,
    /// Whether the two sides agree.
    pub(crate) is_clean: bool,
    /// Whether that is so for good: differences are only suspected until a second look has found the same.
    #[serde(default = "settled")]
    is_settled: bool,
    /// Items that the changes make.
    expected: u64,
    /// Items of the snapshot.
    found: u64,
    /// Keys that should be there and are not.
    missing: u64,
    /// Keys that are there and should not be.
    unexpected: u64,
    /// Keys whose items are others.
    different: u64,
    /// Keys that the snapshot has more than once.
    repeated: u64,
    /// Keys that changed within two minutes of the export: no differences.
    unsettled: u64,
    /// The sum of `_hash` of what was expected, as text: it has up to 38 digits.
    expected_sum: String,
    /// The sum of `_hash` of what was found.
    found_sum: String,
    /// The first hundred keys with a difference.
    differences: Vec<Difference>,
    /// The full export that was started for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    export_arn: Option<String>,
}

/// A report that was written is.
const fn settled() -> bool {
    true
}

/// A look that found differences, in `state/backup/<table>/audit-<snapshot>-suspected`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suspicion {
    /// When it was looked.
    looked_at: Timestamp,
    /// Which look it was, from 0.
    look: u32,
    /// What it found.
    report: AuditReport,
}

/// A key on which the two sides disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Difference {
    /// As canonical DynamoDB JSON.
    key: String,
    /// `missing`, `unexpected`, `different` or `repeated`.
    kind: String,
    /// `_hash` of the item by the changes.
    expected: Option<String>,
    /// `_hash` in the snapshot.
    found: Option<String>,
}

/// How long after a look the next one is taken at the earliest.
const SETTLES: SignedDuration = SignedDuration::from_mins(30);
/// How long a stream remembers, and an hour.
///
/// Source: [streams](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
const REMEMBERED: SignedDuration = SignedDuration::from_hours(25);

/// When an audit is made, and what of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) as_of: Timestamp,
    /// Snapshots as of later than this are not looked at yet.
    pub(crate) passed: Timestamp,
    /// Since when the feed tells of changes: of those between an older snapshot and this it tells nothing.
    pub(crate) fed_since: Timestamp,
}

/// Up to when the feed has told what it is going to tell.
pub(crate) fn passed(as_of: Timestamp, feed_fails: bool) -> Timestamp {
    as_of - if feed_fails { REMEMBERED } else { PASSED }
}

/// Snapshots that are looked through for the last one that was audited.
const LOOKED_AT: usize = 100;

/// Audits the newest snapshot that the feed has passed at a time, unless that was done; `exports` says whether
/// an export may be asked for.
///
/// Nothing if the table has no snapshot to begin with, or Athena is at it still.
pub(crate) async fn ensure(
    clients: &Clients,
    settings: &Settings,
    description: &TableDescription,
    Times { as_of, passed, fed_since }: Times,
    exports: bool,
) -> Result<Option<AuditReport>, Failure> {
    let table = description.table_name().unwrap_or_default();
    let of = (table, description.table_id().unwrap_or_default());
    let bucket = &settings.enrolment.lake_bucket;
    // Nearly every run finds the newest one audited, and reads nothing else.
    if let [newest] = snapshot::newest(clients.s3(), bucket, of, passed, 1).await?.as_slice()
        && let Some(report) = report_of(clients, bucket, newest).await?
    {
        return Ok(Some(report));
    }
    let newest = snapshot::newest(clients.s3(), bucket, of, passed, LOOKED_AT).await?;
    let fed = fed(&newest, fed_since);
    let Some(Chosen { current, previous, before }) = chosen(clients, bucket, fed).await? else {
        return Ok(None);
    };
    let database = &settings.enrolment.database;
    let Some(changes) = catalog::find(clients.glue(), database, table).await? else {
        return Err(catalog::missing(database, table));
    };
    let audit = audit(&changes, previous, current, description)?;
    let partition = current.partition().map_err(|error| invalid(table, &error))?;
    let before_it = previous.partition().map_err(|error| invalid(table, &error))?;
    let asked =
        Asked { clients, settings, table, snapshot: &partition, previous: before_it, as_of };
    let Some(mut report) = asked.look(&audit).await? else {
        return Ok(None);
    };
    if !report.is_settled {
        tracing::warn!(table, snapshot = report.snapshot, "differences suspected");
        return Ok(Some(report));
    }
    let was_asked_for = before.is_some_and(|before| before.export_arn.is_some());
    if !report.is_clean && exports && !was_asked_for {
        let asked = FullExports {
            clients,
            settings,
            table: (table, description.table_arn().unwrap_or_default()),
            table_id: of.1,
            fed_since: Timestamp::MAX,
            now: as_of,
        };
        // Noted as the newest one, so that the next runs look after it.
        let started = asked.ask(current.export_time, Why::Audit);
        report.export_arn = Some(started.await?);
    }
    let bytes = format!("{:#}\n", serde_json::json!(report)).into_bytes();
    let key = report_key(current)?;
    object::put(clients.s3(), bucket, &key, "application/json", bytes).await?;
    tell(&report);
    Ok(Some(report))
}

/// Of snapshots, newest first, those that changes can be laid on. A time of an export is in whole seconds.
fn fed(newest: &[Finished], fed_since: Timestamp) -> &[Finished] {
    let is_fed = |snapshot: &Finished| {
        fed_since == Timestamp::MAX || snapshot.export_time.as_second() >= fed_since.as_second()
    };
    let fed = newest.iter().take_while(|snapshot| is_fed(snapshot)).count();
    &newest[..fed]
}

/// What an audit is of.
struct Chosen<'s> {
    current: &'s Finished,
    /// The last one that was audited, or the oldest.
    previous: &'s Finished,
    /// What its audit found.
    before: Option<AuditReport>,
}

/// The snapshot to audit, of which the newest comes first: what no audit has looked at yet, this one does; what one
/// has begun with, it ends with.
async fn chosen<'s>(
    clients: &Clients,
    bucket: &str,
    newest: &'s [Finished],
) -> Result<Option<Chosen<'s>>, Failure> {
    let Some((mut current, older)) = newest.split_first() else {
        return Ok(None);
    };
    let (mut previous, mut before) = (None, None);
    let older: Vec<&Finished> = comparable(current, older).collect();
    for (place, snapshot) in older.iter().copied().enumerate() {
        previous = Some(snapshot);
        before = report_of(clients, bucket, snapshot).await?;
        if before.is_some() {
            break;
        }
        let has_previous = place + 1 < older.len();
        if has_previous && is_suspected(clients, bucket, snapshot).await? {
            current = snapshot;
        }
    }
    Ok(previous.map(|previous| Chosen { current, previous, before }))
}

/// Of older snapshots, newest first, those that one can be held against: under other privacy rules `_hash` was of
/// something else.
fn comparable<'s>(current: &Finished, older: &'s [Finished]) -> impl Iterator<Item = &'s Finished> {
    older.iter().take_while(|older| older.privacy == current.privacy)
}

fn report_key(snapshot: &Finished) -> Result<String, Failure> {
    let partition = snapshot.partition().map_err(|error| invalid(&snapshot.table, &error))?;
    Ok(format!("reports/audit/{}/{partition}.json", path::folder(&snapshot.table)))
}

/// What an audit of a snapshot found, if there was one.
async fn report_of(
    clients: &Clients,
    bucket: &str,
    snapshot: &Finished,
) -> Result<Option<AuditReport>, Failure> {
    let there = object::read(clients.s3(), bucket, &report_key(snapshot)?).await?;
    Ok(there.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Whether a look at a snapshot found differences.
async fn is_suspected(
    clients: &Clients,
    bucket: &str,
    snapshot: &Finished,
) -> Result<bool, Failure> {
    let table = &snapshot.table;
    let partition = snapshot.partition().map_err(|error| invalid(table, &error))?;
    let key = state_key(table, &partition, "suspected");
    Ok(object::read(clients.s3(), bucket, &key).await?.is_some())
}

fn state_key(table: &str, snapshot: &str, what: &str) -> String {
    path::state("backup", &format!("{}/audit-{snapshot}-{what}", path::folder(table)))
}

/// The statements.
fn audit(
    changes: &CatalogTable,
    previous: &Finished,
    current: &Finished,
    description: &TableDescription,
) -> Result<Audit, Failure> {
    let table = description.table_name().unwrap_or_default();
    let Some(names) = TableNames::of_changes(&changes.name) else {
        return Err(invalid(table, &"the catalog's table is not called <table>__changes"));
    };
    let registry = Registry::new();
    let audit = || {
        let [previous_partition, partition] = [previous.partition()?, current.partition()?];
        let snapshot = |partition, finished: &Finished| Snapshot {
            registry: &registry,
            partition,
            export_time_ms: finished.export_time.as_millisecond(),
        };
        let before = snapshot(previous_partition.as_str(), previous);
        let now = snapshot(partition.as_str(), current);
        Audit::of(&names, Some(&before), &now, &since(description)?)
    };
    audit().map_err(|error: lake::WriteError| invalid(table, &error))
}

/// Asks Athena. A large table takes it longer than a run has, so that which execution has the answer is kept in
/// `state/backup/<table>/audit-<snapshot>-<statement>`.
struct Asked<'a> {
    clients: &'a Clients,
    settings: &'a Settings,
    table: &'a str,
    snapshot: &'a str,
    previous: String,
    as_of: Timestamp,
}

impl Asked<'_> {
    /// What a look finds: differences are settled if the look before found the same. It is not looked again so soon
    /// after that, and nothing is found while an answer has not ended.
    async fn look(&self, audit: &Audit) -> Result<Option<AuditReport>, Failure> {
        let (s3, bucket) = (self.clients.s3(), &self.settings.enrolment.lake_bucket);
        let key = self.key("suspected");
        let suspicion = object::read(s3, bucket, &key).await?;
        let suspicion = suspicion.and_then(|it| serde_json::from_slice::<Suspicion>(&it).ok());
        let look = match &suspicion {
            Some(Suspicion { looked_at, report, .. })
                if self.as_of.duration_since(*looked_at) < SETTLES =>
            {
                return Ok(Some(report.clone()));
            }
            Some(Suspicion { look, .. }) => look + 1,
            None => 0,
        };
        let Some(mut report) = self.report(audit, look).await? else { return Ok(None) };
        if report.is_clean || suspicion.is_some_and(|before| before.report == report) {
            report.is_settled = true;
            return Ok(Some(report));
        }
        let suspicion = Suspicion { looked_at: self.as_of, look, report: report.clone() };
        let bytes = serde_json::json!(suspicion).to_string().into_bytes();
        object::put(s3, bucket, &key, "application/json", bytes).await?;
        Ok(Some(report))
    }

    fn key(&self, what: &str) -> String {
        state_key(self.table, self.snapshot, what)
    }

    /// The answers; nothing if one has not ended.
    async fn report(&self, audit: &Audit, look: u32) -> Result<Option<AuditReport>, Failure> {
        let asked = |name: &str| if look == 0 { name.to_owned() } else { format!("{name}-{look}") };
        let Some(rows) = self.answer(&asked("totals"), audit.totals()).await? else {
            return Ok(None);
        };
        let row = rows.first().map(Vec::as_slice).unwrap_or_default();
        let totals = Totals::of(row).map_err(|error| invalid(self.table, &error))?;
        let differences = if totals.is_clean() {
            Rows::new()
        } else {
            let Some(rows) = self.answer(&asked("differences"), audit.differences()).await? else {
                return Ok(None);
            };
            rows
        };
        Ok(Some(AuditReport {
            table: self.table.to_owned(),
            snapshot: self.snapshot.to_owned(),
            previous: self.previous.clone(),
            is_clean: totals.is_clean(),
            is_settled: false,
            expected: totals.expected,
            found: totals.found,
            missing: totals.missing,
            unexpected: totals.unexpected,
            different: totals.different,
            repeated: totals.repeated,
            unsettled: totals.unsettled,
            expected_sum: totals.expected_sum.to_string(),
            found_sum: totals.found_sum.to_string(),
            differences: differences.into_iter().filter_map(difference).collect(),
            export_arn: None,
        }))
    }

    async fn answer(&self, name: &str, statement: &str) -> Result<Option<Rows>, Failure> {
        let Self { clients, settings, table, .. } = self;
        let (s3, bucket) = (clients.s3(), &settings.enrolment.lake_bucket);
        let (key, resource) = (self.key(name), format!("audit of {table}"));
        if let Some(id) = object::read(s3, bucket, &key).await? {
            let id = String::from_utf8_lossy(&id);
            let failure = match athena::answer(clients.athena(), &id, &resource).await {
                Ok(Answer::Rows(rows)) => return Ok(Some(rows)),
                Ok(Answer::NotYet) => return Ok(None),
                Err(failure) if failure.is_retryable() => return Err(failure),
                // It failed, or Athena knows it no more.
                Ok(Answer::Failed(failure)) | Err(failure) => failure,
            };
            tracing::warn!(table, %failure, "audit asked anew");
        }
        let id = athena::start(clients.athena(), &settings.athena(), statement, &resource).await?;
        let bytes = id.clone().into_bytes();
        object::put(s3, bucket, &key, "text/plain", bytes).await?;
        match athena::answer(clients.athena(), &id, &resource).await? {
            Answer::Rows(rows) => Ok(Some(rows)),
            Answer::NotYet => Ok(None),
            Answer::Failed(failure) => Err(failure),
        }
    }
}

fn difference(row: Vec<Option<String>>) -> Option<Difference> {
    let [key, kind, expected, found]: [Option<String>; 4] = row.try_into().ok()?;
    Some(Difference { key: key?, kind: kind?, expected, found })
}

/// Metrics, which an alarm watches, and a line.
fn tell(report: &AuditReport) {
    let AuditReport { table, missing, unexpected, different, repeated, unsettled, .. } = report;
    let differing = missing + unexpected + different + repeated;
    telemetry::count(
        table,
        &[
            ("AuditDifferences", differing),
            ("AuditUnsettled", *unsettled),
            ("AuditItemsExpected", report.expected),
            ("AuditItems", report.found),
        ],
    );
    if report.is_clean {
        tracing::info!(table, snapshot = report.snapshot, unsettled, "audit clean");
    } else {
        tracing::error!(table, snapshot = report.snapshot, differing, "audit found differences");
    }
}

fn invalid(table: &str, error: &impl ToString) -> Failure {
    Failure::stated("Audit", format!("table {table}"), error.to_string(), Class::Permanent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_held_against_none_of_other_privacy_rules() {
        let snapshot = |privacy: &str| Finished {
            table: "planes".to_owned(),
            table_id: "1".to_owned(),
            export_arn: "arn".to_owned(),
            export_time: Timestamp::UNIX_EPOCH,
            window_start: None,
            files: 1,
            items: 1,
            rows: 1,
            quarantined: 0,
            damaged_files: 0,
            privacy: Some(privacy.to_owned()).filter(|mark| !mark.is_empty()),
        };
        let check = |current: &str, older: [&str; 3], count: usize| {
            let older = older.map(snapshot);
            assert_eq!(comparable(&snapshot(current), &older).count(), count, "{current}");
        };
        check("", ["", "", "a"], 2);
        check("a", ["", "a", "a"], 0);
        check("a", ["a", "a", "a"], 3);
        check("", ["a", "", ""], 0);
    }
}
