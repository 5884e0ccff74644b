//! Plans by example.

use super::*;

pub(super) const ARN: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/planes";

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Days and hours of November 2026: `22T03` or `22T03:15`.
fn at(text: &str) -> Timestamp {
    let minutes = if text.len() == 5 { ":00" } else { "" };
    time(&format!("2026-11-{text}{minutes}:00Z"))
}

fn short(time: Timestamp) -> String {
    time.to_string().replace("2026-11-", "").replace(":00Z", "").replace(":00", "")
}

/// `from-to attempt state`; what is in progress was started at its end, or, marked `stuck`, long ago.
fn exported(line: &str) -> Exported {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (from, to) = words[0].split_once('-').unwrap();
    let window = Window { from: at(from), to: at(to) };
    let (state, started) = match words[2] {
        "completed" => (State::Completed, window.to),
        "failed" => (State::Failed, window.to),
        "stuck" => (State::InProgress, at("01T00")),
        _ => (State::InProgress, window.to),
    };
    Exported { window, attempt: words[1].parse().unwrap(), started, state }
}

fn shown(plan: &Plan) -> String {
    match plan {
        Plan::Start { proven, exports } => {
            let mut lines = vec![format!("proven {}", short(*proven))];
            lines.extend(exports.iter().map(|start| {
                let Window { from, to } = start.window;
                format!("start {}-{} {}", short(from), short(to), start.attempt)
            }));
            lines.join("\n")
        }
        Plan::Wait { proven } => format!("proven {}\nwait", short(*proven)),
        Plan::StartAnew { reason } => format!("anew: {reason}"),
    }
}

/// Windows of an hour at least, five starts a run; recovery from the 10th to five minutes ago. Among the
/// full exports `=` marks what an earlier run had proven.
fn plan(fulls: &str, now: &str, exports: &str) -> String {
    plan_since("10T00", fulls, now, exports)
}

fn plan_since(earliest: &str, fulls: &str, now: &str, exports: &str) -> String {
    let proven = fulls.split_whitespace().find_map(|word| word.strip_prefix('=')).map(at);
    let fulls: Vec<Timestamp> =
        fulls.split_whitespace().filter(|word| !word.starts_with('=')).map(at).collect();
    let exports: Vec<Exported> =
        exports.lines().filter(|line| !line.trim().is_empty()).map(exported).collect();
    let now = at(now);
    let latest = now - SignedDuration::from_mins(5);
    let chain = Chain {
        request: ARN,
        proven,
        fulls: &fulls,
        exports: &exports,
        recovery: Recovery { earliest: at(earliest), latest },
        length: WindowLength::from_minutes(60).unwrap(),
        most_starts: 5,
        now,
    };
    let plan = chain.plan();
    assert_eq!(chain.plan(), plan);
    shown(&plan)
}

/// The second window failed.
const WITH_A_GAP: &str = "15T03-15T04 1 completed\n15T04-15T05 1 failed\n15T05-15T06 1 completed";

#[test]
fn a_chain_begins_at_a_full_export_and_goes_on_where_it_ended() {
    insta::assert_snapshot!(plan("", "20T03", ""), @"anew: there is no full export to begin at");
    insta::assert_snapshot!(plan("20T03", "20T04", ""), @"
        proven 20T02:58
        wait
        ");
    insta::assert_snapshot!(plan("20T03", "20T04:05", ""), @"
        proven 20T02:58
        start 20T02:58-20T03:58 1
        ");
    insta::assert_snapshot!(plan("20T03", "20T05:30", "20T03-20T04 1 completed"), @r"
    proven 20T04
    start 20T04-20T05:15 1
    ");
    insta::assert_snapshot!(plan("20T03", "20T05:10", "20T03-20T04 1 in progress"), @r"
    proven 20T03
    start 20T04-20T05 1
    ");
    insta::assert_snapshot!(plan("20T03", "20T05:10", "20T03-20T04 1 completed\n20T04-20T05 1 in progress"), @r"
    proven 20T04
    wait
    ");
}

#[test]
fn an_outage_is_caught_up_with_a_day_at_a_time() {
    insta::assert_snapshot!(plan("15T03", "17T07", "15T03-15T04 1 completed"), @r"
    proven 15T04
    start 15T04-16T04 1
    start 16T04-17T04 1
    start 17T04-17T06:45 1
    ");
    // The rest, of a quarter of an hour, is a window too; and a run starts no more than it may.
    insta::assert_snapshot!(plan("15T03", "16T03:20", ""), @"
        proven 15T02:58
        start 15T02:58-16T02:58 1
        start 16T02:58-16T03:13 1
        ");
    insta::assert_snapshot!(plan("11T00", "20T03", ""), @"
        proven 10T23:58
        start 10T23:58-11T23:58 1
        start 11T23:58-12T23:58 1
        start 12T23:58-13T23:58 1
        start 13T23:58-14T23:58 1
        start 14T23:58-15T23:58 1
        ");
}

#[test]
fn what_failed_is_started_again_before_what_is_new() {
    let history = "20T03-20T04 1 failed
                   20T04-20T05 1 completed
                   20T05-20T06 1 stuck
                   20T06-20T07 1 failed
                   20T06-20T07 2 in progress
                   20T07-20T08 2 failed
                   20T07-20T08 1 failed
                   20T08-20T09 2 completed
                   20T08-20T09 1 failed";
    insta::assert_snapshot!(plan("20T03", "20T10:05", history), @r"
    proven 20T03
    start 20T03-20T04 2
    start 20T05-20T06 2
    start 20T07-20T08 3
    start 20T09-20T10 1
    ");
}

#[test]
fn a_window_whose_start_failed_is_filled_in() {
    let history = "20T03-20T04 1 completed
                   21T05-21T06 1 completed";
    insta::assert_snapshot!(plan("20T03", "21T06:30", history), @r"
    proven 20T04
    start 20T04-21T04 1
    start 21T04-21T05 1
    ");
}

#[test]
fn what_an_earlier_run_had_proven_is_where_a_run_begins() {
    insta::assert_snapshot!(plan("18T00 =20T04 20T04:10", "20T05:10", ""), @r"
    proven 20T04
    start 20T04-20T05 1
    ");
    insta::assert_snapshot!(plan_since("20T04:05", "18T00 =20T04", "20T05:10", ""), @"anew: increments end at 2026-11-20T04:00:00Z, and recovery reaches back to 2026-11-20T04:05:00Z only: it was switched off and on, or no run came for longer than it reaches back");
}

/// Nothing of ours makes such windows, but the exports of a table are not only ours.
#[test]
fn windows_that_overlap_do_not_confuse() {
    let history = "20T03-20T04 1 completed\n20T03-20T05 1 failed\n20T04:05-20T05:05 1 completed";
    insta::assert_snapshot!(plan("20T03", "20T05:10", history), @r"
    proven 20T04
    start 20T04-20T05 1
    ");
    // A full export in a window that cannot be had any more, or so soon before one that no window fits between.
    insta::assert_snapshot!(plan_since("15T05:10", "15T05:20", "15T08", "15T05-15T06 1 failed"), @"anew: the window from 2026-11-15T05:00:00Z to 2026-11-15T06:00:00Z is not exported, and recovery reaches back to 2026-11-15T05:10:00Z only");
    insta::assert_snapshot!(plan("15T05:50", "15T08", "15T06-15T07 1 completed"), @"anew: there is no full export to begin at");
}

/// An export that counted as failed after a day completed all the same, when another chain had begun within it, or so soon after
/// it that no window fits between, and what was proven is no longer known.
#[test]
fn a_chain_that_another_crosses_comes_last() {
    let history =
        "20T03-20T04 1 completed\n20T04:10-20T05:10 1 completed\n20T05:10-20T06:10 1 completed";
    insta::assert_snapshot!(plan("20T03 20T04:12", "20T06:20", history), @r"
    proven 20T06:10
    wait
    ");
    let history =
        "20T03-20T04 1 completed\n20T03:59-20T04:59 1 completed\n20T04:59-20T05:59 1 completed";
    insta::assert_snapshot!(plan("20T03 20T04:01", "20T06:20", history), @r"
    proven 20T05:59
    wait
    ");
    let history = history.replace("20T03:59-20T04:59 1 completed", "20T03:59-20T04:59 1 failed");
    insta::assert_snapshot!(plan("20T03 20T04:01", "20T06:20", &history), @r"
    proven 20T03:59
    start 20T03:59-20T04:59 2
    ");
}

/// A window failed and cannot be had any more. The full export may be as of a minute earlier than its time, so what
/// changed just before the failed window's end may be in neither.
#[test]
fn a_chain_that_begins_anew_reaches_into_a_window_that_failed() {
    let history = "15T03-15T04 1 failed";
    insta::assert_snapshot!(plan_since("15T03:30", "15T02:30 15T04:01", "15T05:10", history), @r"
    proven 15T03:59
    start 15T03:59-15T04:59 1
    ");
    // Not into one that can be had.
    insta::assert_snapshot!(plan_since("15T04:30", "15T03 15T06:01", "15T07:05", WITH_A_GAP), @r"
    proven 15T06
    start 15T06-15T07 1
    ");
}

/// A full export just after a gap may be of a time within it.
#[test]
fn a_full_export_just_after_a_gap_heals_nothing() {
    insta::assert_snapshot!(plan_since("15T04:30", "15T03 15T05:01", "15T07:05", WITH_A_GAP), @"anew: the window from 2026-11-15T04:00:00Z to 2026-11-15T05:00:00Z is not exported, and recovery reaches back to 2026-11-15T04:30:00Z only");
    insta::assert_snapshot!(plan_since("15T04:30", "15T03 15T05:02", "15T07:05", WITH_A_GAP), @r"
    proven 15T06
    start 15T06-15T07 1
    ");
}

/// Another run was told of a later time, and what it started has failed.
#[test]
fn a_window_that_ends_later_than_what_can_be_restored_waits() {
    let history = "20T03-20T04 1 failed";
    insta::assert_snapshot!(plan("20T03", "20T04:04", history), @r"
    proven 20T03
    wait
    ");
    insta::assert_snapshot!(plan("20T03", "20T04:05", history), @r"
    proven 20T03
    start 20T03-20T04 2
    ");
}

#[test]
fn a_gap_that_recovery_left_is_told_and_begins_anew() {
    insta::assert_snapshot!(plan_since("15T04:30", "15T03", "15T06:30", WITH_A_GAP), @"anew: the window from 2026-11-15T04:00:00Z to 2026-11-15T05:00:00Z is not exported, and recovery reaches back to 2026-11-15T04:30:00Z only");
    insta::assert_snapshot!(plan_since("15T06:10", "15T03", "15T06:30", WITH_A_GAP), @"anew: increments end at 2026-11-15T06:00:00Z, and recovery reaches back to 2026-11-15T06:10:00Z only: it was switched off and on, or no run came for longer than it reaches back");
    // Not due, and yet it is known that it never will be.
    insta::assert_snapshot!(plan_since("15T04:10", "15T03", "15T04:20", "15T03-15T04 1 in progress"), @"anew: increments end at 2026-11-15T04:00:00Z, and recovery reaches back to 2026-11-15T04:10:00Z only: it was switched off and on, or no run came for longer than it reaches back");
    // The full export that was asked for: the chain begins with it.
    insta::assert_snapshot!(plan_since("15T06:10", "15T03 15T06:31", "15T06:45", WITH_A_GAP), @"
        proven 15T06:29
        wait
        ");
    insta::assert_snapshot!(plan_since("15T06:10", "15T03 15T06:31", "15T07:45", WITH_A_GAP), @"
        proven 15T06:29
        start 15T06:29-15T07:29 1
        ");
    // One that came by its own schedule, after the failed window, heals the chain as well.
    insta::assert_snapshot!(plan_since("15T04:30", "15T03 15T05:20", "15T07:05", WITH_A_GAP), @r"
    proven 15T06
    start 15T06-15T07 1
    ");
}

#[test]
fn full_exports_on_their_own_schedule_do_not_break_the_chain() {
    let history = "15T03-15T04 1 completed\n15T04-15T05 1 completed";
    insta::assert_snapshot!(plan("15T03 15T04:30 15T05:50", "15T06:05", history), @r"
    proven 15T05
    start 15T05-15T06 1
    ");
    // Before there is any window: the newest from which one is due, not always the newest.
    insta::assert_snapshot!(plan("12T03 13T03 14T03", "14T03:05", ""), @"
        proven 13T02:58
        start 13T02:58-14T02:58 1
        ");
    insta::assert_snapshot!(plan("14T02:30 14T03", "14T03:05", ""), @"
        proven 14T02:58
        wait
        ");
}

#[test]
fn a_token_names_table_window_and_attempt() {
    let window = Window { from: at("20T03"), to: at("20T04") };
    let other = Window { to: at("20T05"), ..window };
    insta::assert_snapshot!(token(ARN, window, 1), @"hw-e6e2222635f821d0f09c35a5470693eb");
    let tokens = [
        token(ARN, window, 1),
        token(ARN, window, 2),
        token(ARN, other, 1),
        token("arn:aws:dynamodb:us-east-1:123456789012:table/orders", window, 1),
    ];
    let distinct: std::collections::BTreeSet<&String> = tokens.iter().collect();
    assert_eq!(distinct.len(), tokens.len());
    assert_eq!(window.prefix("planes"), "planes/increment/20261120T030000Z_20261120T040000Z");
}

#[test]
fn a_length_is_what_dynamodb_takes() {
    let read = |text: &str| match text.parse::<WindowLength>() {
        Ok(WindowLength(length)) => format!("{length:#}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(read("15"), "15m");
    assert_eq!(read("1440"), "24h");
    insta::assert_snapshot!(read("14"), @r#"an export window is of "14" minutes, expected a whole number from 15 to 1440"#);
    insta::assert_snapshot!(read("1441"), @r#"an export window is of "1441" minutes, expected a whole number from 15 to 1440"#);
    insta::assert_snapshot!(read("1h"), @r#"an export window is of "1h" minutes, expected a whole number from 15 to 1440"#);
}
