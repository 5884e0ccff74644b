//! Where the objects are, and how they are read.

use item::Excerpt;
use item::format::csv;

use super::super::error::Faults;
use super::super::schema::within;
use super::super::{InputFormat, Manifest, S3BucketSource, ScalarAttributeType};
use super::{TABLE, repeated};

/// Where the names of columns are.
const HEADER: &str = "InputFormatOptions.Csv.HeaderList";
/// Where their types are.
const TYPES: &str = "Headwater.ColumnTypes";

pub(super) fn check(manifest: &Manifest, faults: &mut Faults) {
    if let Some(source) = &manifest.s3_bucket_source {
        bucket(source, faults);
    }
    match manifest.input_format {
        None | Some(InputFormat::Csv) => {
            header(manifest, faults);
            types(manifest, faults);
        }
        Some(_) => only_for_csv(manifest, faults),
    }
    if manifest.input_format == Some(InputFormat::Csv) {
        no_binary(manifest, faults);
    }
}

fn bucket(source: &S3BucketSource, faults: &mut Faults) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if let Some(name) = source.s3_bucket.as_ref().filter(|name| !name.bytes().all(allowed)) {
        let reason = format!(
            "the name of a bucket was expected, without s3:// and without a key, found {}",
            Excerpt::of(name)
        );
        faults.add("S3BucketSource.S3Bucket", reason);
    }
    let digits = |owner: &&String| owner.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(owner) = source.s3_bucket_owner.as_ref().filter(|owner| !digits(owner)) {
        let reason = format!("an account of 12 digits was expected, found {}", Excerpt::of(owner));
        faults.add("S3BucketSource.S3BucketOwner", reason);
    }
}

/// What is said of CSV where something else is imported.
fn only_for_csv(manifest: &Manifest, faults: &mut Faults) {
    let said = [
        (manifest.csv().is_some(), "InputFormatOptions.Csv"),
        (!manifest.headwater.column_types.is_empty(), TYPES),
        (manifest.headwater.missing_values.is_some(), "Headwater.MissingValues"),
    ];
    for (_, path) in said.into_iter().filter(|(said, _)| *said) {
        faults.add(path, "it is for CSV, and InputFormat says something else; leave one out");
    }
}

/// Columns have names of their own, and those that are asked for are there.
fn header(manifest: &Manifest, faults: &mut Faults) {
    let Some(names) = manifest.csv().and_then(|csv| csv.header_list.as_ref()) else { return };
    for at in repeated(names) {
        let reason =
            format!("another column is named {} already; rename one", Excerpt::of(&names[at]));
        faults.add(format!("{HEADER}[{at}]"), reason);
    }
    for (at, element) in manifest.table_creation_parameters.key_schema.iter().enumerate() {
        if !names.contains(&element.attribute_name) {
            let reason = format!(
                "{} is no column that {HEADER} names, and every row needs its key",
                Excerpt::of(&element.attribute_name)
            );
            faults.add(format!("{TABLE}.KeySchema[{at}].AttributeName"), reason);
        }
    }
    for column in manifest.headwater.column_types.keys().filter(|name| !names.contains(name)) {
        let reason = format!("{HEADER} names no such column");
        faults.add(within(TYPES, column), reason);
    }
}

/// A column that is a key has one type.
fn types(manifest: &Manifest, faults: &mut Faults) {
    for (column, kind) in &manifest.headwater.column_types {
        let column_type = csv::ColumnType::from(*kind).as_str();
        let key_type = manifest.table_creation_parameters.attribute_type(column);
        if let Some(key_type) = key_type.filter(|key_type| key_type.as_str() != column_type) {
            let reason = format!(
                "{TABLE}.AttributeDefinitions says type {}, found {column_type}; make them the same",
                key_type.as_str()
            );
            faults.add(within(TYPES, column), reason);
        }
    }
}

/// No field of CSV is binary.
fn no_binary(manifest: &Manifest, faults: &mut Faults) {
    let definitions = manifest.table_creation_parameters.attribute_definitions.iter().enumerate();
    for (at, _) in definitions.filter(|(_, it)| it.attribute_type == ScalarAttributeType::B) {
        let path = format!("{TABLE}.AttributeDefinitions[{at}].AttributeType");
        faults.add(path, "S or N was expected, found B; the columns of CSV hold no binary");
    }
}
