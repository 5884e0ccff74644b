use item::format::csv as format;

use super::*;

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("../../../../events/manifests/", $name, ".json"))
    };
}

/// What becomes of a manifest in the folder `orders`: every fault on a line.
fn told(manifest: impl AsRef<[u8]>) -> String {
    let table: TableName = "orders".parse().unwrap();
    let parsed = Manifest::parse(manifest.as_ref());
    match parsed.and_then(|manifest| manifest.for_table(&table)) {
        Ok(()) => "taken".to_owned(),
        Err(ManifestError::Faults(faults)) => {
            faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
        }
        Err(error) => error.to_string(),
    }
}

fn parsed(manifest: &str) -> Manifest {
    Manifest::parse(manifest.as_bytes()).unwrap()
}

/// A manifest with a table of the key `id` and what else is given of it, and with these options.
fn of_table(more: &str, options: &str) -> String {
    format!(
        r#"{{"TableCreationParameters":{{"AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"S"}}],
        "KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}]{more}}},"Headwater":{{{options}}}}}"#
    )
}

/// A manifest with this key and with these definitions; both are pairs of name and `KeyType` or type.
fn of_key(key: &[(&str, &str)], definitions: &[(&str, &str)]) -> String {
    let listed = |pairs: &[(&str, &str)], field: &str| {
        let shown = pairs
            .iter()
            .map(|(name, value)| format!(r#"{{"AttributeName":"{name}","{field}":"{value}"}}"#));
        shown.collect::<Vec<_>>().join(",")
    };
    let (key, definitions) = (listed(key, "KeyType"), listed(definitions, "AttributeType"));
    format!(
        r#"{{"TableCreationParameters":{{"KeySchema":[{key}],"AttributeDefinitions":[{definitions}]}}}}"#
    )
}

#[test]
fn samples_that_are_right_are_taken() {
    for sample in [
        sample!("minimal"),
        sample!("key"),
        sample!("csv"),
        sample!("append"),
        sample!("provisioned"),
        sample!("everything"),
    ] {
        assert_eq!(told(sample), "taken", "{sample}");
    }
    assert_eq!(parsed(sample!("minimal")), Manifest::default());
    assert_eq!(told(format!("\u{FEFF}{}", sample!("key"))), "taken");
}

#[test]
fn misspelt_fields_are_told_all_at_once() {
    insta::assert_snapshot!(told(sample!("misspelt")), @"
    inputFormat: no such field; did you mean InputFormat?
    BillingMode: no such field here; did you mean TableCreationParameters.BillingMode?
    MaxRejects: no such field here; did you mean Headwater.MaxRejects?
    Comment: no such field; there are $schema, ClientToken, Headwater, InputCompressionType, InputFormat, InputFormatOptions, S3BucketSource, TableCreationParameters
    TableCreationParameters.BillingMod: no such field; did you mean BillingMode?
    TableCreationParameters.KeySchema[0].Keytype: no such field; did you mean KeyType?
    TableCreationParameters.LocalSecondaryIndexes: no such field here; did you mean Headwater.LocalSecondaryIndexes?
    Headwater.MaxReject: no such field; did you mean MaxRejects?
    Headwater.DryRun: given twice; keep one
    Headwater.SSESpecification: no such field here; did you mean TableCreationParameters.SSESpecification?
    ");
    let error = Manifest::parse(sample!("misspelt").as_bytes()).unwrap_err();
    insta::assert_snapshot!(error, @"the manifest has 10 faults: (1) inputFormat: no such field; did you mean InputFormat? (2) BillingMode: no such field here; did you mean TableCreationParameters.BillingMode? (3) MaxRejects: no such field here; did you mean Headwater.MaxRejects? (4) Comment: no such field; there are $schema, ClientToken, Headwater, InputCompressionType, InputFormat, InputFormatOptions, S3BucketSource, TableCreationParameters (5) TableCreationParameters.BillingMod: no such field; did you mean BillingMode? (6) TableCreationParameters.KeySchema[0].Keytype: no such field; did you mean KeyType? (7) TableCreationParameters.LocalSecondaryIndexes: no such field here; did you mean Headwater.LocalSecondaryIndexes? (8) Headwater.MaxReject: no such field; did you mean MaxRejects? (9) Headwater.DryRun: given twice; keep one (10) Headwater.SSESpecification: no such field here; did you mean TableCreationParameters.SSESpecification?");
}

#[test]
fn wrong_values_are_told_with_what_is_allowed() {
    insta::assert_snapshot!(told(sample!("wrong-values")), @r##"
    InputFormat: one of CSV, DYNAMODB_JSON, ION, JSON, PARQUET was expected, found "TSV"; did you mean CSV?
    InputCompressionType: one of NONE, GZIP, ZSTD was expected, found "gzip"; did you mean GZIP?
    InputFormatOptions.Csv.Delimiter: one of ",", "\t", ";", "|", ":", " " was expected, found "#"
    InputFormatOptions.Csv.HeaderList: 1 to 255 entries were expected, found 0
    S3BucketSource.S3BucketOwner: 12 characters were expected, found 4
    ClientToken: a text was expected, found null; leave the field out
    TableCreationParameters.TableName: a text was expected, found 7
    TableCreationParameters.AttributeDefinitions[0].AttributeType: one of S, N, B was expected, found "SS"
    TableCreationParameters.AttributeDefinitions[1].AttributeName: 1 to 255 characters were expected, found 0
    TableCreationParameters.AttributeDefinitions[1]: AttributeType is missing; give it
    TableCreationParameters.KeySchema: a list was expected, found an object
    TableCreationParameters.ProvisionedThroughput.ReadCapacityUnits: 1 or more was expected, found 0
    TableCreationParameters.ProvisionedThroughput.WriteCapacityUnits: a whole number was expected, found "5"
    TableCreationParameters.SSESpecification.SSEType: KMS was expected, found "AES256"
    Headwater.ColumnTypes.seats: one of S, N, BOOL was expected, found "M"
    Headwater.ColumnTypes["a column"]: one of S, N, BOOL was expected, found 7
    Headwater.MaxRejects: 1000000 or less was expected, found 2000000
    Headwater.MaxWriteRate: a whole number was expected, found 0.5
    Headwater.DryRun: true or false was expected, found "yes"
    Headwater.Engine: one of auto, direct, native was expected, found a list
    "##);
}

#[test]
fn contradictions_are_told_all_at_once() {
    insta::assert_snapshot!(told(sample!("contradictory")), @r#"
    Headwater.LocalSecondaryIndexes[0].KeySchema[0].AttributeName: the type of "shop" is missing; give it in TableCreationParameters.AttributeDefinitions
    Headwater.LocalSecondaryIndexes[0].KeySchema[1].AttributeName: the type of "price" is missing; give it in TableCreationParameters.AttributeDefinitions
    TableCreationParameters.AttributeDefinitions[1].AttributeName: "colour" is no key of the table or of an index, and only keys are defined here; leave it out
    Headwater.LocalSecondaryIndexes[0].IndexName: letters, digits, underscores, hyphens and dots were expected, found "by price"
    Headwater.LocalSecondaryIndexes[0].Projection: INCLUDE needs NonKeyAttributes; name them, or project ALL or KEYS_ONLY
    Headwater.LocalSecondaryIndexes: a table with local indexes has a sort key; give it in TableCreationParameters.KeySchema, or make them TableCreationParameters.GlobalSecondaryIndexes
    Headwater.LocalSecondaryIndexes[0].KeySchema: the table's partition key, "id", was expected, found "shop"; an index with another is one of TableCreationParameters.GlobalSecondaryIndexes
    TableCreationParameters: ProvisionedThroughput is missing, which BillingMode PROVISIONED needs for the table and for each of its global indexes; give it, or make BillingMode PAY_PER_REQUEST
    TableCreationParameters.OnDemandThroughput: it has no place in a table with BillingMode PROVISIONED; leave it out
    Headwater.Engine: native is DynamoDB's ImportTable, and LocalSecondaryIndexes needs direct (ImportTable makes none); make it direct or auto, or leave LocalSecondaryIndexes out
    Headwater.Engine: native is DynamoDB's ImportTable, and IfExists append needs direct (ImportTable only makes new tables); make it direct or auto, or leave IfExists append out
    Headwater.Tags[0].Key: tags that begin with headwater are not given by hand, found "headwater"; rename it
    "#);
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    insta::assert_snapshot!(told(b""), @"the manifest cannot be read as JSON: EOF while parsing a value at line 1 column 0; mend it there");
    insta::assert_snapshot!(told("{\n  \"InputFormat\": CSV\n}"), @"the manifest cannot be read as JSON: expected value at line 2 column 18; mend it there");
    insta::assert_snapshot!(told("{\"DryRun\": true,}"), @"the manifest cannot be read as JSON: trailing comma at line 1 column 17; mend it there");
    insta::assert_snapshot!(told("{} {}"), @"the manifest cannot be read as JSON: trailing characters at line 1 column 4; mend it there");
    insta::assert_snapshot!(told("{\n\"a\": \"\u{e9}".as_bytes().split_last().unwrap().1), @"the manifest is not UTF-8 text at line 2, column 7; save it as UTF-8");
    insta::assert_snapshot!(told(vec![b' '; MAX_MANIFEST_BYTES + 1]), @"the manifest has 1048577 bytes, the limit is 1048576; is this object data? _import.json only says how the others are imported");
    insta::assert_snapshot!(told("[".repeat(1000)), @"the manifest cannot be read as JSON: recursion limit exceeded at line 1 column 128; mend it there");
    insta::assert_snapshot!(told("[]"), @"an object was expected, found a list");
}

#[test]
fn many_faults_are_counted() {
    let unknown: Vec<String> = (0..200).map(|at| format!("\"zzz{at}\":0")).collect();
    let error = Manifest::parse(format!("{{{}}}", unknown.join(",")).as_bytes()).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("the manifest has 200 faults: (1) zzz0: no such field"), "{text}");
    assert!(text.ends_with(" and 180 more"), "{text}");
    let ManifestError::Faults(faults) = error else { panic!("no faults") };
    assert_eq!(faults.len(), 200);
}

#[test]
fn the_table_is_that_of_the_folder() {
    let named = r#"{"TableCreationParameters":{"TableName":"planes"}}"#;
    insta::assert_snapshot!(told(named), @r#"TableCreationParameters.TableName: orders, the folder's name, was expected, found "planes"; leave it out, or move the folder"#);
    let error = parsed(named).for_table(&"orders".parse().unwrap()).unwrap_err();
    insta::assert_snapshot!(error, @r#"in the manifest, TableCreationParameters.TableName: orders, the folder's name, was expected, found "planes"; leave it out, or move the folder"#);
}

#[test]
fn keys_have_a_partition_key_then_a_sort_key() {
    let (id, at) = (("id", "S"), ("at", "N"));
    let check = |key: &[(&str, &str)]| told(of_key(key, &[id, at]));
    assert_eq!(check(&[("id", "HASH"), ("at", "RANGE")]), "taken");
    insta::assert_snapshot!(check(&[("id", "RANGE"), ("at", "HASH")]), @"TableCreationParameters.KeySchema[0].KeyType: HASH was expected, found RANGE; a key begins with its partition key");
    insta::assert_snapshot!(check(&[("id", "HASH"), ("at", "HASH")]), @"TableCreationParameters.KeySchema[1].KeyType: there is one HASH in this key; the attribute after it is its RANGE");
    insta::assert_snapshot!(told(of_key(&[("id", "HASH"), ("id", "RANGE")], &[id])), @r#"TableCreationParameters.KeySchema[1].AttributeName: "id" is in the key already; name another"#);
    insta::assert_snapshot!(check(&[]), @"TableCreationParameters.KeySchema: 1 to 2 entries were expected, found 0");
}

#[test]
fn keys_have_types_and_nothing_else_has() {
    let key = [("id", "HASH"), ("at", "RANGE")];
    assert_eq!(told(of_key(&key, &[])), "taken");
    insta::assert_snapshot!(told(of_key(&key, &[("id", "S")])), @r#"TableCreationParameters.KeySchema[1].AttributeName: the type of "at" is missing; give it in TableCreationParameters.AttributeDefinitions"#);
    insta::assert_snapshot!(told(of_key(&key[..1], &[("id", "S"), ("id", "N"), ("x", "S")])), @r#"
    TableCreationParameters.AttributeDefinitions[1].AttributeName: "id" has a type already; keep one
    TableCreationParameters.AttributeDefinitions[2].AttributeName: "x" is no key of the table or of an index, and only keys are defined here; leave it out
    "#);
    let no_key = r#"{"TableCreationParameters":{"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}]}}"#;
    insta::assert_snapshot!(told(no_key), @"TableCreationParameters.KeySchema: beside AttributeDefinitions or indexes the key is not inferred; give it");
}

/// A global index in a manifest of [`of_table`].
fn global(name: &str, key: &str, more: &str) -> String {
    let index = format!(r#"{{"IndexName":"{name}","KeySchema":[{key}],{more}}}"#);
    of_table(&format!(r#","GlobalSecondaryIndexes":[{index}]"#), "")
}

const ALL: &str = r#""Projection":{"ProjectionType":"ALL"}"#;
const ID: &str = r#"{"AttributeName":"id","KeyType":"HASH"}"#;

#[test]
fn global_indexes_have_names_keys_and_projections() {
    assert_eq!(told(global("by-id", ID, ALL)), "taken");
    insta::assert_snapshot!(told(global("by id", ID, ALL)), @r#"TableCreationParameters.GlobalSecondaryIndexes[0].IndexName: letters, digits, underscores, hyphens and dots were expected, found "by id""#);
    insta::assert_snapshot!(told(global("i", ID, ALL)), @"TableCreationParameters.GlobalSecondaryIndexes[0].IndexName: 3 to 255 characters were expected, found 1");
    insta::assert_snapshot!(told(global("by-x", r#"{"AttributeName":"x","KeyType":"HASH"}"#, ALL)), @r#"TableCreationParameters.GlobalSecondaryIndexes[0].KeySchema[0].AttributeName: the type of "x" is missing; give it in TableCreationParameters.AttributeDefinitions"#);
    insta::assert_snapshot!(told(global("by-id", ID, r#""Projection":{"ProjectionType":"INCLUDE"}"#)), @"TableCreationParameters.GlobalSecondaryIndexes[0].Projection: INCLUDE needs NonKeyAttributes; name them, or project ALL or KEYS_ONLY");
    insta::assert_snapshot!(told(global("by-id", ID, r#""Projection":{"ProjectionType":"ALL","NonKeyAttributes":["x"]}"#)), @"TableCreationParameters.GlobalSecondaryIndexes[0].Projection.NonKeyAttributes: only the ProjectionType INCLUDE names attributes; leave them out, or project INCLUDE");
    insta::assert_snapshot!(told(global("by-id", ID, r#""Projection":{}"#)), @"TableCreationParameters.GlobalSecondaryIndexes[0].Projection: ProjectionType is missing; give it");
    insta::assert_snapshot!(told(global("by-id", "", ALL)), @"TableCreationParameters.GlobalSecondaryIndexes[0].KeySchema: 1 to 8 entries were expected, found 0");
}

#[test]
fn keys_of_global_indexes_have_up_to_four_attributes_of_each_kind() {
    let key = |hashes: usize, ranges: usize| {
        let hashes = (0..hashes).map(|at| (format!("h{at}"), "HASH"));
        let elements: Vec<(String, &str)> =
            hashes.chain((0..ranges).map(|at| (format!("r{at}"), "RANGE"))).collect();
        let listed = |field: &str, value: &dyn Fn(&str) -> String| {
            let shown = elements.iter().map(|(name, kind)| {
                format!(r#"{{"AttributeName":"{name}","{field}":"{}"}}"#, value(kind))
            });
            shown.collect::<Vec<_>>().join(",")
        };
        let definitions = listed("AttributeType", &|_| "S".to_owned());
        let key = listed("KeyType", &|kind| kind.to_owned());
        format!(
            r#"{{"TableCreationParameters":{{"KeySchema":[{{"AttributeName":"h0","KeyType":"HASH"}}],
            "AttributeDefinitions":[{definitions}],
            "GlobalSecondaryIndexes":[{{"IndexName":"all","KeySchema":[{key}],{ALL}}}]}}}}"#
        )
    };
    assert_eq!(told(key(4, 4)), "taken");
    insta::assert_snapshot!(told(key(5, 0)), @"TableCreationParameters.GlobalSecondaryIndexes[0].KeySchema[4].KeyType: there are 4 HASH at most in this key; leave it out");
    insta::assert_snapshot!(told(key(1, 5)), @"TableCreationParameters.GlobalSecondaryIndexes[0].KeySchema[5].KeyType: there are 4 RANGE at most in this key; leave it out");
    insta::assert_snapshot!(told(key(5, 4)), @"TableCreationParameters.GlobalSecondaryIndexes[0].KeySchema: 1 to 8 entries were expected, found 9");
}

#[test]
fn indexes_are_counted() {
    let indexes = |count: usize, attributes: usize| {
        let names: Vec<String> = (0..attributes).map(|at| format!("\"a{at}\"")).collect();
        let names = names.join(",");
        let index = |at| {
            format!(
                r#"{{"IndexName":"index-{at}","KeySchema":[{ID}],
                "Projection":{{"ProjectionType":"INCLUDE","NonKeyAttributes":[{names}]}}}}"#
            )
        };
        let indexes: Vec<String> = (0..count).map(index).collect();
        of_table(&format!(r#","GlobalSecondaryIndexes":[{}]"#, indexes.join(",")), "")
    };
    assert_eq!(told(indexes(20, 5)), "taken");
    insta::assert_snapshot!(told(indexes(21, 1)), @"TableCreationParameters.GlobalSecondaryIndexes: 20 entries at most were expected, found 21");
    insta::assert_snapshot!(told(indexes(6, 20)), @"TableCreationParameters.GlobalSecondaryIndexes: the indexes of a table name 100 NonKeyAttributes together, found 120; name fewer, or project ALL");
    insta::assert_snapshot!(told(indexes(1, 21)), @"TableCreationParameters.GlobalSecondaryIndexes[0].Projection.NonKeyAttributes: 20 entries at most were expected, found 21");
    insta::assert_snapshot!(told(indexes(2, 1).replace("index-1", "index-0")), @r#"TableCreationParameters.GlobalSecondaryIndexes[1].IndexName: another index is named "index-0" already; rename one"#);
}

/// A local index in a table of this key; both keys are names.
fn local(table: &[&str], index: &[&str]) -> String {
    let element = |(at, name): (usize, &&str)| {
        let place = if at == 0 { "HASH" } else { "RANGE" };
        format!(r#"{{"AttributeName":"{name}","KeyType":"{place}"}}"#)
    };
    let key = |names: &[&str]| names.iter().enumerate().map(element).collect::<Vec<_>>().join(",");
    let mut names = [table, index].concat();
    names.sort_unstable();
    names.dedup();
    let definitions: Vec<String> = names
        .iter()
        .map(|name| format!(r#"{{"AttributeName":"{name}","AttributeType":"S"}}"#))
        .collect();
    format!(
        r#"{{"TableCreationParameters":{{"AttributeDefinitions":[{}],"KeySchema":[{}]}},
        "Headwater":{{"LocalSecondaryIndexes":[{{"IndexName":"local","KeySchema":[{}],{ALL}}}]}}}}"#,
        definitions.join(","),
        key(table),
        key(index)
    )
}

#[test]
fn local_indexes_are_beside_the_key_of_the_table() {
    assert_eq!(told(local(&["id", "at"], &["id", "total"])), "taken");
    insta::assert_snapshot!(told(local(&["id"], &["id", "total"])), @"Headwater.LocalSecondaryIndexes: a table with local indexes has a sort key; give it in TableCreationParameters.KeySchema, or make them TableCreationParameters.GlobalSecondaryIndexes");
    insta::assert_snapshot!(told(local(&["id", "at"], &["shop", "total"])), @r#"Headwater.LocalSecondaryIndexes[0].KeySchema: the table's partition key, "id", was expected, found "shop"; an index with another is one of TableCreationParameters.GlobalSecondaryIndexes"#);
    insta::assert_snapshot!(told(local(&["id", "at"], &["id"])), @"Headwater.LocalSecondaryIndexes[0].KeySchema: 2 entries were expected, found 1");
    let two_partitions = local(&["id", "at"], &["id", "total"])
        .replace(r#""total","KeyType":"RANGE""#, r#""total","KeyType":"HASH""#);
    insta::assert_snapshot!(told(two_partitions), @"
    Headwater.LocalSecondaryIndexes[0].KeySchema[1].KeyType: there is one HASH in this key; the attribute after it is its RANGE
    Headwater.LocalSecondaryIndexes[0].KeySchema: a local index has a sort key (RANGE) of its own; give it
    ");
}

#[test]
fn capacity_is_of_the_billing_mode() {
    let check = |more: &str| told(of_table(more, ""));
    let provisioned = r#","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}"#;
    assert_eq!(check(provisioned), "taken");
    assert_eq!(
        parsed(&of_table(provisioned, "")).table_creation_parameters.billing_mode(),
        BillingMode::Provisioned
    );
    assert_eq!(
        Manifest::default().table_creation_parameters.billing_mode(),
        BillingMode::PayPerRequest
    );
    insta::assert_snapshot!(check(r#","BillingMode":"PROVISIONED""#), @"TableCreationParameters: ProvisionedThroughput is missing, which BillingMode PROVISIONED needs for the table and for each of its global indexes; give it, or make BillingMode PAY_PER_REQUEST");
    insta::assert_snapshot!(check(&format!(r#"{provisioned},"BillingMode":"PAY_PER_REQUEST""#)), @"TableCreationParameters.ProvisionedThroughput: nothing is provisioned with BillingMode PAY_PER_REQUEST; leave it out, or make BillingMode PROVISIONED");
    insta::assert_snapshot!(check(&format!(r#"{provisioned},"OnDemandThroughput":{{"MaxReadRequestUnits":1}}"#)), @"TableCreationParameters.OnDemandThroughput: it has no place in a table with BillingMode PROVISIONED; leave it out");
    insta::assert_snapshot!(check(&format!(r#"{provisioned},"GlobalSecondaryIndexes":[{{"IndexName":"by-id","KeySchema":[{ID}],{ALL}}}]"#)), @"TableCreationParameters.GlobalSecondaryIndexes[0]: ProvisionedThroughput is missing, which BillingMode PROVISIONED needs for the table and for each of its global indexes; give it, or make BillingMode PAY_PER_REQUEST");
    insta::assert_snapshot!(check(r#","OnDemandThroughput":{}"#), @"TableCreationParameters.OnDemandThroughput: MaxReadRequestUnits or MaxWriteRequestUnits was expected; give one, or both");
    insta::assert_snapshot!(check(r#","OnDemandThroughput":{"MaxReadRequestUnits":0,"MaxWriteRequestUnits":-2}"#), @"TableCreationParameters.OnDemandThroughput.MaxWriteRequestUnits: -1 or more was expected, found -2");
    insta::assert_snapshot!(check(r#","OnDemandThroughput":{"MaxReadRequestUnits":0}"#), @"TableCreationParameters.OnDemandThroughput.MaxReadRequestUnits: 1 or more was expected, or -1 for no limit, found 0");
    insta::assert_snapshot!(told(of_table("", r#""WarmThroughput":{}"#)), @"Headwater.WarmThroughput: ReadUnitsPerSecond or WriteUnitsPerSecond was expected; give one, or both");
    insta::assert_snapshot!(check(r#","ProvisionedThroughput":{"ReadCapacityUnits":9223372036854775808}"#), @"
    TableCreationParameters.ProvisionedThroughput.ReadCapacityUnits: 9223372036854775807 or less was expected, found 9223372036854775808
    TableCreationParameters.ProvisionedThroughput: WriteCapacityUnits is missing; give it
    ");
}

#[test]
fn keys_of_kms_need_encryption() {
    let check = |sse: &str| told(of_table(&format!(r#","SSESpecification":{{{sse}}}"#), ""));
    assert_eq!(check(r#""Enabled":true,"KMSMasterKeyId":"alias/orders""#), "taken");
    assert_eq!(check(r#""Enabled":false"#), "taken");
    insta::assert_snapshot!(check(r#""Enabled":false,"KMSMasterKeyId":"alias/orders""#), @"TableCreationParameters.SSESpecification: SSEType and KMSMasterKeyId are for a key of KMS, which Enabled true asks for; add it, or leave them out");
    insta::assert_snapshot!(check(r#""SSEType":"KMS""#), @"TableCreationParameters.SSESpecification: SSEType and KMSMasterKeyId are for a key of KMS, which Enabled true asks for; add it, or leave them out");
}

#[test]
fn sources_are_buckets() {
    let check = |source: &str| told(format!(r#"{{"S3BucketSource":{{{source}}}}}"#));
    assert_eq!(check(r#""S3Bucket":"my-bucket.2026","S3KeyPrefix":"imports/orders/""#), "taken");
    insta::assert_snapshot!(check(r#""S3Bucket":"s3://bucket/imports""#), @r#"S3BucketSource.S3Bucket: the name of a bucket was expected, without s3:// and without a key, found "s3://bucket/imports""#);
    insta::assert_snapshot!(check(r#""S3BucketOwner":"1234-5678-90""#), @r#"S3BucketSource.S3BucketOwner: an account of 12 digits was expected, found "1234-5678-90""#);
}

#[test]
fn what_is_said_of_csv_is_consistent() {
    let check = |more: &str| {
        told(format!(
            r#"{{"TableCreationParameters":{{"AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"N"}}],
            "KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}]}},{more}}}"#
        ))
    };
    let header =
        |names: &str| format!(r#""InputFormatOptions":{{"Csv":{{"HeaderList":[{names}]}}}}"#);
    assert_eq!(check(&header(r#""id","a""#)), "taken");
    insta::assert_snapshot!(check(&header(r#""id","a","b","a""#)), @r#"InputFormatOptions.Csv.HeaderList[3]: another column is named "a" already; rename one"#);
    insta::assert_snapshot!(check(&header(r#""ID","a""#)), @r#"TableCreationParameters.KeySchema[0].AttributeName: "id" is no column that InputFormatOptions.Csv.HeaderList names, and every row needs its key"#);
    insta::assert_snapshot!(check(&format!(r#"{},"Headwater":{{"ColumnTypes":{{"a b":"S"}}}}"#, header(r#""id""#))), @r#"Headwater.ColumnTypes["a b"]: InputFormatOptions.Csv.HeaderList names no such column"#);
    insta::assert_snapshot!(check(&header(r#""id","""#)), @"InputFormatOptions.Csv.HeaderList[1]: 1 to 65535 characters were expected, found 0");
    insta::assert_snapshot!(check(r#""Headwater":{"ColumnTypes":{"id":"S"}}"#), @"Headwater.ColumnTypes.id: TableCreationParameters.AttributeDefinitions says type N, found S; make them the same");
    insta::assert_snapshot!(check(r#""InputFormat":"ION","InputFormatOptions":{"Csv":{}},"Headwater":{"ColumnTypes":{"a":"S"},"MissingValues":[]}"#), @"
    InputFormatOptions.Csv: it is for CSV, and InputFormat says something else; leave one out
    Headwater.ColumnTypes: it is for CSV, and InputFormat says something else; leave one out
    Headwater.MissingValues: it is for CSV, and InputFormat says something else; leave one out
    ");
    insta::assert_snapshot!(told(r#"{"InputFormat":"CSV","TableCreationParameters":{
        "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
        "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"B"}]}}"#), @"TableCreationParameters.AttributeDefinitions[0].AttributeType: S or N was expected, found B; the columns of CSV hold no binary");
}

#[test]
fn the_engine_has_what_is_asked_for() {
    let check = |options: &str| told(of_table("", options));
    assert_eq!(check(r#""Engine":"native""#), "taken");
    assert_eq!(check(r#""Engine":"direct","IfExists":"append","MaxWriteRate":1"#), "taken");
    insta::assert_snapshot!(check(r#""Engine":"native","IfExists":"append""#), @"Headwater.Engine: native is DynamoDB's ImportTable, and IfExists append needs direct (ImportTable only makes new tables); make it direct or auto, or leave IfExists append out");
    insta::assert_snapshot!(check(r#""Engine":"native","MaxWriteRate":100"#), @"Headwater.Engine: native is DynamoDB's ImportTable, and MaxWriteRate needs direct (ImportTable's rate cannot be set); make it direct or auto, or leave MaxWriteRate out");
    let engine = |options: &str| parsed(&of_table("", options)).engine();
    assert_eq!(engine(""), Engine::Auto);
    assert_eq!(engine(r#""Engine":"native""#), Engine::Native);
    assert_eq!(engine(r#""MaxWriteRate":100"#), Engine::Direct);
    assert_eq!(parsed(sample!("everything")).engine(), Engine::Direct);
}

#[test]
fn limits_hold() {
    let check = |options: &str| told(of_table("", options));
    assert_eq!(check(r#""MaxRejects":0"#), "taken");
    assert_eq!(check(r#""MaxRejects":1000000"#), "taken");
    insta::assert_snapshot!(check(r#""MaxRejects":1000001"#), @"Headwater.MaxRejects: 1000000 or less was expected, found 1000001");
    insta::assert_snapshot!(check(r#""MaxRejects":-1"#), @"Headwater.MaxRejects: 0 or more was expected, found -1");
    insta::assert_snapshot!(check(r#""MaxWriteRate":0"#), @"Headwater.MaxWriteRate: 1 or more was expected, found 0");
    insta::assert_snapshot!(check(r#""MaxWriteRate":18446744073709551616"#), @"Headwater.MaxWriteRate: a whole number was expected, found 1.8446744073709552e19");
    insta::assert_snapshot!(check(r#""TimeToLiveAttribute":"""#), @"Headwater.TimeToLiveAttribute: 1 to 255 characters were expected, found 0");
}

#[test]
fn times_to_live_are_numbers() {
    insta::assert_snapshot!(told(of_table("", r#""TimeToLiveAttribute":"id""#)), @r#"Headwater.TimeToLiveAttribute: a number, seconds since 1970, was expected, and "id" is given another type; make that N"#);
    insta::assert_snapshot!(told(of_table("", r#""TimeToLiveAttribute":"t","ColumnTypes":{"t":"S"}"#)), @r#"Headwater.TimeToLiveAttribute: a number, seconds since 1970, was expected, and "t" is given another type; make that N"#);
}

#[test]
fn tags_are_the_users_own() {
    let check = |tags: &[(&str, &str)]| {
        let tag = |(key, value): &(&str, &str)| format!(r#"{{"Key":"{key}","Value":"{value}"}}"#);
        let tags: Vec<String> = tags.iter().map(tag).collect();
        told(of_table("", &format!(r#""Tags":[{}]"#, tags.join(","))))
    };
    assert_eq!(check(&[("cost centre", ""), ("Équipe", "a+b=c_d:e/f@g")]), "taken");
    insta::assert_snapshot!(check(&[("headwater:import", "x"), ("AWS:x", ""), ("Headwater", "on")]), @r#"
    Headwater.Tags[0].Key: tags that begin with headwater are not given by hand, found "headwater:import"; rename it
    Headwater.Tags[1].Key: tags that begin with aws: are not given by hand, found "AWS:x"; rename it
    Headwater.Tags[2].Key: tags that begin with headwater are not given by hand, found "Headwater"; rename it
    "#);
    insta::assert_snapshot!(check(&[("team", "a"), ("team", "b")]), @r#"Headwater.Tags[1].Key: another tag is "team" already; keep one"#);
    insta::assert_snapshot!(check(&[("team", "a#b")]), @r#"Headwater.Tags[0].Value: letters, digits, spaces and + - = . _ : / @ were expected, found "a#b""#);
    insta::assert_snapshot!(check(&[("", "")]), @"Headwater.Tags[0].Key: 1 to 128 characters were expected, found 0");
    let key = "k".repeat(129);
    insta::assert_snapshot!(check(&[(key.as_str(), "")]), @"Headwater.Tags[0].Key: 1 to 128 characters were expected, found 129");
    insta::assert_snapshot!(check(&[("team", "a"); 49]).lines().next().unwrap(), @"Headwater.Tags: 48 entries at most were expected, found 49");
}

#[test]
fn the_key_is_told_by_names_and_types() {
    let manifest = parsed(sample!("key"));
    let table = &manifest.table_creation_parameters;
    assert_eq!((table.partition_key(), table.sort_key()), (Some("customer"), Some("placed_at")));
    assert_eq!(table.attribute_type("placed_at"), Some(item::key::KeyType::N));
    assert_eq!(table.attribute_type("total"), None);
    let table = Manifest::default().table_creation_parameters;
    assert_eq!((table.partition_key(), table.sort_key()), (None, None));
}

#[test]
fn csv_is_read_as_said() {
    let options = parsed(sample!("csv")).csv_options(format::Delimiter::Tab);
    assert_eq!(options.delimiter, format::Delimiter::Semicolon);
    assert_eq!(options.missing, ["NA", "-"]);
    insta::assert_debug_snapshot!((options.header, options.types), @r#"
    (
        Some(
            [
                "tailnum",
                "year",
                "seats",
                "leased",
            ],
        ),
        [
            (
                "leased",
                Boolean,
            ),
            (
                "seats",
                Number,
            ),
            (
                "tailnum",
                String,
            ),
            (
                "year",
                String,
            ),
        ],
    )
    "#);
    let options = Manifest::default().csv_options(format::Delimiter::Tab);
    let default = format::Options { delimiter: format::Delimiter::Tab, ..Default::default() };
    assert_eq!(options, default);
}

#[test]
fn column_types_and_delimiters_are_those_of_the_reader() {
    for kind in [ColumnType::S, ColumnType::N, ColumnType::Bool] {
        let text = serde_json::to_value(kind).unwrap();
        assert_eq!(text, format::ColumnType::from(kind).as_str());
    }
    for delimiter in [",", "\t", ";", "|", ":", " "] {
        let ours: Delimiter = serde_json::from_value(delimiter.into()).unwrap();
        assert_eq!(format::Delimiter::from(ours), delimiter.parse().unwrap());
    }
}
