//! An export has ended: what it is of, and a message for each of its data files.
//!
//! | the export is | |
//! |---|---|
//! | of an enrolled table as it is now | converted, full or incremental |
//! | of a table that is not enrolled, or is gone, or was created anew since | left as it is |
//! | full, of the same second as another of the table | left as it is: the other's snapshot is as good |
//! | incremental, of the same window as another of the table | left as it is, likewise |

use aws::{
    Class, Clients, Failure, catalog,
    enrolment::{ON, TAG},
    object::{self, ObjectId},
    queue, table,
};
use lake::export::{self, FILES, SUMMARY, Summary};

use crate::{
    Settings, file,
    message::{Export, FileOfExport},
    notes::Notes,
};

/// Takes an export up from its summary.
pub(crate) async fn begin(
    clients: &Clients,
    settings: &Settings,
    object: &ObjectId,
) -> Result<(), Failure> {
    let bytes = read(clients, object).await?;
    let summary = Summary::parse(&bytes).map_err(|error| unreadable(object, &error))?;
    if let Some(reason) = left_alone(clients, settings, object, &summary).await? {
        tracing::info!(
            table = summary.table(),
            export = summary.export_arn,
            reason,
            "export left as it is"
        );
        return Ok(());
    }
    let files = files(clients, object, &summary).await?;
    let Some(time) = summary.time() else { return Ok(()) };
    let export = Export {
        bucket: object.bucket.clone(),
        table: summary.table().to_owned(),
        window: summary.window(),
        table_id: summary.table_id,
        arn: summary.export_arn,
        time,
        output_format: summary.output_format,
        files: files.len(),
        items: summary.item_count,
    };
    let notes = Notes::of(settings, &export)?;
    if !notes.claim(clients, &export).await? {
        let reason = "another export of the table is as of the same second, or of the same window";
        tracing::warn!(table = export.table, export = export.arn, reason, "export left as it is");
        return Ok(());
    }
    let bodies = files
        .into_iter()
        .enumerate()
        .map(|(number, file)| FileOfExport { export: export.clone(), number, file }.body());
    queue::send_all(clients.sqs(), &settings.queue, bodies.collect()).await?;
    tracing::info!(
        table = export.table,
        files = export.files,
        items = export.items,
        kind = export.kind().name(),
        "export begun"
    );
    if export.files == 0 {
        Box::pin(file::finish(clients, settings, &notes, &export)).await?;
    }
    Ok(())
}

/// Why the export does not go to the lake, if it does not.
async fn left_alone(
    clients: &Clients,
    settings: &Settings,
    object: &ObjectId,
    summary: &Summary,
) -> Result<Option<&'static str>, Failure> {
    if summary.time().is_none() || summary.is_full() != summary.window().is_none() {
        return Ok(Some("its summary says neither as of when it is nor of which window"));
    }
    let table = summary.table();
    let Some(description) = table::describe(clients.dynamodb(), table).await? else {
        return Ok(Some("the table is gone"));
    };
    if description.table_id() != Some(summary.table_id.as_str()) {
        return Ok(Some("the table was created anew since"));
    }
    if catalog::find(clients.glue(), &settings.database, table).await?.is_some() {
        return Ok(None);
    }
    let arn = description.table_arn().unwrap_or_default();
    let is_ours = ["full", "increment"]
        .iter()
        .any(|kind| object.key.starts_with(&format!("{table}/{kind}/")));
    if is_ours || table::tag(clients.dynamodb(), arn, TAG).await?.as_deref() == Some(ON) {
        // Its catalog table was lost, and comes back.
        let missing = catalog::missing(&settings.database, table);
        return Err(Failure { class: Class::Retryable, ..missing });
    }
    Ok(Some("the table is not enrolled"))
}

/// The data files, whose counts make up the summary's.
async fn files(
    clients: &Clients,
    summary_object: &ObjectId,
    summary: &Summary,
) -> Result<Vec<export::DataFile>, Failure> {
    let folder = summary_object.key.trim_end_matches(SUMMARY);
    let object =
        ObjectId { key: format!("{folder}/{FILES}"), version: None, ..summary_object.clone() };
    let bytes = read(clients, &object).await?;
    let files = export::data_files(&bytes).map_err(|error| unreadable(&object, &error))?;
    let counted: u64 = files.iter().map(|file| file.item_count).sum();
    if counted == summary.item_count {
        return Ok(files);
    }
    let message = format!(
        "its files have {counted} items and the summary says {}; is it being written still?",
        summary.item_count
    );
    Err(Failure::stated("GetObject", object.to_string(), message, Class::Retryable))
}

/// A manifest that is there, or comes within a moment, and is what its sum says, if there is one.
async fn read(clients: &Clients, object: &ObjectId) -> Result<Vec<u8>, Failure> {
    let failed =
        |message| Failure::stated("GetObject", object.to_string(), message, Class::Retryable);
    let read = object::read(clients.s3(), &object.bucket, &object.key).await?;
    let bytes = read.ok_or_else(|| {
        failed("there is no such object; DynamoDB writes both manifests when the data is written")
    })?;
    let sum = export::sum_key(&object.key);
    match object::read(clients.s3(), &object.bucket, &sum).await? {
        Some(told) if !export::is_sum(&told, &bytes) => Err(failed(
            "its md5 sum is not what the object of that name with .md5 says; is it being written still?",
        )),
        // The sum comes after the manifest, or was not copied with it.
        Some(_) | None => Ok(bytes),
    }
}

fn unreadable(object: &ObjectId, error: &serde_json::Error) -> Failure {
    let message = format!("not what DynamoDB writes ({error}); export the table again");
    Failure::stated("GetObject", object.to_string(), message, Class::Permanent)
}
