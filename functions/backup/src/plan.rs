//! What a run does to protect a table: pure.
//!
//! ```text
//! policy ──────────────────────┐
//! backups, the newest export, ─┼─▶ plan ─▶ acts, in their order ─▶ done one by one (`protect`)
//! whether there is a snapshot ─┘                              └──▶ or told, if the table is only observed
//! ```
//!
//! | run | found | act |
//! |---|---|---|
//! | backup | | make the backup of its time, and the full export unless these have a schedule of their own |
//! | export | | make the full export of its time |
//! | backup | backups that retention keeps no more, or that are broken | remove; tell |
//! | reconcile | no full export was asked for, and there is no snapshot | the table's first full export |
//! | reconcile | the newest one is as of before the change feed, which began later | another, after which nothing is missing |
//! | reconcile | the newest one was not started, failed, or is in progress for a day | ask for it again |
//! | reconcile | the same, for the fifth time | give it up, and tell |
//! | reconcile | it completed a day ago, and there is no snapshot | another, three times at most; then tell |
//!
//! The chain of incremental exports has [a plan of its own](crate::chain), and goes on whatever becomes of this one. What a table needs so that its changes reach the lake is `aws::enrolment`'s, and which files are merged
//! `lake::compaction`'s: each plans from what it alone looks at (`docs/adr/0018-plans-of-a-table.md`).

use std::fmt;

use aws::backup::Backup;
use jiff::Timestamp;

use crate::{
    FullExportsDue,
    exports::{Standing, Why},
    naming,
    policy::{Exports, Policy},
};

/// Exports out of turn of which no snapshot comes, before no more are asked for.
const MOST_FRUITLESS: u32 = 3;

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// Everything.
    Backup,
    /// The full exports that are due, where they have a schedule of their own.
    Export,
    /// All but backups and their removal; it exports what has no snapshot, and what came to nothing.
    Reconcile,
}

/// What is known of a table when a run plans.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) run: Run,
    pub(crate) policy: Policy,
    /// When the run was due.
    pub(crate) scheduled: Timestamp,
    pub(crate) now: Timestamp,
    /// The table's backups, whoever made them, if the run has to do with backups.
    pub(crate) backups: Vec<Backup>,
    /// The newest full export.
    pub(crate) full: Standing,
    /// Whether that is as of before the change feed.
    pub(crate) precedes_feed: bool,
    /// Whether it has a whole snapshot, as far as that matters.
    pub(crate) has_snapshot: bool,
    /// When full exports are due.
    pub(crate) full_exports: FullExportsDue,
    /// Whether exports go to another account, where no snapshot is made of them.
    pub(crate) exports_leave: bool,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Makes a backup, unless a run that broke off has made the one of that name.
    BackUp {
        /// Its name.
        name: String,
    },
    /// Asks for a full export.
    Export(Why),
    /// Asks for the newest full export again.
    ExportAgain {
        /// What became of the one before.
        why: String,
    },
    /// Gives the newest full export up.
    GiveUpExport {
        /// What became of it.
        why: String,
    },
    /// Tells that exports bring no snapshot.
    TellFruitless,
    /// Removes a backup.
    Remove {
        /// Its name.
        name: String,
        /// Its ARN.
        arn: String,
    },
    /// Tells that a backup cannot be restored from.
    TellBroken {
        /// Its name.
        name: String,
    },
}

impl Act {
    /// Whether it is done once for a scheduled time, under a claim.
    pub(crate) const fn is_once(&self) -> bool {
        matches!(self, Self::BackUp { .. } | Self::Export(Why::Due))
    }
}

/// Plans one run for a table.
pub(crate) fn plan(observed: &Observed) -> Vec<Act> {
    let Policy { export, .. } = observed.policy;
    let mut acts = match observed.run {
        Run::Backup | Run::Export => once(observed),
        Run::Reconcile if export == Exports::Off => Vec::new(),
        Run::Reconcile => look_after_exports(observed).into_iter().collect(),
    };
    if observed.run == Run::Backup {
        acts.extend(retention(observed));
    }
    acts
}

/// What is made of a scheduled time.
fn once(observed: &Observed) -> Vec<Act> {
    let Observed { run, policy, scheduled, full_exports, .. } = observed;
    let mut acts = Vec::new();
    if *run == Run::Backup && policy.backup {
        acts.push(Act::BackUp { name: naming::backup_name(*scheduled) });
    }
    if policy.export != Exports::Off
        && (*run == Run::Export || *full_exports == FullExportsDue::WithBackups)
    {
        acts.push(Act::Export(Why::Due));
    }
    acts
}

fn look_after_exports(observed: &Observed) -> Option<Act> {
    let misses = !observed.has_snapshot;
    match &observed.full {
        Standing::Underway { .. } | Standing::Completed { .. } | Standing::CameToNothing { .. }
            if observed.precedes_feed && !observed.exports_leave =>
        {
            Some(Act::Export(Why::Feed))
        }
        Standing::None if misses => Some(Act::Export(Why::First)),
        Standing::CameToNothing { why, is_last: false } => {
            Some(Act::ExportAgain { why: why.clone() })
        }
        Standing::CameToNothing { why, is_last: true } => {
            Some(Act::GiveUpExport { why: why.clone() })
        }
        // Of another account's bucket no snapshot is made.
        Standing::Completed { is_old: true, fruitless, .. }
            if misses && !observed.exports_leave =>
        {
            let is_enough = *fruitless >= MOST_FRUITLESS;
            Some(if is_enough { Act::TellFruitless } else { Act::Export(Why::First) })
        }
        Standing::None
        | Standing::Underway { .. }
        | Standing::Completed { .. }
        | Standing::GivenUp => None,
    }
}

fn retention(Observed { policy, backups, now, .. }: &Observed) -> Vec<Act> {
    let Some(retain) = policy.retain else { return Vec::new() };
    let review = retain.review(backups, *now);
    let broken = review.broken.into_iter();
    let broken = broken.map(|Backup { name, .. }| Act::TellBroken { name: name.clone() });
    let expired = review.expired.into_iter();
    let expired = expired
        .map(|Backup { name, arn, .. }| Act::Remove { name: name.clone(), arn: arn.clone() });
    broken.chain(expired).collect()
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BackUp { name } => write!(f, "make the backup {name}"),
            Self::Export(Why::First) => {
                f.write_str("export the whole table, for its first snapshot")
            }
            Self::Export(Why::Feed) => f.write_str(
                "export the whole table, since its change feed began after the newest export",
            ),
            Self::Export(_) => f.write_str("export the whole table, as it is due"),
            Self::ExportAgain { why } => write!(f, "export the whole table again: {why}"),
            Self::GiveUpExport { why } => write!(f, "give an export up: {why}"),
            Self::TellFruitless => write!(
                f,
                "{MOST_FRUITLESS} full exports completed and no whole snapshot came of them; see the operations guide, \
                 \"A snapshot does not come\". The next scheduled one is tried again"
            ),
            Self::Remove { name, .. } => write!(f, "remove the backup {name}"),
            Self::TellBroken { name } => write!(f, "tell that the backup {name} is broken"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::{policy::Mode, retention::Retention};

    fn backup(time: &str, hours_ago: i64, available: bool) -> Backup {
        let created = now() - SignedDuration::from_hours(hours_ago);
        let name = format!("headwater-{time}");
        Backup { arn: format!("arn:{time}"), name, table_id: None, created, available }
    }

    fn now() -> Timestamp {
        "2026-11-22T03:00:10Z".parse().unwrap()
    }

    fn observed(run: Run) -> Observed {
        Observed {
            run,
            policy: Policy {
                mode: Mode::On,
                backup: true,
                export: Exports::Full,
                retain: Some(Retention::days(1)),
            },
            scheduled: "2026-11-22T03:00:00Z".parse().unwrap(),
            now: now(),
            backups: Vec::new(),
            full: Standing::None,
            precedes_feed: false,
            has_snapshot: true,
            full_exports: FullExportsDue::WithBackups,
            exports_leave: false,
        }
    }

    fn planned(observed: &Observed) -> String {
        let acts = plan(observed);
        acts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_backup_run_makes_what_is_due_and_removes_what_is_kept_no_more() {
        let mut table = observed(Run::Backup);
        table.backups = vec![
            backup("20261120T030000Z", 48, true),
            backup("20261121T030000Z", 24, true),
            backup("20261120T120000Z", 39, false),
        ];
        insta::assert_snapshot!(planned(&table), @"
        make the backup headwater-20261122T030000Z
        export the whole table, as it is due
        tell that the backup headwater-20261120T120000Z is broken
        remove the backup headwater-20261120T030000Z
        ");
        table.policy = Policy { backup: false, export: Exports::Off, ..table.policy };
        insta::assert_snapshot!(planned(&table), @"
        tell that the backup headwater-20261120T120000Z is broken
        remove the backup headwater-20261120T030000Z
        ");
        table.policy = Policy { retain: None, ..table.policy };
        insta::assert_snapshot!(planned(&table), @"");
    }

    #[test]
    fn full_exports_have_a_schedule_of_their_own_or_that_of_backups() {
        let check = |run, full_exports| {
            let table = Observed { full_exports, ..observed(run) };
            planned(&table)
        };
        insta::assert_snapshot!(check(Run::Backup, FullExportsDue::OnTheirOwn), @"make the backup headwater-20261122T030000Z");
        insta::assert_snapshot!(check(Run::Export, FullExportsDue::OnTheirOwn), @"export the whole table, as it is due");
        insta::assert_snapshot!(check(Run::Export, FullExportsDue::WithBackups), @"export the whole table, as it is due");
    }

    #[test]
    fn a_run_in_between_looks_after_exports() {
        let check = |full: Standing, has_snapshot: bool| {
            let table = Observed { full, has_snapshot, ..observed(Run::Reconcile) };
            planned(&table)
        };
        let completed = |is_old, fruitless| Standing::Completed { arn: None, is_old, fruitless };
        let nothing = |is_last| Standing::CameToNothing { why: "it failed".to_owned(), is_last };
        insta::assert_snapshot!(check(Standing::None, true), @"");
        insta::assert_snapshot!(check(Standing::None, false), @"export the whole table, for its first snapshot");
        insta::assert_snapshot!(check(Standing::Underway { arn: "arn".to_owned() }, false), @"");
        insta::assert_snapshot!(check(completed(false, 0), false), @"");
        insta::assert_snapshot!(check(completed(true, 2), false), @"export the whole table, for its first snapshot");
        insta::assert_snapshot!(check(completed(true, 2), true), @"");
        insta::assert_snapshot!(check(completed(true, 3), false), @r#"3 full exports completed and no whole snapshot came of them; see the operations guide, "A snapshot does not come". The next scheduled one is tried again"#);
        insta::assert_snapshot!(check(nothing(false), true), @"export the whole table again: it failed");
        insta::assert_snapshot!(check(nothing(true), true), @"give an export up: it failed");
        insta::assert_snapshot!(check(Standing::GivenUp, false), @"");
    }

    #[test]
    fn a_feed_that_began_late_is_caught_up_with() {
        let check = |full: Standing, precedes_feed| {
            planned(&Observed { full, precedes_feed, ..observed(Run::Reconcile) })
        };
        let completed = || Standing::Completed { arn: None, is_old: true, fruitless: 0 };
        insta::assert_snapshot!(check(completed(), true), @"export the whole table, since its change feed began after the newest export");
        insta::assert_snapshot!(check(completed(), false), @"");
        insta::assert_snapshot!(check(Standing::GivenUp, true), @"");
    }

    #[test]
    fn what_leaves_the_account_makes_no_snapshot_here() {
        let full = Standing::Completed { arn: None, is_old: true, fruitless: 0 };
        let table = Observed { full, has_snapshot: false, ..observed(Run::Reconcile) };
        insta::assert_snapshot!(planned(&table), @"export the whole table, for its first snapshot");
        insta::assert_snapshot!(planned(&Observed { exports_leave: true, ..table }), @"");
    }
}
