//! DynamoDB's own full exports as a source, from their manifest.
//!
//! ```text
//! AWSDynamoDB/<export id>/manifest-summary.json   what, of which table, how many items
//!                        /manifest-files.json     JSON lines: itemCount, md5Checksum, dataFileS3Key
//!                        /data/<name>.json.gz     {"Item":{…}} lines, or .ion.gz
//! ```
//!
//! A data file is found beside its manifest, wherever the export was copied to. Its md5 sum and count are
//! held against what was read, so a file that is cut short or missing is not taken for the table.
//!
//! Source: [export output](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html).

use aws::{
    object::{self, ObjectId},
    sdk::s3,
};
use item::format::Format;
use lake::export::{self, DataFile, SUMMARY, Summary};

use crate::{
    layout::Layout,
    source::{Expected, File},
    stop::{Refusal, Stop},
    work::PassThrough,
};

/// The summary among the files, if they are an export.
pub(crate) fn summary_of(files: &[File]) -> Result<Option<&File>, Refusal> {
    let mut summaries = files.iter().filter(|file| {
        file.object.key.ends_with(SUMMARY) || file.object.key == SUMMARY.trim_start_matches('/')
    });
    match (summaries.next(), summaries.next()) {
        (first, None) => Ok(first),
        (Some(first), Some(second)) => Err(Refusal::from(format!(
            "there are two exports, {} and {}; import one, with its prefix as S3KeyPrefix",
            first.object, second.object
        ))),
        (None, Some(_)) => Ok(None),
    }
}

/// A full export of DynamoDB's own.
#[derive(Debug)]
pub(crate) struct FullExport {
    /// Its data files.
    pub(crate) files: Vec<File>,
    /// How to read them.
    pub(crate) layout: Layout,
    /// What of it `ImportTable` can read as it is: all, if there is nothing beside it and no file without items.
    pub(crate) pass_through: Option<PassThrough>,
    /// What a person should know of it.
    pub(crate) told: String,
}

/// Reads what an export says of itself, and finds its data files among those that were listed.
pub(crate) async fn read(
    s3: &s3::Client,
    listed: &[File],
    summary: &File,
) -> Result<FullExport, Stop> {
    let folder = summary.object.key.trim_end_matches(SUMMARY.trim_start_matches('/')).to_owned();
    let bytes = read_whole(s3, &summary.object).await?;
    let says = Summary::parse(&bytes).map_err(|error| not_dynamodbs(&summary.object, &error))?;
    if !says.is_full() {
        return Err(Refusal::from(format!(
            "{} is of an incremental export, which holds changes and not a table; import a full export",
            summary.object
        ))
        .into());
    }
    let ion = says.format() == Format::DynamoDbIon;
    let manifest = ObjectId {
        key: format!("{folder}{}", export::FILES),
        version: None,
        ..summary.object.clone()
    };
    let lines = read_whole(s3, &manifest).await?;
    let entries = export::data_files(&lines).map_err(|error| not_dynamodbs(&manifest, &error))?;
    let counted: u64 = entries.iter().map(|entry| entry.item_count).sum();
    if counted != says.item_count {
        return Err(Refusal::from(format!(
            "{} says {} items, and its files {counted}; copy the export again, whole",
            summary.object, says.item_count
        ))
        .into());
    }
    let data = format!("{folder}data/");
    let files: Vec<File> = entries
        .into_iter()
        .map(|entry| data_file(entry, &data, listed))
        .collect::<Result<_, _>>()?;
    let extra = listed.iter().filter(|file| file.object.key.starts_with(&data)).count();
    // ImportTable would take whatever else is there as well; and what it makes of files without items,
    // which are in most exports, AWS does not say.
    let has_items = |file: &File| file.expected.as_ref().is_some_and(|expected| expected.rows > 0);
    let is_whole = extra == files.len() && files.iter().all(has_items);
    let bucket = summary.object.bucket.clone();
    let told = format!(
        "a full export of {} as of {}: {} items in {} files, each held against its md5 sum and count",
        says.table_arn,
        says.export_time.map_or("a time it does not say".to_owned(), |time| time.to_string()),
        says.item_count,
        files.len()
    );
    Ok(FullExport {
        files,
        layout: if ion { Layout::DynamoDbIon } else { Layout::DynamoDbJson },
        pass_through: is_whole.then_some(PassThrough { bucket, prefix: data, ion }),
        told,
    })
}

fn data_file(entry: DataFile, data: &str, listed: &[File]) -> Result<File, Refusal> {
    let name = entry.key.rsplit('/').next().unwrap_or_default();
    let key = format!("{data}{name}");
    let found = listed.iter().find(|file| file.object.key == key).cloned();
    let mut file = found.ok_or_else(|| {
        Refusal::from(format!("the export's file {key} is missing; copy the export again, whole"))
    })?;
    file.expected = Some(Expected { md5: entry.md5_checksum, rows: entry.item_count });
    Ok(file)
}

async fn read_whole(s3: &s3::Client, object: &ObjectId) -> Result<Vec<u8>, Stop> {
    let read = object::read(s3, &object.bucket, &object.key).await?;
    Ok(read.ok_or_else(|| {
        Refusal::from(format!("{object} is missing; copy the export again, whole"))
    })?)
}

fn not_dynamodbs(object: &ObjectId, error: &serde_json::Error) -> Refusal {
    Refusal::from(format!("{object} is not what DynamoDB writes ({error}); copy the export again"))
}
