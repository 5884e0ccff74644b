//! What an import will cost and how long it will take, by each engine, and which engine `auto` takes.
//!
//! | | `direct` | `native` |
//! |---|---|---|
//! | how | `BatchWriteItem` | staged as DynamoDB JSON, then `ImportTable` |
//! | pays for | write units, once for the table and once for each index | staged bytes, uncompressed; objects put |
//! | takes | write units over the rate the table takes | minutes to start, then the time of an object |
//! | cannot | | local indexes, tables that exist, a rate that is set |
//!
//! An estimate, and rather too high than too low: every index is taken to hold every item whole. Left out
//! are Lambda's time, S3's requests to read, a day of staging storage, and what `WarmThroughput` costs once.
//!
//! [`choose`] goes down this list:
//!
//! 1. A need that `ImportTable` cannot meet, or an object too large to be staged in one run: `direct`.
//! 2. Done within one run of the function and hardly dearer: `direct`, which has the table ready sooner and
//!    the load itself in the change feed.
//! 3. Else `native`.

use std::{
    fmt,
    ops::{Add, Mul},
    time::Duration,
};

/// What a write request unit costs: $0.625 per million.
///
/// As all prices here, the list price of us-east-1, for the standard table class; other Regions have
/// others. Source: [on-demand pricing](https://aws.amazon.com/dynamodb/pricing/on-demand/).
const WRITE_UNIT: Dollars = Dollars::from_billionths(625);
/// What `ImportTable` costs: $0.15 per GB of uncompressed source, items it cannot load included.
///
/// Source: [on-demand pricing](https://aws.amazon.com/dynamodb/pricing/on-demand/) and
/// [how it works](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.HowItWorks.html).
const IMPORTED_GIGABYTE: Dollars = Dollars::from_billionths(150_000_000);
/// What putting an object into S3 costs: $0.005 per 1,000. Source: [S3 pricing](https://aws.amazon.com/s3/pricing/).
const OBJECT_PUT: Dollars = Dollars::from_billionths(5_000);
/// Taken as 10⁹ bytes, not 2³⁰: no price is too low for it.
const GIGABYTE: u64 = 1_000_000_000;

/// Bytes of an item that one write unit writes.
///
/// Source: [write units](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
const WRITE_UNIT_BYTES: u64 = 1024;
/// Write units per second that a new on-demand table takes.
///
/// Source: [warm throughput](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html).
const NEW_TABLE_RATE: u64 = 4_000;

/// How long `ImportTable` takes before the first item: imports of a few items take four to five minutes.
///
/// Source: [acceptance tests of Terraform's provider](https://github.com/hashicorp/terraform-provider-aws/pull/33802).
const NATIVE_START: Duration = Duration::from_mins(5);
/// How long `ImportTable` then takes for a gigabyte of an object; objects are imported in parallel.
///
/// AWS promises no time; this is the slowest that was told, "10 GB takes up to 2 hours". Sources:
/// [told](https://github.com/hashicorp/terraform-provider-aws/issues/27250),
/// [in parallel](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.BestPractices.html).
const NATIVE_GIGABYTE: Duration = Duration::from_mins(12);

/// The part of a run of the function, 15 minutes at most, that a load may take.
const ONE_RUN: Duration = Duration::from_mins(10);
/// How much dearer than `native` the `direct` engine may be for that.
const DEARER: Dollars = Dollars::from_billionths(1_000_000_000);

/// What there is to import, as counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// Rows that become items.
    pub(crate) rows: u64,
    /// Bytes of the items as DynamoDB counts them.
    pub(crate) item_bytes: u64,
    /// Write units for the items in the table alone, each item rounded up.
    pub(crate) write_units: u64,
    /// Global secondary indexes of the table.
    pub(crate) global_indexes: u32,
    /// Local secondary indexes of the table.
    pub(crate) local_indexes: u32,
    /// Bytes of the items as DynamoDB JSON, uncompressed.
    pub(crate) staged_bytes: u64,
    /// Objects that are put into S3 for `ImportTable`.
    pub(crate) objects: u64,
}

/// What the import asks for beyond a new table with these items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Items go into a table that exists.
    pub(crate) append: bool,
    /// `WarmThroughput`: the write units per second that the table is made to take from the start.
    pub(crate) warm_throughput: Option<u64>,
    /// The write units per second that the table has, if it is `PROVISIONED`; of the slowest index, if that has
    /// fewer.
    pub(crate) provisioned: Option<u64>,
    /// The most write units per second that it takes on demand, if that was set; likewise.
    pub(crate) on_demand_most: Option<u64>,
    /// `MaxWriteRate`: the write units per second that are not to be exceeded.
    pub(crate) max_write_rate: Option<u64>,
    /// How long it takes to stage the largest object, which has to be done in one run.
    pub(crate) staging: Duration,
}

/// Who writes the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// This function, with `BatchWriteItem`.
    Direct,
    /// DynamoDB, with `ImportTable`.
    Native,
}

/// What an import costs, and how long it takes once its rows are known and staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price {
    /// At the list prices of us-east-1.
    pub(crate) dollars: Dollars,
    /// At a rate that may be relied on.
    pub(crate) duration: Duration,
}

/// The engine that `auto` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Which one.
    pub(crate) engine: Engine,
    /// Why, for the report.
    pub(crate) because: String,
    /// What `direct` would come to.
    pub(crate) direct: Price,
    /// What `native` would come to, if it can do it at all.
    pub(crate) native: Price,
}

impl Estimate {
    /// Counts an item of `size` bytes, as DynamoDB counts them.
    pub(crate) fn count(&mut self, size: usize) {
        let size = size as u64;
        self.rows += 1;
        self.item_bytes += size;
        self.write_units += size.div_ceil(WRITE_UNIT_BYTES).max(1);
    }

    /// What `direct` comes to.
    pub(crate) fn direct(&self, needs: &Needs) -> Price {
        let writes = 1 + u64::from(self.local_indexes);
        let all_writes = writes + u64::from(self.global_indexes);
        // Local indexes use the table's throughput, global ones have as much of their own.
        let units = self.write_units.saturating_mul(writes);
        Price {
            dollars: WRITE_UNIT * self.write_units.saturating_mul(all_writes),
            duration: Duration::from_secs(units.div_ceil(needs.rate())),
        }
    }

    /// What `native` comes to.
    pub(crate) fn native(&self) -> Price {
        let imported = IMPORTED_GIGABYTE.of_parts(self.staged_bytes, GIGABYTE);
        let object = self.staged_bytes / self.objects.max(1);
        let seconds = NATIVE_GIGABYTE.as_secs().saturating_mul(object) / GIGABYTE;
        Price {
            dollars: imported + OBJECT_PUT * self.objects,
            duration: NATIVE_START + Duration::from_secs(seconds),
        }
    }
}

impl Needs {
    /// The write units per second that the table takes and the import may use.
    fn rate(&self) -> u64 {
        let warm = self.warm_throughput.unwrap_or_default().max(NEW_TABLE_RATE);
        let taken = self.provisioned.unwrap_or(warm);
        let most = [self.on_demand_most, self.max_write_rate].into_iter().flatten();
        most.fold(taken, u64::min).max(1)
    }
}

/// Chooses an engine for an import.
pub(crate) fn choose(estimate: &Estimate, needs: &Needs) -> Choice {
    let (direct, native) = (estimate.direct(needs), estimate.native());
    let only_direct = needs_direct(estimate, needs);
    let (engine, because) = if only_direct.is_empty() {
        by_time_and_price(estimate, direct, native)
    } else {
        (Engine::Direct, only_direct.join("; "))
    };
    Choice { engine, because, direct, native }
}

/// What `ImportTable` cannot do of what is needed.
fn needs_direct(estimate: &Estimate, needs: &Needs) -> Vec<&'static str> {
    [
        (estimate.local_indexes > 0, "ImportTable makes no local secondary indexes"),
        (needs.append, "ImportTable writes to new tables only, and this one exists"),
        (
            needs.warm_throughput.is_some(),
            "WarmThroughput is given, and ImportTable does not write at a table's throughput",
        ),
        (
            needs.staging > ONE_RUN,
            "the largest object could not be staged for ImportTable within one run of the function",
        ),
        (
            needs.max_write_rate.is_some(),
            "MaxWriteRate is given, and ImportTable's rate cannot be capped",
        ),
    ]
    .into_iter()
    .filter_map(|(needed, because)| needed.then_some(because))
    .collect()
}

fn by_time_and_price(estimate: &Estimate, direct: Price, native: Price) -> (Engine, String) {
    let dearer = direct.dollars.saturating_sub(native.dollars);
    let extra = match dearer {
        Dollars(0) => "no more than ImportTable".to_owned(),
        _ => format!("{dearer} more than ImportTable"),
    };
    let direct_it_is = direct.duration <= ONE_RUN && dearer < DEARER;
    let (engine, only) =
        if direct_it_is { (Engine::Direct, "") } else { (Engine::Native, "only ") };
    let because = format!(
        "{}{} take {} and cost {extra}; direct is {only}taken within {} and for less than {DEARER} more",
        Counted(estimate.write_units, "write unit"),
        IndexesToo(estimate.global_indexes.saturating_add(estimate.local_indexes)),
        About(direct.duration),
        Said(ONE_RUN),
    );
    (engine, because)
}

/// How many indexes are written besides the table.
struct IndexesToo(u32);

impl fmt::Display for IndexesToo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str(" and as many for an index"),
            indexes => write!(f, " and as many for each of {indexes} indexes"),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Native => "native",
        })
    }
}

/// `$0.63 in about 5 minutes`.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.dollars, About(self.duration))
    }
}

/// An amount of US dollars, in billionths; stays at 18 billion dollars rather than overflow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dollars(u64);

impl Dollars {
    /// So many billionths of a dollar.
    pub(crate) const fn from_billionths(billionths: u64) -> Self {
        Self(billionths)
    }

    /// `parts` of the `whole` that costs this much, rounded up.
    fn of_parts(self, parts: u64, whole: u64) -> Self {
        let billionths = (u128::from(self.0) * u128::from(parts)).div_ceil(u128::from(whole));
        Self(u64::try_from(billionths).unwrap_or(u64::MAX))
    }

    /// By how much this is more; nothing if it is less.
    fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Dollars {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Mul<u64> for Dollars {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

/// To the cent, from $100 on to the dollar: `$0`, `less than $0.01`, `$0.63`, `$1,250`.
impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CENT: u64 = 10_000_000;
        const DOLLAR: u64 = 100 * CENT;
        let rounded = |unit: u64| self.0 / unit + u64::from(self.0 % unit >= unit / 2);
        match self.0 {
            0 => f.write_str("$0"),
            1..CENT => f.write_str("less than $0.01"),
            _ if rounded(CENT) < 100 * 100 => {
                write!(f, "${}.{:02}", rounded(CENT) / 100, rounded(CENT) % 100)
            }
            _ => write!(f, "${}", Grouped(rounded(DOLLAR))),
        }
    }
}

/// An estimated duration: `less than a minute`, `about 5 minutes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct About(pub(crate) Duration);

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = if self.0 < Duration::from_mins(1) { "" } else { "about " };
        write!(f, "{about}{}", Said(self.0))
    }
}

/// A duration as people say it, rounded up to the smaller of its two units.
///
/// `less than a minute`, `5 minutes`, `2 hours 10 minutes`, `3 days 1 hour`.
struct Said(Duration);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HOUR: u64 = 60;
        const DAY: u64 = 24 * HOUR;
        if self.0 < Duration::from_mins(1) {
            return f.write_str("less than a minute");
        }
        let minutes = self.0.as_nanos().div_ceil(Duration::from_mins(1).as_nanos());
        let minutes = u64::try_from(minutes).unwrap_or(u64::MAX);
        match minutes {
            ..HOUR => write!(f, "{}", Counted(minutes, "minute")),
            HOUR..DAY => two(f, (minutes / HOUR, "hour"), (minutes % HOUR, "minute")),
            DAY.. => {
                let hours = minutes.div_ceil(HOUR);
                two(f, (hours / 24, "day"), (hours % 24, "hour"))
            }
        }
    }
}

fn two(f: &mut fmt::Formatter<'_>, large: (u64, &str), small: (u64, &str)) -> fmt::Result {
    write!(f, "{}", Counted(large.0, large.1))?;
    if small.0 > 0 {
        write!(f, " {}", Counted(small.0, small.1))?;
    }
    Ok(())
}

/// A number of something: `1 hour`, `2 hours`.
struct Counted<'a>(u64, &'a str);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", Grouped(self.0), self.1)
    }
}

/// A number with its thousands apart: `12,000,000`.
struct Grouped(u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.char_indices() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;
    const NO_NEEDS: Needs = Needs {
        append: false,
        warm_throughput: None,
        provisioned: None,
        on_demand_most: None,
        max_write_rate: None,
        staging: Duration::ZERO,
    };

    /// Items of `size` bytes, half as many again when staged.
    fn estimate(rows: u64, size: u64) -> Estimate {
        Estimate {
            rows,
            item_bytes: rows * size,
            write_units: rows * size.div_ceil(1024).max(1),
            staged_bytes: rows * size * 3 / 2,
            objects: (rows * size).div_ceil(GB).max(1),
            ..Estimate::default()
        }
    }

    #[test]
    fn counts_items_as_dynamodb_bills_them() {
        let mut found = Estimate::default();
        for size in [0, 1, 1024, 1025, 400 * 1024] {
            found.count(size);
        }
        let expected = Estimate {
            rows: 5,
            item_bytes: 1 + 1024 + 1025 + 400 * 1024,
            write_units: 1 + 1 + 1 + 2 + 400,
            ..Estimate::default()
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_provisioned_bounds_the_rate_and_so_does_what_is_the_most() {
        let rate = |provisioned, on_demand_most, max_write_rate| {
            Needs { provisioned, on_demand_most, max_write_rate, ..NO_NEEDS }.rate()
        };
        assert_eq!(rate(None, None, None), NEW_TABLE_RATE);
        assert_eq!(rate(Some(5), None, None), 5);
        assert_eq!(rate(Some(40_000), None, Some(100)), 100);
        assert_eq!(rate(None, Some(50), None), 50);
    }

    #[test]
    fn prices_both_engines() {
        let check = |estimate: Estimate, needs: Needs| {
            format!("direct {}, native {}", estimate.direct(&needs), estimate.native())
        };
        let indexed = |global_indexes, local_indexes| Estimate {
            global_indexes,
            local_indexes,
            ..estimate(1_000_000, 1000)
        };
        let rate = |warm_throughput, max_write_rate| Needs {
            warm_throughput,
            max_write_rate,
            ..Needs::default()
        };
        insta::assert_snapshot!(check(Estimate::default(), NO_NEEDS), @"direct $0 in less than a minute, native $0 in about 5 minutes");
        insta::assert_snapshot!(check(estimate(7184, 150), NO_NEEDS), @"direct less than $0.01 in less than a minute, native less than $0.01 in about 6 minutes");
        insta::assert_snapshot!(check(indexed(0, 0), NO_NEEDS), @"direct $0.63 in about 5 minutes, native $0.23 in about 23 minutes");
        insta::assert_snapshot!(check(indexed(2, 0), NO_NEEDS), @"direct $1.88 in about 5 minutes, native $0.23 in about 23 minutes");
        insta::assert_snapshot!(check(indexed(2, 1), NO_NEEDS), @"direct $2.50 in about 9 minutes, native $0.23 in about 23 minutes");
        insta::assert_snapshot!(check(estimate(10_000_000, 100), NO_NEEDS), @"direct $6.25 in about 42 minutes, native $0.23 in about 23 minutes");
        insta::assert_snapshot!(check(indexed(0, 0), rate(Some(40_000), None)), @"direct $0.63 in less than a minute, native $0.23 in about 23 minutes");
        insta::assert_snapshot!(check(indexed(0, 0), rate(Some(500), None)), @"direct $0.63 in about 5 minutes, native $0.23 in about 23 minutes");
        insta::assert_snapshot!(check(indexed(0, 0), rate(Some(40_000), Some(100))), @"direct $0.63 in about 2 hours 47 minutes, native $0.23 in about 23 minutes");
        insta::assert_snapshot!(check(indexed(0, 0), rate(None, Some(0))), @"direct $0.63 in about 11 days 14 hours, native $0.23 in about 23 minutes");
        insta::assert_snapshot!(check(estimate(1_000_000_000, 1000), NO_NEEDS), @"direct $625 in about 2 days 22 hours, native $225 in about 23 minutes");
    }

    #[test]
    fn the_engine_is_chosen_by_need_then_time_then_price() {
        let check = |estimate: Estimate, needs: Needs| {
            let choice = choose(&estimate, &needs);
            format!("{}: {}", choice.engine, choice.because)
        };
        let local = Estimate { local_indexes: 1, ..estimate(1_000_000_000, 1000) };
        let append = Needs { append: true, ..NO_NEEDS };
        let rates =
            Needs { warm_throughput: Some(9000), max_write_rate: Some(100), ..Needs::default() };
        let many = Estimate { global_indexes: 4, ..estimate(1_000_000, 200) };
        insta::assert_snapshot!(check(local, NO_NEEDS), @"direct: ImportTable makes no local secondary indexes");
        insta::assert_snapshot!(check(estimate(1, 1), append), @"direct: ImportTable writes to new tables only, and this one exists");
        let large = Needs { staging: Duration::from_mins(11), ..NO_NEEDS };
        insta::assert_snapshot!(check(estimate(1_000_000_000, 1000), large), @"direct: the largest object could not be staged for ImportTable within one run of the function");
        insta::assert_snapshot!(check(local, rates), @"direct: ImportTable makes no local secondary indexes; WarmThroughput is given, and ImportTable does not write at a table's throughput; MaxWriteRate is given, and ImportTable's rate cannot be capped");
        insta::assert_snapshot!(check(estimate(7184, 150), NO_NEEDS), @"direct: 7,184 write units take less than a minute and cost less than $0.01 more than ImportTable; direct is taken within 10 minutes and for less than $1.00 more");
        insta::assert_snapshot!(check(estimate(1_000_000, 1000), NO_NEEDS), @"direct: 1,000,000 write units take about 5 minutes and cost $0.40 more than ImportTable; direct is taken within 10 minutes and for less than $1.00 more");
        insta::assert_snapshot!(check(many, NO_NEEDS), @"native: 1,000,000 write units and as many for each of 4 indexes take about 5 minutes and cost $3.08 more than ImportTable; direct is only taken within 10 minutes and for less than $1.00 more");
        insta::assert_snapshot!(check(estimate(5_000_000, 1000), NO_NEEDS), @"native: 5,000,000 write units take about 21 minutes and cost $2.00 more than ImportTable; direct is only taken within 10 minutes and for less than $1.00 more");
    }

    /// Around both limits: ten minutes at 4,000 write units per second, and one dollar.
    #[test]
    fn the_limits_are_where_they_are_said_to_be() {
        let check = |write_units, global_indexes, staged_bytes, engine| {
            let estimate =
                Estimate { write_units, global_indexes, staged_bytes, ..Estimate::default() };
            assert_eq!(choose(&estimate, &NO_NEEDS).engine, engine, "{estimate:?}");
        };
        check(2_400_000, 0, 4 * GB, Engine::Direct);
        check(2_400_001, 0, 4 * GB, Engine::Native);
        // 1,600,000 write units cost one dollar.
        check(1_599_999, 0, 0, Engine::Direct);
        check(1_600_000, 0, 0, Engine::Native);
        check(800_000, 1, 0, Engine::Native);
        check(1_600_000, 0, 1, Engine::Direct);
        // Direct may even be the cheaper one.
        check(1_000, 0, 500 * GB, Engine::Direct);
    }

    #[test]
    fn the_largest_counts_there_are_do_not_overflow() {
        let most = Estimate {
            rows: u64::MAX,
            item_bytes: u64::MAX,
            write_units: u64::MAX,
            global_indexes: 20,
            local_indexes: 5,
            staged_bytes: u64::MAX,
            objects: u64::MAX,
        };
        insta::assert_snapshot!(most.direct(&Needs { max_write_rate: Some(1), ..NO_NEEDS }), @"$18,446,744,074 in about 213,503,982,334,601 days 8 hours");
        insta::assert_snapshot!(most.native(), @"$18,446,744,074 in about 5 minutes");
    }

    #[test]
    fn dollars_are_rounded_as_they_are_read() {
        for (billionths, shown) in [
            (0, "$0"),
            (1, "less than $0.01"),
            (9_999_999, "less than $0.01"),
            (10_000_000, "$0.01"),
            (14_999_999, "$0.01"),
            (15_000_000, "$0.02"),
            (625_000_000, "$0.63"),
            (999_999_999, "$1.00"),
            (12_340_000_000, "$12.34"),
            (99_994_999_999, "$99.99"),
            (99_995_000_000, "$100"),
            (1_250_499_999_999, "$1,250"),
            (1_250_500_000_000, "$1,251"),
        ] {
            assert_eq!(Dollars::from_billionths(billionths).to_string(), shown, "{billionths}");
        }
    }

    #[test]
    fn durations_are_said_as_people_do() {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        for (seconds, said) in [
            (0, "less than a minute"),
            (59, "less than a minute"),
            (MINUTE, "1 minute"),
            (MINUTE + 1, "2 minutes"),
            (10 * MINUTE, "10 minutes"),
            (59 * MINUTE, "59 minutes"),
            (59 * MINUTE + 1, "1 hour"),
            (2 * HOUR + 10 * MINUTE, "2 hours 10 minutes"),
            (HOUR + MINUTE, "1 hour 1 minute"),
            (DAY - 1, "1 day"),
            (DAY + 1, "1 day 1 hour"),
            (3 * DAY + HOUR, "3 days 1 hour"),
            (2000 * DAY, "2,000 days"),
        ] {
            assert_eq!(Said(Duration::from_secs(seconds)).to_string(), said, "{seconds}");
        }
        assert_eq!(About(Duration::from_millis(60_001)).to_string(), "about 2 minutes");
        assert_eq!(About(Duration::from_secs(59)).to_string(), "less than a minute");
    }
}
