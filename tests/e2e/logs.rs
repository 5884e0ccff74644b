//! No log line of a whole run holds what items hold: neither what is planted here nor what the tests before wrote.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use end_to_end::{Stack, event, until};
use item::{Item, Value as ItemValue};
use serde_json::{Value, json};

/// Stands in every value and key that is planted.
const PLANTED: &str = "planted-in-an-item";

/// The fewest characters by which a value is known: a shorter one, such as `on`, stands in any log.
const KNOWN_BY: usize = 14;

/// Plants values where they are refused, since what is refused is what is talked about.
async fn plant(stack: &Stack) -> Result<()> {
    let lines = [
        format!(r#"{{"pk":"{PLANTED}-1","n":1}}"#),
        format!(r#"{{"pk":"{PLANTED}-1","n":2}}"#),
        format!(r#"{{"pk":"{PLANTED}-2","n":{PLANTED}}}"#),
        format!(r#"{{"pk":["{PLANTED}-3"]}}"#),
        format!(r#"{{"pk":"{PLANTED}-4","{PLANTED}":1,"{PLANTED}":2}}"#),
    ];
    stack.import("e2e-logs.jsonl", lines.join("\n"), &[]).await?;
    let rows = format!("pk,n\na,1\n{PLANTED},2\n{PLANTED},3\nb,{PLANTED}\nc,\"{PLANTED}\n");
    stack.import("e2e-logs-csv.csv", rows, &[("partition-key", "pk")]).await?;
    stack.import("e2e-logs-none.csv", format!("{PLANTED}\n{PLANTED}\n"), &[]).await?;

    let mut poison = event("stream-poison-record", "e2e-logs")?;
    poison["Records"][1]["dynamodb"]["NewImage"]["year"] = json!({"N": PLANTED});
    let answer = stack.invoke(&stack.stream_function, &poison).await?;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let kept = stack.objects(&stack.lake, "quarantine/stream/e2e-logs/").await?;
    assert_eq!(kept.len(), 1, "{kept:?}");
    // The catalog has no such table, so that every value travels in `_rest`.
    let unnamed = event("stream-insert-modify-remove", "e2e-logs-uncatalogued")?;
    let answer = stack.invoke(&stack.stream_function, &unnamed).await?;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    Ok(())
}

/// The texts, digits and bytes within a value that are long enough to be known by.
fn texts(value: &ItemValue<'_>, found: &mut BTreeSet<String>) {
    let mut take = |text: &str| {
        if text.len() >= KNOWN_BY {
            found.insert(text.to_owned());
        }
    };
    match value {
        ItemValue::S(text) => take(text),
        ItemValue::N(number) => take(number.as_str()),
        ItemValue::Ss(set) => set.iter().for_each(|text| take(text)),
        ItemValue::Ns(set) => set.iter().for_each(|number| take(number.as_str())),
        ItemValue::L(list) => list.iter().for_each(|value| texts(value, found)),
        ItemValue::M(map) => map.iter().for_each(|(_, value)| texts(value, found)),
        ItemValue::B(_) | ItemValue::Bs(_) | ItemValue::Bool(_) | ItemValue::Null => {}
    }
}

/// Such texts of every item in the lake.
async fn texts_of_the_lake(stack: &Stack) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for key in stack.objects(&stack.lake, "").await?.into_keys() {
        if !key.ends_with(".parquet") {
            continue;
        }
        let bytes = stack.read(&stack.lake, &key).await?;
        // What is not whole is of the tests that damage files.
        let Ok(rows) = lake::read::rows(bytes) else { continue };
        for row in rows.map_while(Result::ok) {
            let items: [Option<&Item<'_>>; 3] =
                [Some(&row.key), row.item.as_ref(), row.old.as_ref()];
            for (_, value) in items.into_iter().flatten().flat_map(|item| item.iter()) {
                texts(value, &mut found);
            }
        }
    }
    Ok(found)
}

/// Those of the texts that stand in the logs, with the line.
fn stand_in(logs: &str, texts: &BTreeSet<String>) -> Vec<String> {
    let mut by_beginning: HashMap<&[u8], Vec<&String>> = HashMap::new();
    for text in texts {
        by_beginning.entry(&text.as_bytes()[..KNOWN_BY]).or_default().push(text);
    }
    let mut found = Vec::new();
    for line in logs.lines() {
        for (at, beginning) in line.as_bytes().windows(KNOWN_BY).enumerate() {
            for text in by_beginning.get(beginning).into_iter().flatten() {
                if line.as_bytes()[at..].starts_with(text.as_bytes()) {
                    found.push(format!("{text:?} in {line}"));
                }
            }
        }
    }
    found
}

/// Metrics that every run writes.
const WRITTEN: [(&str, &str); 7] = [
    ("Records", "Count"),
    ("Files", "Count"),
    ("Bytes", "Bytes"),
    ("RescuedValues", "Count"),
    ("Rejects", "Count"),
    ("ColdStarts", "Count"),
    ("FeedLagSeconds", "Seconds"),
];

/// The metrics in the logs, with their units.
fn metrics(logs: &str) -> Result<BTreeSet<(String, String)>> {
    let mut found = BTreeSet::new();
    for line in logs.lines().filter(|line| line.contains(r#""CloudWatchMetrics""#)) {
        let line: Value = serde_json::from_str(&line[line.find('{').context("JSON")?..])?;
        let metrics = &line["_aws"]["CloudWatchMetrics"][0]["Metrics"];
        for metric in metrics.as_array().context("metrics")? {
            let [name, unit] = ["Name", "Unit"].map(|field| metric[field].as_str());
            let (name, unit) = (name.context("a name")?, unit.context("a unit")?);
            assert!(line[name].is_u64(), "{name} has no number in {line}");
            found.insert((name.to_owned(), unit.to_owned()));
        }
    }
    Ok(found)
}

/// Every metric that was written is in the documentation, with its unit.
fn are_told_of(metrics: &BTreeSet<(String, String)>) -> Result<()> {
    let documentation = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let documentation = fs::read_to_string(documentation)?;
    for (name, unit) in metrics {
        let [name, unit] = [format!("`{name}`"), format!("| {unit} |")];
        let is_told = documentation.lines().any(|row| row.contains(&name) && row.contains(&unit));
        assert!(is_told, "docs/operations.md does not tell of {name} in {unit}");
    }
    Ok(())
}

#[tokio::test]
async fn no_line_holds_what_items_hold() -> Result<()> {
    let stack = Stack::of_environment();
    plant(&stack).await?;
    let texts = texts_of_the_lake(&stack).await?;
    let logs = until("what each function has logged", async || {
        let logs = stack.logs().await?;
        let ends = ["record can never become a row", "import ended"];
        let found = metrics(&logs)?;
        let is_written =
            |(name, unit): &(&str, &str)| found.contains(&((*name).to_owned(), (*unit).to_owned()));
        let is_whole = ends.iter().all(|end| logs.contains(end)) && WRITTEN.iter().all(is_written);
        Ok(is_whole.then_some(logs))
    })
    .await?;
    are_told_of(&metrics(&logs)?)?;
    let planted = logs.lines().find(|line| line.contains(PLANTED));
    assert_eq!(planted, None);
    assert!(!texts.is_empty(), "the lake has texts that are long enough");
    let found = stand_in(&logs, &texts);
    assert!(
        found.is_empty(),
        "{} lines, the first {:#?}",
        found.len(),
        &found[..found.len().min(5)]
    );
    Ok(())
}
