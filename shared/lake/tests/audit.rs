//! The SQL of audits. `local/tests/test_audit.py` reads the snapshots beside this file: it parses each as
//! Athena's SQL, and runs those of `orders` on histories that it makes up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lake::Registry;
use lake::audit::Audit;
use lake::name::TableNames;
use lake::view::{Since, Snapshot};

/// 2026-11-22T15:00:00Z.
const EXPORTED_MS: i64 = 1_795_359_600_000;
/// 2026-11-21T15:05:00Z, five minutes after the table was made.
const EXPORTED_BEFORE_MS: i64 = EXPORTED_MS - 86_400_000 + 300_000;

fn audit(table: &str, previous: Option<&str>, current: &str) -> Audit {
    let registry = Registry::new();
    let snapshot =
        |partition, export_time_ms| Snapshot { registry: &registry, partition, export_time_ms };
    let previous = previous.map(|partition| snapshot(partition, EXPORTED_BEFORE_MS));
    let current = snapshot(current, EXPORTED_MS);
    let since = Since::of(EXPORTED_MS - 86_400_000, Some("2026-11-21T15:00:00.250")).unwrap();
    Audit::of(&TableNames::of(table, 1), previous.as_ref(), &current, &since).unwrap()
}

#[test]
fn by_the_snapshot_before_and_the_changes_since() {
    let audit = audit("orders", Some("20261121T150500Z"), "20261122T150000Z");
    insta::assert_snapshot!("orders_totals", audit.totals());
    insta::assert_snapshot!("orders_differences", audit.differences());
}

#[test]
fn by_all_changes_since_the_table_was_made() {
    let audit = audit("orders", None, "20261122T150000Z");
    insta::assert_snapshot!("orders_first_totals", audit.totals());
    insta::assert_snapshot!("orders_first_differences", audit.differences());
}

#[test]
fn hostile_names() {
    let audit = audit("select.from-WHERE", Some("it's; -- */"), "\"it''s\" OR 1=1");
    insta::assert_snapshot!("hostile_totals", audit.totals());
    insta::assert_snapshot!("hostile_differences", audit.differences());
}
