//! A folder and its manifest become a table, or rows of one.

use anyhow::Result;
use end_to_end::Stack;
use serde_json::{Value, json};

fn told(report: &Value) -> Value {
    let error = report["error"]
        .as_str()
        .map(|error| error.split_once("_import.json").map_or(error, |(_, rest)| rest));
    match error {
        Some(error) => json!(error),
        None => json!([
            report["status"],
            report["rowsRead"],
            report["rowsWritten"],
            report["rowsRejected"],
            report["rowsSuperseded"]
        ]),
    }
}

#[tokio::test]
async fn a_folder_in_any_order_becomes_a_table_of_its_own_definition() -> Result<()> {
    let stack = Stack::of_environment();
    let folder = "e2e-folder";
    stack.drop(&format!("{folder}/b/teil zwei + äöü.csv"), "name,id,n\nb,2,2.50\n", &[]).await?;
    stack.drop(&format!("{folder}/a.csv"), "id,name\n1,a\n3,c\n", &[]).await?;
    let manifest = json!({
        "TableCreationParameters": {
            "AttributeDefinitions": [
                {"AttributeName": "id", "AttributeType": "N"}, {"AttributeName": "name", "AttributeType": "S"},
            ],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-name",
                "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }],
        },
        "Headwater": {
            "Tags": [{"Key": "team", "Value": "water"}],
            "DeletionProtection": true,
            "TimeToLiveAttribute": "n",
        },
    });
    let report = stack.import_folder(folder, &manifest).await?;
    assert_eq!(told(&report), json!(["finished", 3, 3, 0, 0]), "{report}");
    assert_eq!(
        stack.items(folder).await?,
        [
            r#"{"id":{"N":"1"},"name":{"S":"a"}}"#,
            r#"{"id":{"N":"2"},"n":{"N":"2.5"},"name":{"S":"b"}}"#,
            r#"{"id":{"N":"3"},"name":{"S":"c"}}"#,
        ]
    );
    let rows: Vec<&Value> =
        report["objects"].as_array().into_iter().flatten().map(|object| &object["rows"]).collect();
    assert_eq!(rows, [2, 1]);

    let dynamodb = stack.clients.dynamodb();
    let table = aws::table::describe(dynamodb, folder).await?.expect("the table");
    assert_eq!(table.global_secondary_indexes()[0].index_name(), Some("by-name"));
    assert_eq!(table.deletion_protection_enabled(), Some(true));
    let arn = table.table_arn().unwrap_or_default();
    for (tag, value) in [("team", "water"), ("headwater", "on")] {
        assert_eq!(aws::table::tag(dynamodb, arn, tag).await?.as_deref(), Some(value));
    }
    let expiry = dynamodb.describe_time_to_live().table_name(folder).send().await?;
    let expiry = expiry.time_to_live_description.expect("an answer");
    assert_eq!(expiry.attribute_name(), Some("n"));
    stack.until_lake_equals_table(folder).await?;
    Ok(())
}

#[tokio::test]
async fn of_rows_with_one_key_the_manifest_says_which_is_taken() -> Result<()> {
    let stack = Stack::of_environment();
    let rows = "{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\",\"n\":2}\n{\"id\":\"a\",\"n\":3}\n";
    for (policy, counts, kept) in
        [("reject", [3, 2, 1, 0], "1"), ("first", [3, 2, 0, 1], "1"), ("last", [3, 2, 0, 1], "3")]
    {
        let folder = format!("e2e-duplicate-{policy}");
        stack.drop(&format!("{folder}/rows.jsonl"), rows, &[]).await?;
        let manifest = json!({
            "TableCreationParameters": {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]},
            "Headwater": {"OnDuplicate": policy},
        });
        let report = stack.import_folder(&folder, &manifest).await?;
        let [read, written, rejected, superseded] = counts;
        assert_eq!(
            told(&report),
            json!(["finished", read, written, rejected, superseded]),
            "{policy}: {report}"
        );
        let items = stack.items(&folder).await?;
        assert_eq!(items[0], format!(r#"{{"id":{{"S":"a"}},"n":{{"N":"{kept}"}}}}"#), "{policy}");
    }
    Ok(())
}

#[tokio::test]
async fn rows_are_appended_only_where_that_is_asked_for() -> Result<()> {
    let stack = Stack::of_environment();
    stack.import("e2e-append.csv", "id,n\n1,1\n2,2\n", &[]).await?;
    stack.drop("e2e-append/more.csv", "id,n\n2,20\n3,30\n", &[]).await?;
    let report = stack.import_folder("e2e-append", &json!({})).await?;
    assert_eq!(report["status"], "failed");
    let report =
        stack.import_folder("e2e-append", &json!({"Headwater": {"IfExists": "append"}})).await?;
    assert_eq!(told(&report), json!(["finished", 2, 2, 0, 0]), "{report}");
    assert_eq!(
        stack.items("e2e-append").await?,
        [
            r#"{"id":{"N":"1"},"n":{"N":"1"}}"#,
            r#"{"id":{"N":"2"},"n":{"N":"20"}}"#,
            r#"{"id":{"N":"3"},"n":{"N":"30"}}"#,
        ]
    );
    let other = json!({
        "TableCreationParameters": {"KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}]},
        "Headwater": {"IfExists": "append"},
    });
    let report = stack.import_folder("e2e-append", &other).await?;
    assert_eq!(
        told(&report),
        "the table e2e-append is there with the key id (N), and another one was given; leave the key away to append"
    );
    stack.until_lake_equals_table("e2e-append").await?;
    Ok(())
}

#[tokio::test]
async fn a_dry_run_tells_the_plan_and_makes_nothing() -> Result<()> {
    let stack = Stack::of_environment();
    stack.drop("e2e-dry/rows.csv", "id,price,since\n007,1.5,2026\n008,2.5,2025\n", &[]).await?;
    let report = stack.import_folder("e2e-dry", &json!({"Headwater": {"DryRun": true}})).await?;
    assert_eq!(told(&report), json!(["planned", 2, 0, 0, 0]), "{report}");
    let plan = &report["plan"];
    assert_eq!((&plan["key"], &plan["engine"]), (&json!("id (S)"), &json!("direct")), "{plan}");
    assert_eq!(
        plan["tableCreationParameters"]["KeySchema"],
        json!([{"AttributeName": "id", "KeyType": "HASH"}])
    );
    assert_eq!(plan["writeUnits"], 2);
    insta::assert_snapshot!(plan["estimates"]["direct"].as_str().unwrap_or_default(), @"less than $0.01 in less than a minute");
    insta::assert_snapshot!(plan["estimates"]["native"].as_str().unwrap_or_default(), @"less than $0.01 in about 5 minutes");
    let inferences: Vec<&str> =
        report["inferences"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    insta::assert_snapshot!(inferences.join("\n"), @r#"
    format: comma-separated values: the name says so
    column id: strings ("007" on line 2 is not a plain number)
    column price: numbers (all 2 values sampled are numbers)
    column since: numbers (all 2 values sampled are numbers)
    key id (S) (named id): present and unique in every row
    "#);
    assert!(aws::table::describe(stack.clients.dynamodb(), "e2e-dry").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_manifest_that_cannot_be_followed_says_what_to_mend() -> Result<()> {
    let stack = Stack::of_environment();
    stack.drop("e2e-misspelt/rows.csv", "id\n1\n", &[]).await?;
    let check = async |manifest: Value, expected: &str| -> Result<()> {
        let report = stack.import_folder("e2e-misspelt", &manifest).await?;
        assert_eq!(told(&report), expected, "{manifest}");
        Ok(())
    };
    let place = " (version ";
    let report = stack
        .import_folder("e2e-misspelt", &json!({"Headwater": {"OnDuplicates": "last"}}))
        .await?;
    let error = told(&report).to_string();
    assert!(error.contains(place) && error.contains("did you mean OnDuplicate?"), "{error}");
    let report = stack.import("e2e-misspelt/_import.json", "{\"Headwater\": ", &[]).await?;
    let error = told(&report).to_string();
    assert!(error.contains("cannot be read as JSON") && error.contains("line 1"), "{error}");
    check(
        json!({"S3BucketSource": {"S3KeyPrefix": "imports/e2e-nothing-here/"}}),
        &format!("there is no object to import under s3://{}/imports/e2e-nothing-here/; put the manifest there last, or check S3BucketSource", stack.landing),
    )
    .await?;
    assert!(aws::table::describe(stack.clients.dynamodb(), "e2e-misspelt").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn many_folders_at_once_do_not_meet() -> Result<()> {
    let stack = Stack::of_environment();
    let names: Vec<String> = (0..6).map(|number| format!("e2e-many-{number}")).collect();
    let mut dropped = Vec::new();
    for (number, folder) in names.iter().enumerate() {
        stack.drop(&format!("{folder}/a.csv"), format!("id,n\n1,{number}\n"), &[]).await?;
    }
    for folder in &names {
        dropped.push(stack.drop(&format!("{folder}/_import.json"), "{}", &[]).await?);
    }
    for (number, (folder, dropped)) in names.iter().zip(&dropped).enumerate() {
        assert_eq!(stack.report(dropped).await?["status"], "finished", "{folder}");
        let items = stack.items(folder).await?;
        assert_eq!(items, [format!(r#"{{"id":{{"N":"1"}},"n":{{"N":"{number}"}}}}"#)]);
    }
    Ok(())
}

#[tokio::test]
async fn keys_of_indexes_have_the_types_that_the_manifest_says_or_are_rejects() -> Result<()> {
    let stack = Stack::of_environment();
    let folder = "e2e-indexed";
    stack.drop(&format!("{folder}/a.csv"), "id,customer\n1,1001\n2,\n", &[]).await?;
    let long = "c".repeat(2049);
    stack.drop(&format!("{folder}/b.csv"), format!("id,customer\n3,{long}\n"), &[]).await?;
    let manifest = json!({
        "TableCreationParameters": {
            "AttributeDefinitions": [
                {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "customer", "AttributeType": "S"},
            ],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-customer",
                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }],
        },
    });
    let report = stack.import_folder(folder, &manifest).await?;
    assert_eq!(told(&report), json!(["finished", 3, 2, 1, 0]), "{report}");
    assert_eq!(
        stack.items(folder).await?,
        [r#"{"customer":{"S":"1001"},"id":{"S":"1"}}"#, r#"{"id":{"S":"2"}}"#]
    );
    // Which object of the folder the row stands in, and why it is none.
    let rejects = stack.rejects(&report).await?;
    assert_eq!(rejects[1]["source"]["key"], format!("imports/{folder}/b.csv"));
    assert_eq!(
        (&rejects[1]["line"], &rejects[1]["reason"]),
        (&json!(2), &json!("a key of 2049 bytes, DynamoDB's limit is 2048"))
    );
    Ok(())
}

#[tokio::test]
async fn every_option_of_a_table_and_of_its_files() -> Result<()> {
    let stack = Stack::of_environment();
    let folder = "e2e-options";
    let attribute = |name: &str, kind: &str| json!({"AttributeName": name, "AttributeType": kind});
    let key = |sort: &str| {
        json!([
            {"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"},
        ])
    };
    stack.drop(&format!("{folder}/rows.csv"), "a;1;10;x\nb;2;-;y\nc;3;30\n", &[]).await?;
    let manifest = |most_rejects: u64| {
        json!({
            "InputFormat": "CSV",
            "InputCompressionType": "NONE",
            "InputFormatOptions": {"Csv": {"Delimiter": ";", "HeaderList": ["id", "at", "n", "note"]}},
            "TableCreationParameters": {
                "AttributeDefinitions": [attribute("id", "S"), attribute("at", "N"), attribute("n", "N")],
                "KeySchema": key("at"),
                "BillingMode": "PROVISIONED",
                "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 70},
                "SSESpecification": {"Enabled": true},
            },
            "Headwater": {
                "LocalSecondaryIndexes": [
                    {"IndexName": "by-n", "KeySchema": key("n"), "Projection": {"ProjectionType": "ALL"}},
                ],
                "MissingValues": ["-"],
                "MaxRejects": most_rejects,
            },
        })
    };
    let report = stack.import_folder(folder, &manifest(0)).await?;
    let error = told(&report);
    assert!(
        error.as_str().is_some_and(|error| error.contains("more than 0 rows were rejected")),
        "{report}"
    );
    assert!(aws::table::describe(stack.clients.dynamodb(), folder).await?.is_none());

    let report = stack.import_folder(folder, &manifest(1)).await?;
    assert_eq!(told(&report), json!(["finished", 3, 2, 1, 0]), "{report}");
    assert_eq!(
        stack.items(folder).await?,
        [
            r#"{"at":{"N":"1"},"id":{"S":"a"},"n":{"N":"10"},"note":{"S":"x"}}"#,
            r#"{"at":{"N":"2"},"id":{"S":"b"},"note":{"S":"y"}}"#,
        ]
    );
    let table = aws::table::describe(stack.clients.dynamodb(), folder).await?.expect("the table");
    assert_eq!(table.local_secondary_indexes()[0].index_name(), Some("by-n"));
    let capacity = table.provisioned_throughput().expect("its capacity");
    assert_eq!(
        (capacity.read_capacity_units(), capacity.write_capacity_units()),
        (Some(7), Some(70))
    );
    assert!(table.sse_description().is_some(), "{table:?}");

    let folder = "e2e-options-on-demand";
    stack.drop(&format!("{folder}/rows.jsonl"), "{\"id\":1}\n", &[]).await?;
    let manifest = json!({
        "TableCreationParameters": {
            "BillingMode": "PAY_PER_REQUEST",
            "OnDemandThroughput": {"MaxReadRequestUnits": 50, "MaxWriteRequestUnits": 60},
        },
        "Headwater": {"WarmThroughput": {"ReadUnitsPerSecond": 12_500, "WriteUnitsPerSecond": 5_000}},
    });
    let report = stack.import_folder(folder, &manifest).await?;
    assert_eq!(told(&report), json!(["finished", 1, 1, 0, 0]), "{report}");
    let table = aws::table::describe(stack.clients.dynamodb(), folder).await?.expect("the table");
    let most = table.on_demand_throughput().expect("its most");
    assert_eq!(most.max_write_request_units(), Some(60));

    // An inferred key leaves nothing to choose from.
    let folder = "e2e-options-duplicates";
    stack.drop(&format!("{folder}/rows.jsonl"), "{\"id\":1}\n", &[]).await?;
    let manifest = json!({"Headwater": {"OnDuplicate": "last"}});
    let report = stack.import_folder(folder, &manifest).await?;
    assert_eq!(
        told(&report),
        "OnDuplicate is last and no key is given, and a key is only inferred where no two rows share it; give \
         KeySchema, or leave OnDuplicate out"
    );
    Ok(())
}
