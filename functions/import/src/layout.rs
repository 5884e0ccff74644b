//! How the files of a source are to be read, in a form that can be kept.

use item::format::{
    Format,
    csv::{ColumnType, Delimiter, Options},
};
use serde::{Deserialize, Serialize};

/// How to read the files of a source: all of them alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "format")]
pub(crate) enum Layout {
    /// Delimited text.
    #[serde(rename_all = "camelCase")]
    Csv {
        /// What stands between two fields.
        delimiter: String,
        /// The columns' names, where the files have no header row.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<Vec<String>>,
        /// Columns that hold something else than strings, with the type's descriptor.
        types: Vec<(String, String)>,
        /// Words that mean "no value" in columns of numbers and booleans.
        missing: Vec<String>,
    },
    /// `{"Item":{…}}`, one to a line.
    DynamoDbJson,
    /// A plain JSON object on each line.
    JsonLines,
    /// One JSON array of plain objects.
    JsonArray,
    /// One JSON array of `{"Item":{…}}`.
    DynamoDbJsonArray,
    /// Amazon Ion, text or binary, of plain structs.
    Ion,
    /// Amazon Ion, text or binary, in DynamoDB's mapping: `{Item:{…}}`.
    DynamoDbIon,
    /// Parquet.
    Parquet,
    /// Rows that an earlier import rejected, in that import's layout.
    Rejects {
        /// That layout.
        of: Box<Layout>,
    },
}

impl From<&Format> for Layout {
    fn from(format: &Format) -> Self {
        match format {
            Format::Csv(options) => Self::of_csv(options),
            Format::DynamoDbJson => Self::DynamoDbJson,
            Format::JsonLines => Self::JsonLines,
            Format::JsonArray => Self::JsonArray,
            Format::DynamoDbJsonArray => Self::DynamoDbJsonArray,
            Format::Ion => Self::Ion,
            Format::DynamoDbIon => Self::DynamoDbIon,
        }
    }
}

impl Layout {
    fn of_csv(options: &Options) -> Self {
        let typed = options.types.iter().filter(|(_, kind)| *kind != ColumnType::String);
        Self::Csv {
            delimiter: char::from(options.delimiter.byte()).to_string(),
            header: options.header.clone(),
            types: typed.map(|(name, kind)| (name.clone(), kind.as_str().to_owned())).collect(),
            missing: options.missing.clone(),
        }
    }

    /// The text format, unless the files are not read as text.
    pub(crate) fn text(&self) -> Option<Format> {
        Some(match self {
            Self::Csv { delimiter, header, types, missing } => Format::Csv(Options {
                delimiter: delimiter.parse().unwrap_or(Delimiter::Comma),
                header: header.clone(),
                types: types
                    .iter()
                    .filter_map(|(name, kind)| Some((name.clone(), kind.parse().ok()?)))
                    .collect(),
                missing: missing.clone(),
            }),
            Self::DynamoDbJson => Format::DynamoDbJson,
            Self::JsonLines => Format::JsonLines,
            Self::JsonArray => Format::JsonArray,
            Self::DynamoDbJsonArray => Format::DynamoDbJsonArray,
            Self::Ion => Format::Ion,
            Self::DynamoDbIon => Format::DynamoDbIon,
            Self::Parquet | Self::Rejects { .. } => return None,
        })
    }

    /// The format of one row by itself, as a reject keeps it.
    pub(crate) fn text_of_one_row(&self) -> Format {
        match self {
            Self::DynamoDbJsonArray => Format::DynamoDbJson,
            Self::JsonArray | Self::Parquet => Format::JsonLines,
            Self::Rejects { of } => of.text_of_one_row(),
            layout => layout.text().unwrap_or(Format::JsonLines),
        }
    }

    /// The layout that its rejects are in.
    pub(crate) fn of_rejects(&self) -> &Self {
        match self {
            Self::Rejects { of } => of,
            layout => layout,
        }
    }

    /// Whether reading can go on in the middle of the file's bytes.
    pub(crate) fn resumes_at_bytes(&self) -> bool {
        matches!(self, Self::Csv { .. } | Self::DynamoDbJson | Self::JsonLines)
    }
}
