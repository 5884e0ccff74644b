//! The layout of a source, from the beginnings of its files.
//!
//! 1. What the bytes are is seen in the first MiB of each file, then in its name; the manifest's
//!    `InputFormat` stands over both.
//! 2. Types of columns are inferred from the same bytes. A column holds numbers only if it does in every
//!    file that was looked at; a column of the table's key, or of an index's, has that key's type, and `ColumnTypes` stands over all.

use std::collections::BTreeMap;

use item::{
    format::{
        Format,
        csv::{self, ColumnType, Delimiter},
        detect::{Content, detect},
    },
    key::KeyType,
};

use crate::{
    index::IndexKey,
    key::Given,
    layout::Layout,
    manifest::{InputFormat, Manifest},
    source::{Compression, File, Opener},
    stop::{Refusal, Stop},
};

/// What is looked at of a file.
const SAMPLE_BYTES: u64 = 1024 * 1024;
/// Files of a folder that are looked at.
const FILES_SAMPLED: usize = 32;

/// How to read the files, and what was inferred to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sampled {
    pub(crate) layout: Layout,
    /// What was inferred, and why.
    pub(crate) inferences: Vec<String>,
}

/// Looks at the beginnings of files.
pub(crate) fn sample(
    opener: &Opener,
    files: &[File],
    manifest: &Manifest,
    given: &Given,
    indexes: &[IndexKey],
) -> Result<Sampled, Stop> {
    let mut samples = Vec::new();
    for file in files.iter().filter(|file| file.size > 0).take(FILES_SAMPLED) {
        samples.push(Sample { file, bytes: file.sample(opener, SAMPLE_BYTES)? });
    }
    let mut sampled = settled(&samples, manifest, given, indexes)?;
    let Some(first) = samples.first() else {
        return Ok(sampled);
    };
    if sampled.layout == Layout::Parquet {
        let columns = first.file.parquet(opener)?.columns();
        sampled.inferences.extend(columns.iter().map(|line| format!("column {line}")));
    }
    let compression = first.file.compression(opener)?;
    if compression != Compression::None {
        let told = format!("compression: {}, seen in the bytes", compression.as_str());
        sampled.inferences.push(told);
    }
    Ok(sampled)
}

/// What the samples say.
fn settled(
    samples: &[Sample<'_>],
    manifest: &Manifest,
    given: &Given,
    indexes: &[IndexKey],
) -> Result<Sampled, Stop> {
    let mut of_rows = samples.iter().filter(|sample| !sample.bytes.trim_ascii().is_empty());
    let Some(first) = of_rows.next() else {
        let reason = "the source is empty; a file to import has a row at least";
        return Err(Refusal::from(reason.to_owned()).into());
    };
    let (found, because) = first.found(manifest)?;
    for other in of_rows {
        let (other_found, other_because) = other.found(manifest)?;
        if other_found != found {
            return Err(Refusal::from(format!(
                "the objects of one import are of one kind: {} is {because}, {} is {other_because}; \
                 import them as two, the second with IfExists append",
                first.file.object, other.file.object
            ))
            .into());
        }
    }
    let mut inferences = vec![format!("format: {because}")];
    let layout = match found {
        Content::Parquet => Layout::Parquet,
        Content::Rows(Format::Csv(options)) => {
            let (options, told) = columns(samples, manifest, (given, indexes), options.delimiter)?;
            inferences.extend(told);
            Layout::from(&Format::Csv(options))
        }
        Content::Rows(format) => Layout::from(&format),
    };
    Ok(Sampled { layout, inferences })
}

/// The beginning of a file, decompressed.
struct Sample<'f> {
    file: &'f File,
    bytes: Vec<u8>,
}

impl Sample<'_> {
    /// What the file is, and why it is taken for that.
    fn found(&self, manifest: &Manifest) -> Result<(Content, String), Refusal> {
        let detected = detect(&self.bytes, &self.file.object.key);
        let content = detected.as_ref().ok().map(|detected| &detected.content);
        if let Some(given) = given(manifest.input_format, content) {
            return Ok((given, "what InputFormat says".to_owned()));
        }
        match detected {
            Ok(detected) => Ok((detected.content, detected.because)),
            Err(fault) => Err(Refusal::from(format!("{}: {fault}", self.file.object))),
        }
    }

    fn is_whole(&self) -> bool {
        (self.bytes.len() as u64) < SAMPLE_BYTES
    }

    fn infer(&self, options: &csv::Options) -> Result<Vec<csv::Inference>, Stop> {
        csv::infer(&self.bytes, self.is_whole(), options).map_err(|error| self.file.stop(error))
    }
}

/// What `InputFormat` says, unless the bytes say the same and more of it.
fn given(wanted: Option<InputFormat>, found: Option<&Content>) -> Option<Content> {
    let format = match found {
        Some(Content::Rows(format)) => Some(format),
        Some(Content::Parquet) | None => None,
    };
    let given = match (wanted?, format) {
        (InputFormat::Csv, Some(Format::Csv(_)))
        | (InputFormat::DynamoDbJson, Some(Format::DynamoDbJsonArray))
        | (InputFormat::Ion, Some(Format::Ion | Format::DynamoDbIon)) => return None,
        (InputFormat::Csv, _) => Format::Csv(csv::Options::default()),
        (InputFormat::DynamoDbJson, _) => Format::DynamoDbJson,
        (InputFormat::Ion, _) => Format::DynamoDbIon,
        (InputFormat::Json, Some(Format::JsonArray | Format::DynamoDbJsonArray)) => {
            Format::JsonArray
        }
        (InputFormat::Json, _) => Format::JsonLines,
        (InputFormat::Parquet, _) => return Some(Content::Parquet),
    };
    Some(Content::Rows(given))
}

/// How to read delimited files, with the types of their columns.
fn columns(
    samples: &[Sample<'_>],
    manifest: &Manifest,
    (given, indexes): (&Given, &[IndexKey]),
    delimiter: Delimiter,
) -> Result<(csv::Options, Vec<String>), Stop> {
    let mut options = manifest.csv_options(delimiter);
    let asked = std::mem::take(&mut options.types);
    let mut found: BTreeMap<String, (usize, ColumnType, String)> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| !sample.bytes.trim_ascii().is_empty()) {
        for inference in sample.infer(&options)? {
            let csv::Inference { column, column_type, because } = inference;
            let because = if samples.len() > 1 && column_type == ColumnType::String {
                format!("{because} of {}", sample.file.object.key)
            } else {
                because
            };
            let place = found.len();
            let known = found.entry(column).or_insert((place, column_type, because.clone()));
            if known.1 != column_type {
                (known.1, known.2) = (ColumnType::String, because);
            }
        }
    }
    if let Some((name, _)) = asked.iter().find(|(name, _)| !found.contains_key(name)) {
        let reason = format!("ColumnTypes names the column {name:?}, which no header has");
        return Err(Refusal::from(reason).into());
    }
    let keys = given.attributes();
    let mut told: Vec<(usize, String)> = Vec::new();
    for (column, (place, inferred, because)) in found {
        let by_key = keys.iter().find(|key| key.name == column).map(|key| key.kind);
        let of_index = |index: &&IndexKey| index.attribute.name == column;
        let by_index = indexes.iter().find(of_index).map(|index| index.attribute.kind);
        let by_user = asked.iter().find(|(name, _)| *name == column).map(|(_, kind)| *kind);
        let (kind, because) = match (by_user, by_key, by_index) {
            (Some(kind), ..) => (kind, "given by ColumnTypes".to_owned()),
            (None, Some(KeyType::N), _) => (ColumnType::Number, "the key's type is N".to_owned()),
            (None, Some(_), _) => (ColumnType::String, "it is part of the key".to_owned()),
            (None, None, Some(KeyType::N)) => {
                (ColumnType::Number, "its type is N in an index's key".to_owned())
            }
            (None, None, Some(_)) => {
                (ColumnType::String, "it is part of an index's key".to_owned())
            }
            (None, None, None) => (inferred, because),
        };
        told.push((place, format!("column {column}: {kind} ({because})")));
        options.types.push((column, kind));
    }
    told.sort();
    Ok((options, told.into_iter().map(|(_, line)| line).collect()))
}

#[cfg(test)]
mod tests {
    use aws::object::ObjectId;
    use item::key::{KeyAttribute, KeySchema};

    use super::*;
    use crate::index;

    /// Samples files given as key and text, and tells the layout and the inferences.
    fn told(manifest: &str, given: &Given, files: &[(&str, &str)]) -> String {
        let manifest = Manifest::parse(manifest.as_bytes()).unwrap();
        let file = |key: &str| {
            let object = ObjectId { bucket: "landing".into(), key: key.into(), version: None };
            File::new(object, 1)
        };
        let files: Vec<_> =
            files.iter().map(|(key, text)| (file(key), text.as_bytes().to_vec())).collect();
        let samples: Vec<_> =
            files.iter().map(|(file, bytes)| Sample { file, bytes: bytes.clone() }).collect();
        match settled(&samples, &manifest, given, &index::of_manifest(&manifest)) {
            Ok(Sampled { layout, inferences }) => {
                format!("{}\n{}", serde_json::json!(layout), inferences.join("\n"))
            }
            Err(stop) => stop.reason(),
        }
    }

    #[test]
    fn types_of_columns_hold_for_every_file() {
        let files = [
            ("imports/t/a.csv", "id,n,s\n1,1,x\n"),
            ("imports/t/b.csv", "id,m,n\n2,y,NA\n3,z,x7\n"),
        ];
        insta::assert_snapshot!(told("{}", &Given::Nothing, &files), @r#"
        {"delimiter":",","format":"csv","missing":["NA"],"types":[["id","N"]]}
        format: comma-separated values: the name says so
        column id: numbers (the only value sampled is a number)
        column n: strings ("x7" on line 3 is not a plain number of imports/t/b.csv)
        column s: strings ("x" on line 2 is not a plain number of imports/t/a.csv)
        column m: strings ("y" on line 2 is not a plain number of imports/t/b.csv)
        "#);
    }

    #[test]
    fn what_is_given_stands_over_what_is_seen() {
        let files = [("imports/t.csv", "007;1\n")];
        let manifest = r#"{"InputFormatOptions":{"Csv":{"Delimiter":";","HeaderList":["id","n"]}},"Headwater":{"ColumnTypes":{"n":"S"},"MissingValues":["-"]}}"#;
        let key = KeySchema::simple(KeyAttribute::new("id", KeyType::N));
        insta::assert_snapshot!(told(manifest, &Given::Schema(key, "the manifest"), &files), @r#"
        {"delimiter":";","format":"csv","header":["id","n"],"missing":["-"],"types":[["id","N"]]}
        format: delimited text: the name says so, and the header has no comma; its fields are separated by semicolons
        column id: numbers (the key's type is N)
        column n: strings (given by ColumnTypes)
        "#);
        let manifest = r#"{"InputFormat":"JSON"}"#;
        insta::assert_snapshot!(told(manifest, &Given::Nothing, &[("imports/t.json", r#"{"Item":{"id":{"S":"a"}}}"#)]), @r#"
        {"format":"jsonLines"}
        format: what InputFormat says
        "#);
    }

    #[test]
    fn a_source_that_makes_no_sense_is_refused() {
        insta::assert_snapshot!(told("{}", &Given::Nothing, &[]), @"the source is empty; a file to import has a row at least");
        insta::assert_snapshot!(told("{}", &Given::Nothing, &[("imports/t/a.csv", ""), ("imports/t/b.csv", " \n")]), @"the source is empty; a file to import has a row at least");
        let files = [("imports/t/a.csv", "id\n1\n"), ("imports/t/b.jsonl", "{\"id\":2}\n")];
        insta::assert_snapshot!(told("{}", &Given::Nothing, &files), @r#"the objects of one import are of one kind: s3://landing/imports/t/a.csv is comma-separated values: the name says so, s3://landing/imports/t/b.jsonl is plain JSON: the first row is not {"Item":{…}}; import them as two, the second with IfExists append"#);
        let manifest = r#"{"Headwater":{"ColumnTypes":{"x":"N"}}}"#;
        insta::assert_snapshot!(told(manifest, &Given::Nothing, &files[..1]), @r#"ColumnTypes names the column "x", which no header has"#);
    }
}
