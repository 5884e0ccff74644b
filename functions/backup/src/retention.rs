//! Which backups are kept and which are removed: pure.
//!
//! ```text
//! backups of a table ─▶ ours, by the time in their names ─▶ good ones ─▶ newest of each period ─▶ kept
//!                                                                        └────────▶ the others ─▶ removed
//!                                          └─▶ not good after a day ─▶ told, and left
//! ```
//!
//! A policy `7d 4w 12m` keeps the newest good backup of each of the last seven days, four ISO weeks and
//! twelve months (UTC) *that have one*, as restic, Borg and Proxmox count. So time alone removes nothing:
//! only a newer good backup does, and a schedule that stood still for a month costs no backup.
//!
//! | a backup | is |
//! |---|---|
//! | whose name is not `headwater-<time>` | someone else's: never touched, never told |
//! | `AVAILABLE`, the newest of them | kept, whatever the policy says |
//! | `AVAILABLE`, the newest of a period that counts | kept |
//! | `AVAILABLE`, any other | removed |
//! | otherwise, asked for less than a day ago | left alone: it may still be in the making |
//! | otherwise | told as broken, and left: DynamoDB refuses to delete what it is still making (`BackupInUseException`) |
//!
//! The time in the name counts and not when the backup was made: a run that came late belongs to the day it
//! was scheduled for.

use std::{cmp::Reverse, fmt, str::FromStr};

use aws::backup::Backup;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Serialize, Serializer};

use crate::naming;

/// The most that a policy may count of days, weeks or months: ten years of days.
const MOST: u32 = 3650;
/// A backup that is not `AVAILABLE` after this is taken for broken.
const LONGEST_MAKING: SignedDuration = SignedDuration::from_hours(24);

/// How many days, weeks and months keep their newest good backup.
///
/// Its text is `7d 4w 12m`: counts from 1 to 3650, each unit once, in any order, one of them at least. It
/// holds only what a tag's value may hold.
///
/// ```
/// use backup::retention::Retention;
///
/// let retention: Retention = "12m 7d".parse().unwrap();
/// assert_eq!(retention.to_string(), "7d 12m");
/// assert_eq!(Retention::days(35).to_string(), "35d");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    daily: u32,
    weekly: u32,
    monthly: u32,
}

/// What is to be done about a table's backups.
#[derive(Debug, PartialEq, Eq)]
pub struct Review<'b> {
    /// To be removed, the newest first.
    pub expired: Vec<&'b Backup>,
    /// Ours, and not `AVAILABLE` a day after they were asked for; a person should look at them.
    pub broken: Vec<&'b Backup>,
}

impl Retention {
    /// Keeps the newest good backup of each of the last `daily` days that have one.
    pub const fn days(daily: u32) -> Self {
        Self { daily, weekly: 0, monthly: 0 }
    }

    /// Says which of a table's backups to remove, and which are broken.
    pub fn review(self, backups: &[Backup], now: Timestamp) -> Review<'_> {
        let (good, other): (Vec<Ours<'_>>, Vec<Ours<'_>>) =
            ours(backups).into_iter().partition(|ours| ours.backup.available);
        let broken = other.into_iter().map(|ours| ours.backup).filter(|backup| {
            // One that a clock ahead of ours made is young.
            now.duration_since(backup.created) >= LONGEST_MAKING
        });
        Review { expired: self.expired(&good), broken: broken.collect() }
    }

    /// Of good backups, the newest first.
    fn expired<'b>(self, good: &[Ours<'b>]) -> Vec<&'b Backup> {
        let mut days = Periods::new(self.daily);
        let mut weeks = Periods::new(self.weekly);
        let mut months = Periods::new(self.monthly);
        let mut expired = Vec::new();
        for (place, ours) in good.iter().enumerate() {
            let day = ours.scheduled.to_zoned(TimeZone::UTC).date();
            let week = day.iso_week_date();
            // Each counts for itself, whatever the others keep.
            let kept = [
                days.begins((day.year(), day.day_of_year())),
                weeks.begins((week.year(), i16::from(week.week()))),
                months.begins((day.year(), i16::from(day.month()))),
            ];
            if place > 0 && !kept.contains(&true) {
                expired.push(ours.backup);
            }
        }
        expired
    }
}

/// A backup of ours.
#[derive(Debug)]
struct Ours<'b> {
    scheduled: Timestamp,
    backup: &'b Backup,
}

/// Ours, the newest first. Two of one scheduled time are told apart by when they were made.
fn ours(backups: &[Backup]) -> Vec<Ours<'_>> {
    let mut ours: Vec<Ours<'_>> = backups
        .iter()
        .filter_map(|backup| {
            Some(Ours { scheduled: naming::scheduled_time(&backup.name)?, backup })
        })
        .collect();
    ours.sort_by_key(|ours| Reverse((ours.scheduled, ours.backup.created, &ours.backup.arn)));
    ours
}

/// The periods of one length that keep a backup, met from the newest back.
#[derive(Debug)]
struct Periods {
    left: u32,
    /// The year, and which of its periods.
    last: Option<(i16, i16)>,
}

impl Periods {
    const fn new(count: u32) -> Self {
        Self { left: count, last: None }
    }

    /// Whether a period begins here, and is one that counts.
    fn begins(&mut self, period: (i16, i16)) -> bool {
        if self.left == 0 || self.last == Some(period) {
            return false;
        }
        self.left -= 1;
        self.last = Some(period);
        true
    }
}

/// A text that is no policy of retention.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "retention is {text:?}: {problem}; expected how many days, weeks and months keep a backup, such as \"7d 4w 12m\""
)]
pub struct RetentionError {
    text: String,
    problem: RetentionProblem,
}

/// What is wrong with the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum RetentionProblem {
    #[error("it keeps nothing")]
    Empty,
    #[error("{0:?} is no number with d, w or m after it")]
    Word(String),
    #[error("{0:?} is not from 1 to {MOST}")]
    Count(String),
    #[error("{0:?} counts again what was counted before")]
    Twice(String),
}

impl FromStr for Retention {
    type Err = RetentionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|problem| RetentionError { text: text.to_owned(), problem })
    }
}

fn parse(text: &str) -> Result<Retention, RetentionProblem> {
    let mut retention = Retention::days(0);
    for word in text.split_ascii_whitespace() {
        let no_word = || RetentionProblem::Word(word.to_owned());
        let (unit, count) = word
            .strip_suffix('d')
            .map(|count| (&mut retention.daily, count))
            .or_else(|| word.strip_suffix('w').map(|count| (&mut retention.weekly, count)))
            .or_else(|| word.strip_suffix('m').map(|count| (&mut retention.monthly, count)))
            .ok_or_else(no_word)?;
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(no_word());
        }
        if *unit != 0 {
            return Err(RetentionProblem::Twice(word.to_owned()));
        }
        *unit = count
            .parse()
            .ok()
            .filter(|count| (1..=MOST).contains(count))
            .ok_or_else(|| RetentionProblem::Count(word.to_owned()))?;
    }
    if retention == Retention::days(0) {
        return Err(RetentionProblem::Empty);
    }
    Ok(retention)
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [(self.daily, 'd'), (self.weekly, 'w'), (self.monthly, 'm')];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        for (place, (count, unit)) in counts.enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}{count}{unit}")?;
        }
        Ok(())
    }
}

impl Serialize for Retention {
    /// As its text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn backup(name: &str, available: bool) -> Backup {
        let created = time("2026-11-20T00:00:00Z");
        Backup {
            arn: format!("arn:{name}"),
            name: name.to_owned(),
            table_id: None,
            created,
            available,
        }
    }

    /// Times are days of November 2026 at three o'clock, or `MMDD`, or `YYYYMMDD`, or whole names; one
    /// marked `!` is not available.
    fn backups(times: &str) -> Vec<Backup> {
        let of = |text: &str| {
            let (time, available) = match text.strip_suffix('!') {
                Some(time) => (time, false),
                None => (text, true),
            };
            let name = match time.len() {
                2 => format!("headwater-202611{time}T030000Z"),
                4 => format!("headwater-2026{time}T030000Z"),
                8 => format!("headwater-{time}T030000Z"),
                _ => time.to_owned(),
            };
            backup(&name, available)
        };
        times.split_whitespace().map(of).collect()
    }

    fn names(backups: &[&Backup]) -> Vec<String> {
        let short = |backup: &&Backup| {
            backup.name.replace("headwater-", "").replace("T030000Z", "").replace("2026", "")
        };
        backups.iter().map(short).collect()
    }

    fn check(retention: &str, times: &str, expired: &str) {
        let backups = backups(times);
        let retention: Retention = retention.parse().unwrap();
        let review = retention.review(&backups, time("2026-11-20T12:00:00Z"));
        assert_eq!(names(&review.expired).join(" "), expired, "of {times} with {retention}");
    }

    #[test]
    fn the_newest_of_each_period_is_kept() {
        check("2d", "1122 1121 1120", "1120");
        check("2d", "1122 1121", "");
        // Days without a backup do not count: an outage costs none.
        check("2d", "1122 0901 0831", "0831");
        // The newest of a day is kept, by the time in the name.
        check("1d", "1122 headwater-20261122T040000Z", "1122");
        check("3d", "1122 headwater-20261122T040000Z 1121", "1122");
        // ISO weeks: Sunday 22nd and Monday 16th are of one week, Sunday 15th is of the one before.
        check("2w", "1122 1121 1116 1115 1108", "1121 1116 1108");
        // The first days of 2027 are of the last week of 2026, as 28 December is.
        check("2w", "20270103 1228 1227", "1228");
        check("2m", "1122 1101 1031 1001 0930", "1101 1001 0930");
        check("2d 2w 2m", "1122 1121 1120 1116 1115 1101 1031 1030", "1120 1116 1101 1030");
    }

    #[test]
    fn only_our_own_are_removed() {
        let foreign = "before-migration headwater-old headwater-2026 xheadwater-20261114T030000Z \
                       headwater-20261114T030000Zx headwater-20261314T030000Z";
        check("1d", &format!("{foreign} 1122"), "");
    }

    #[test]
    fn the_newest_good_one_stays() {
        check("1d", "20200101", "");
        // One in the making displaces nothing, so that what can be restored from stays.
        check("1d", "1122! 0101", "");
        check("1d", "1122! 0101 20250101", "20250101");
        check("1d", "0101! 20250101!", "");
    }

    #[test]
    fn one_that_is_not_good_after_a_day_is_told() {
        let backups = backups("1122 1121! 1120! before-migration!");
        let review = |now| names(&Retention::days(1).review(&backups, time(now)).broken).join(" ");
        assert_eq!(review("2026-11-19T23:59:00Z"), "");
        assert_eq!(review("2026-11-20T23:59:59Z"), "");
        assert_eq!(review("2026-11-21T00:00:00Z"), "1121 1120");
    }

    #[test]
    fn a_text_is_a_policy_or_is_refused_with_what_was_expected() {
        let read = |text: &str| match text.parse::<Retention>() {
            Ok(retention) => retention.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(read("7d 4w 12m"), "7d 4w 12m");
        assert_eq!(read(" 12m\t7d "), "7d 12m");
        assert_eq!(read("3650d"), "3650d");
        insta::assert_snapshot!(read(""), @r#"retention is "": it keeps nothing; expected how many days, weeks and months keep a backup, such as "7d 4w 12m""#);
        insta::assert_snapshot!(read("7d,4w"), @r#"retention is "7d,4w": "7d,4w" is no number with d, w or m after it; expected how many days, weeks and months keep a backup, such as "7d 4w 12m""#);
        insta::assert_snapshot!(read("d"), @r#"retention is "d": "d" is no number with d, w or m after it; expected how many days, weeks and months keep a backup, such as "7d 4w 12m""#);
        insta::assert_snapshot!(read("7D"), @r#"retention is "7D": "7D" is no number with d, w or m after it; expected how many days, weeks and months keep a backup, such as "7d 4w 12m""#);
        insta::assert_snapshot!(read("0d"), @r#"retention is "0d": "0d" is not from 1 to 3650; expected how many days, weeks and months keep a backup, such as "7d 4w 12m""#);
        insta::assert_snapshot!(read("7d 99999999999w"), @r#"retention is "7d 99999999999w": "99999999999w" is not from 1 to 3650; expected how many days, weeks and months keep a backup, such as "7d 4w 12m""#);
        insta::assert_snapshot!(read("7d 4w 3d"), @r#"retention is "7d 4w 3d": "3d" counts again what was counted before; expected how many days, weeks and months keep a backup, such as "7d 4w 12m""#);
    }

    const NOW: &str = "2026-11-20T12:00:00Z";

    fn policies() -> impl Strategy<Value = Retention> {
        let counts = (0..4_u32, 0..3_u32, 0..3_u32);
        counts.prop_map(|(daily, weekly, monthly)| Retention { daily, weekly, monthly })
    }

    /// Ours at any six hours of a hundred days, twice at times, and foreign ones; good or not, young or not.
    fn histories() -> impl Strategy<Value = Vec<Backup>> {
        let one = (0..400_i64, 0..4_u8, any::<bool>(), 0..40_i64);
        prop::collection::vec(one, 0..60).prop_map(|backups| {
            let backups = backups.into_iter().enumerate();
            let of = |(place, (at, kind, available, age)): (usize, (i64, u8, bool, i64))| {
                let scheduled = time(NOW) - SignedDuration::from_hours(at * 6);
                let name = match kind {
                    0 => format!("mine-{at}"),
                    _ => naming::backup_name(scheduled),
                };
                let created = time(NOW) - SignedDuration::from_hours(age);
                Backup { arn: format!("arn:{place}"), name, table_id: None, created, available }
            };
            backups.map(of).collect()
        })
    }

    fn expired(retention: Retention, backups: &[Backup]) -> Vec<&str> {
        let review = retention.review(backups, time(NOW));
        review.expired.iter().map(|backup| backup.arn.as_str()).collect()
    }

    fn newest_good(backups: &[Backup]) -> Option<&Backup> {
        ours(backups).into_iter().map(|ours| ours.backup).find(|backup| backup.available)
    }

    proptest! {
        #[test]
        fn what_is_removed_is_ours_and_good_and_not_the_newest(
            retention in policies(), backups in histories(),
        ) {
            let review = retention.review(&backups, time(NOW));
            let newest = newest_good(&backups);
            for backup in &review.expired {
                prop_assert!(backup.name.starts_with("headwater-"));
                prop_assert!(backup.available);
                prop_assert_ne!(Some(*backup), newest);
            }
            for backup in &review.broken {
                prop_assert!(backup.name.starts_with("headwater-"));
                prop_assert!(!backup.available);
                prop_assert!(backup.created <= time(NOW) - SignedDuration::from_hours(24));
            }
        }

        #[test]
        fn of_what_is_left_nothing_is_removed(retention in policies(), backups in histories()) {
            let gone = expired(retention, &backups);
            let left: Vec<Backup> =
                backups.iter().filter(|backup| !gone.contains(&backup.arn.as_str())).cloned().collect();
            prop_assert_eq!(expired(retention, &left), Vec::<&str>::new());
        }

        /// What a policy removes a shorter one removes too; what is removed today is removed when
        /// newer backups have come.
        #[test]
        fn removal_is_monotone(
            longer in policies(), less in policies(), backups in histories(), newer in 1..9_i64,
        ) {
            let shorter = Retention {
                daily: longer.daily.saturating_sub(less.daily),
                weekly: longer.weekly.saturating_sub(less.weekly),
                monthly: longer.monthly.saturating_sub(less.monthly),
            };
            let mut later = backups.clone();
            later.extend((1..=newer).map(|at| {
                let name = naming::backup_name(time(NOW) + SignedDuration::from_hours(at * 13));
                backup(&name, at % 3 != 0)
            }));
            let now = expired(longer, &backups);
            let by_shorter = expired(shorter, &backups);
            let by_later = expired(longer, &later);
            for arn in now {
                prop_assert!(by_shorter.contains(&arn), "{} by {} and not by {}", arn, longer, shorter);
                prop_assert!(by_later.contains(&arn), "{} now and not later", arn);
            }
        }

        /// Order and clock change nothing of what is removed.
        #[test]
        fn the_order_of_the_list_is_no_matter(
            retention in policies(),
            (listed, shuffled) in histories().prop_flat_map(|backups| (Just(backups.clone()), Just(backups).prop_shuffle())),
            days in 0..4000_i64,
        ) {
            let later = time(NOW) + SignedDuration::from_hours(days * 24);
            let (first, second) = (retention.review(&listed, time(NOW)), retention.review(&shuffled, later));
            prop_assert_eq!(first.expired, second.expired);
        }

        #[test]
        fn a_policy_is_its_text(retention in policies()) {
            let text = retention.to_string();
            prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' '));
            let expected = (retention != Retention::days(0)).then_some(retention);
            prop_assert_eq!(text.parse().ok(), expected);
        }

        #[test]
        fn no_text_is_too_strange(text in "[0-9dwm ,]{0,12}") {
            if let Ok(retention) = text.parse::<Retention>() {
                prop_assert_eq!(retention.to_string().parse(), Ok(retention));
            }
        }
    }
}
