//! Events of changes that no table had.

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// An event of inserts into `table`, now: a record for each item in DynamoDB JSON, whose key is `pk`.
///
/// `label` is that of the stream, and `first` the first sequence number: tests that write to one table
/// give each event numbers of its own.
pub fn inserts(table: &str, label: &str, first: u64, items: &[String]) -> Result<Value> {
    let arn = format!("arn:aws:dynamodb:us-east-1:000000000000:table/{table}/stream/{label}");
    let now = aws::clock::now().as_second();
    let record = |(place, item): (u64, &String)| {
        let item: Value = serde_json::from_str(item).with_context(|| item.clone())?;
        let sequence = first + place;
        Ok(json!({
            "eventID": format!("{label}-{sequence}"),
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "eventSourceARN": arn,
            "dynamodb": {
                "ApproximateCreationDateTime": now,
                "Keys": {"pk": item["pk"]},
                "NewImage": item,
                "SequenceNumber": sequence.to_string(),
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        }))
    };
    let records = (0..).zip(items).map(record).collect::<Result<Vec<Value>>>()?;
    Ok(json!({ "Records": records }))
}
