//! The parts of an `ImportTable` request beside the table: where the objects are, and what they
//! hold.

use item::format::csv;
use serde::{Deserialize, Serialize};

use super::Manifest;

/// Where the objects of an import are.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_S3BucketSource.html>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct S3BucketSource {
    /// The bucket. If not given, it is the manifest's.
    #[cfg_attr(test, schemars(length(min = 1, max = 255)))]
    pub s3_bucket: Option<String>,
    /// The account that owns the bucket: 12 digits.
    #[cfg_attr(test, schemars(length(min = 12, max = 12)))]
    pub s3_bucket_owner: Option<String>,
    /// What the keys of the objects begin with. If not given, it is the manifest's folder.
    #[cfg_attr(test, schemars(length(max = 1024)))]
    pub s3_key_prefix: Option<String>,
}

/// What the objects of an import hold.
///
/// `CSV`, `DYNAMODB_JSON` and `ION` are DynamoDB's; `JSON` and `PARQUET` are Headwater's, which
/// makes DynamoDB JSON of them for the native engine.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ImportTable.html#DDB-ImportTable-request-InputFormat>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum InputFormat {
    /// Delimited text; with tabs too, which `InputFormatOptions.Csv.Delimiter` says.
    Csv,
    /// One `{"Item": {…}}` per line, each value with its type; also what DynamoDB exports.
    #[serde(rename = "DYNAMODB_JSON")]
    DynamoDbJson,
    /// Amazon Ion.
    Ion,
    /// Plain JSON objects, one per line or in one list.
    Json,
    /// Parquet.
    Parquet,
}

/// How the objects of an import are compressed.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ImportTable.html#DDB-ImportTable-request-InputCompressionType>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum InputCompressionType {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

/// How a format is to be read.
///
/// Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_InputFormatOptions.html>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InputFormatOptions {
    /// How CSV is to be read.
    pub csv: Option<CsvOptions>,
}

/// How CSV is to be read.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CsvOptions.html>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CsvOptions {
    /// What stands between two fields. If not given, it is a tab in objects named `.tsv` and a
    /// comma in all others.
    pub delimiter: Option<Delimiter>,
    /// The names of the columns, where the objects have no header row: their first lines are data
    /// then.
    #[cfg_attr(test, schemars(length(min = 1, max = 255), inner(length(min = 1, max = 65535))))]
    pub header_list: Option<Vec<String>>,
}

/// What stands between two fields of CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Delimiter {
    /// A comma.
    #[serde(rename = ",")]
    Comma,
    /// A tab.
    #[serde(rename = "\t")]
    Tab,
    /// A semicolon.
    #[serde(rename = ";")]
    Semicolon,
    /// A vertical bar.
    #[serde(rename = "|")]
    Pipe,
    /// A colon.
    #[serde(rename = ":")]
    Colon,
    /// A space.
    #[serde(rename = " ")]
    Space,
}

impl From<Delimiter> for csv::Delimiter {
    fn from(delimiter: Delimiter) -> Self {
        match delimiter {
            Delimiter::Comma => Self::Comma,
            Delimiter::Tab => Self::Tab,
            Delimiter::Semicolon => Self::Semicolon,
            Delimiter::Pipe => Self::Pipe,
            Delimiter::Colon => Self::Colon,
            Delimiter::Space => Self::Space,
        }
    }
}

impl Manifest {
    /// How CSV is to be read; `delimiter` is that of an object whose manifest gives none.
    pub fn csv_options(&self, delimiter: csv::Delimiter) -> csv::Options {
        let given = self.csv();
        let types = self.headwater.column_types.iter();
        let mut options = csv::Options {
            delimiter: given.and_then(|csv| csv.delimiter).map_or(delimiter, Into::into),
            header: given.and_then(|csv| csv.header_list.clone()),
            types: types.map(|(name, kind)| (name.clone(), (*kind).into())).collect(),
            ..csv::Options::default()
        };
        if let Some(missing) = &self.headwater.missing_values {
            options.missing.clone_from(missing);
        }
        options
    }

    /// What is said of CSV.
    pub(super) fn csv(&self) -> Option<&CsvOptions> {
        self.input_format_options.as_ref().and_then(|options| options.csv.as_ref())
    }
}
