//! A data file of an export: converted, noted, and the last one finishes the snapshot or increment.

use aws::{
    Class, Clients, Count, Failure,
    snapshot::{self, Finished},
    table, telemetry,
};

use crate::{
    Settings,
    convert::{self, Converted, Stop},
    message::{Export, FileOfExport},
    notes::{Notes, Outcome},
    quarantine,
};

/// Converts a data file, unless that was done before, and finishes the export if it was the last.
pub(crate) async fn take(
    clients: &Clients,
    settings: &Settings,
    task: FileOfExport,
) -> Result<(), Failure> {
    let notes = Notes::of(settings, &task.export)?;
    if !notes.outcomes(clients).await?.contains_key(&task.number) {
        let (outcome, detail) = convert(clients, settings, &task).await?;
        notes.note(clients, task.number, outcome, &detail).await?;
    }
    Box::pin(finish(clients, settings, &notes, &task.export)).await
}

async fn convert(
    clients: &Clients,
    settings: &Settings,
    task: &FileOfExport,
) -> Result<(Outcome, serde_json::Value), Failure> {
    let FileOfExport { export, number, file } = task;
    let mut detail = serde_json::json!({ "dataFile": file.key });
    if file.item_count == 0 {
        return Ok((Outcome::Done { rows: 0, quarantined: 0 }, detail));
    }
    let description = table::describe(clients.dynamodb(), &export.table).await?;
    let Some(key) = description.as_ref().and_then(table::key_of) else {
        // Deleted since: nothing stands on this export any more.
        detail["reason"] = "the table is gone".into();
        return Ok((Outcome::Damaged, detail));
    };
    if let Some(rules) = settings.privacy.of(&export.table) {
        telemetry::rules_in_vain(&export.table, &rules.in_vain_on(key.names()));
    }
    match convert::convert(clients, settings, task, key).await {
        Ok(Converted { rows, rescued, quarantined, lines }) => {
            quarantine::write(clients, settings, task, &lines).await?;
            Count::Files.add(u64::from(rows > 0));
            Count::Records.add(rows);
            Count::RescuedValues.add(rescued);
            Count::Rejects.add(quarantined);
            tracing::info!(
                table = export.table,
                file = number,
                rows,
                quarantined,
                "data file converted"
            );
            Ok((Outcome::Done { rows, quarantined }, detail))
        }
        Err(Stop::Damaged(reason)) => {
            tracing::error!(table = export.table, file = file.key, reason, "data file damaged");
            detail["reason"] = reason.into();
            Ok((Outcome::Damaged, detail))
        }
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

/// Finishes the export if every file is done. Whoever finds so may: the end is the same.
pub(crate) async fn finish(
    clients: &Clients,
    settings: &Settings,
    notes: &Notes,
    export: &Export,
) -> Result<(), Failure> {
    let outcomes = notes.outcomes(clients).await?;
    if outcomes.len() < export.files {
        return Ok(());
    }
    let mut finished = Finished {
        table: export.table.clone(),
        table_id: export.table_id.clone(),
        export_arn: export.arn.clone(),
        export_time: export.time,
        window_start: export.window.map(|window| window.from),
        files: export.files,
        items: export.items,
        rows: 0,
        quarantined: 0,
        damaged_files: 0,
        privacy: settings.privacy.of(&export.table).map(|redaction| redaction.mark()),
    };
    for outcome in outcomes.into_values() {
        match outcome {
            Outcome::Done { rows, quarantined } => {
                finished.rows += rows;
                finished.quarantined += quarantined;
            }
            Outcome::Damaged => finished.damaged_files += 1,
        }
    }
    // Before it is seen to be finished: views and people read its columns.
    let kind = export.kind();
    kind.ensure_table(clients, settings, &export.table).await?;
    snapshot::note(clients.s3(), &settings.lake_bucket, &finished).await?;
    let Finished { table, rows, quarantined, damaged_files, .. } = &finished;
    let [in_lake, not_whole] = kind.metrics();
    telemetry::count(table, &[(in_lake, *rows), (not_whole, u64::from(!finished.is_whole()))]);
    if finished.is_whole() {
        tracing::info!(table, rows, kind = kind.name(), "export finished");
        return Ok(());
    }
    let failure = Failure::stated(
        "GetObject",
        export.arn.clone(),
        format!("{quarantined} lines are in quarantine and {damaged_files} files are damaged"),
        Class::Permanent,
    );
    tracing::error!(table, rows, %failure, "{}", kind.warning());
    Ok(())
}
