//! The native engine: DynamoDB's own `ImportTable` does the work.
//!
//! ```text
//! one file ──────────────── staged in this turn ─────────────────────┐
//! many files ─▶ one message each ─▶ staged, and the last one to finish ─┴▶ ImportTable
//! a full export of DynamoDB's own, whole as it is ───────────────────────▶    │
//!                        a message every few seconds: DescribeImport ◀───────────┘
//!                                          └─▶ tags, enrolment, staging removed, report
//! ```
//!
//! Who finishes last is seen in the bucket: for whoever finds every file staged the handler takes the import's lease, and
//! of several only one gets it.

mod follow;
mod stage;

use std::{convert::Infallible, sync::Arc, time::Duration};

use aws::{
    Clients, Failure, clock, listing,
    sdk::dynamodb::{
        operation::import_table::builders::ImportTableInputBuilder,
        types::{InputCompressionType, InputFormat, S3BucketSource},
    },
    table_import,
};

use crate::{
    definition,
    import::{End, Import, Kind},
    invocation::Invocation,
    lease::{self, status_key},
    message::{SOON, Turn},
    meter::Meter,
    status::{Amount, Engine, HEARTBEAT, Native, Phase, Progress, Stage, Staging},
    stop::{Refusal, Stop},
    work::{PassThrough, Work, work_key},
};

/// Goes on with a native import, wherever it is.
pub(crate) async fn run(
    import: &mut Import<'_>,
    work: &Arc<Work>,
    state: Native,
) -> Result<End, Stop> {
    match state.stage {
        Stage::Staging if work.pass_through.is_some() => start(import, work, &state).await,
        // Staging takes longer than the survey took, and has a whole run then.
        Stage::Staging if import.surveyed_now && !import.run.deadline.is_young() => {
            import.pass_on(SOON).await?;
            Ok(End::Continues)
        }
        Stage::Staging if work.files_with_rows().len() == 1 => {
            import.hold.begin(Phase::Staging, work.bytes()).await?;
            let meter = Arc::clone(&import.hold.meter);
            for file in work.files_with_rows() {
                stage_one(import.run, &import.bucket, work, file, Arc::clone(&meter)).await?;
            }
            start(import, work, &state).await
        }
        Stage::Staging if all_staged(import.run, &import.bucket, work).await? => {
            start(import, work, &state).await
        }
        Stage::Staging => spread(import, work).await,
        Stage::Starting => start(import, work, &state).await,
        Stage::Importing { ref import_arn, started_at, .. } => {
            follow::follow(import, work, &state, import_arn, started_at).await
        }
    }
}

/// Sends a message for each file.
async fn spread(import: &mut Import<'_>, work: &Work) -> Result<End, Stop> {
    import.hold.begin(Phase::Staging, work.bytes()).await?;
    let next = import.hold.status().turn + 1;
    for file in work.files_with_rows() {
        import.send(next, Some(file), SOON).await?;
    }
    import.hold.update(|status| {
        status.turn = next;
        status.staging = Some(Staging::begun(clock::now()));
    });
    Ok(End::Continues)
}

/// Stages one of many files. Gives what the import goes on with if it was the last, or cannot be staged.
pub(crate) async fn stage_file(
    run: &Invocation<'_>,
    turn: &Turn,
    file: usize,
) -> Result<Option<Kind>, Failure> {
    let Turn { bucket, table, import_id, .. } = turn;
    let key = status_key(table, import_id);
    // A message that comes again when all is done must not stage anew what was removed.
    if !lease::is_at_turn(run.clients, bucket, &key, turn.number).await? {
        tracing::info!(status = key, file, "file is staged already");
        return Ok(None);
    }
    let work = Work::load(run.clients, bucket, &work_key(table, import_id)).await?;
    let meter = Arc::new(Meter::new(&Progress::default()));
    let staged = tokio::select! {
        staged = stage_one(run, bucket, &work, file, Arc::clone(&meter)) => staged,
        never = note_progress(run.clients, bucket, &key, file, &meter) => match never {},
    };
    match staged {
        Ok(()) => {
            let amount = Amount {
                rows: work.rows.get(file).copied().unwrap_or_default(),
                bytes: work.files.get(file).map_or(0, |file| file.size),
            };
            note(run.clients, bucket, &key, |staging| staging.staged(file, amount)).await;
            Ok(all_staged(run, bucket, &work).await?.then_some(Kind::Settled))
        }
        Err(Stop::Failed(failure)) if failure.is_retryable() => {
            tracing::warn!(status = key, file, "file is not staged yet");
            Err(failure)
        }
        Err(stop) => Ok(Some(Kind::Refused(stop.reason()))),
    }
}

/// Notes again and again how far a file is.
async fn note_progress(
    clients: &Clients,
    bucket: &str,
    key: &str,
    file: usize,
    meter: &Meter,
) -> Infallible {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let Progress { rows, bytes, .. } = meter.progress();
        let amount = Amount { rows, bytes };
        note(clients, bucket, key, |staging| staging.reached(file, amount)).await;
    }
}

/// Notes progress; nothing depends on it.
async fn note(clients: &Clients, bucket: &str, key: &str, change: impl Fn(&mut Staging)) {
    if let Err(failure) = lease::note(clients, bucket, key, change).await {
        tracing::warn!(%failure, status = key, "progress not noted");
    }
}

async fn stage_one(
    run: &Invocation<'_>,
    bucket: &str,
    work: &Work,
    file: usize,
    meter: Arc<Meter>,
) -> Result<(), Stop> {
    stage::stage(run.clients, bucket, work, file, meter, run.deadline.stop_at()).await
}

async fn all_staged(run: &Invocation<'_>, bucket: &str, work: &Work) -> Result<bool, Failure> {
    let prefix = stage::prefix(&work.report.import_id);
    let staged = listing::keys(run.clients.s3(), bucket, &prefix).await?;
    Ok(staged.len() >= work.files_with_rows().len())
}

/// Removes what was staged, unless `ImportTable` may be reading it: gives the place of what stays.
///
/// Without it the job would end with a part of the table, or with none. A rule of the bucket removes it
/// after 15 days, longer than a job is followed.
pub(crate) async fn remove_staged(import: &Import<'_>) -> Result<Option<String>, Failure> {
    let Some(Engine::Native(state)) = import.hold.status().engine else {
        return Ok(None);
    };
    let (s3, bucket) = (import.run.clients.s3(), &import.bucket);
    let prefix = stage::prefix(&import.report.import_id);
    if !state.stage.reads_staged() {
        listing::remove(s3, bucket, &prefix).await?;
        return Ok(None);
    }
    // Nothing is staged of an export that is read as it is.
    let staged = listing::keys(s3, bucket, &prefix).await?;
    Ok((!staged.is_empty()).then(|| format!("s3://{bucket}/{prefix}")))
}

/// Starts `ImportTable`, or finds that it was started.
async fn start(import: &mut Import<'_>, work: &Work, state: &Native) -> Result<End, Stop> {
    // Noted before it is asked for: if the answer does not come, what is staged may be read all the same.
    enter(import, state, Stage::Starting);
    import.hold.save().await?;
    let import_arn = match asked(import, work, state).await {
        Ok(import_arn) => import_arn,
        Err(stop) => {
            // Refused, and not asked before without an answer: there is no job.
            if !stop.is_retryable() && state.stage == Stage::Staging {
                enter(import, state, Stage::Staging);
            }
            return Err(stop);
        }
    };
    let started_at = Some(clock::now());
    let stage = Stage::Importing { import_arn: import_arn.clone(), started_at, has_ended: false };
    let state = enter(import, state, stage);
    import.hold.begin(Phase::Importing, 0).await?;
    // Small imports are done at once where this is tried out, and never within seconds on AWS.
    tokio::time::sleep(Duration::from_secs(1)).await;
    follow::follow(import, work, &state, &import_arn, started_at).await
}

/// Notes what the engine is doing; the next heartbeat writes it.
fn enter(import: &Import<'_>, state: &Native, stage: Stage) -> Native {
    let state = Native { stage, ..state.clone() };
    import.hold.update(|status| status.engine = Some(Engine::Native(state.clone())));
    state
}

/// Asks for `ImportTable`, and gives the job that there is then.
async fn asked(import: &Import<'_>, work: &Work, state: &Native) -> Result<String, Stop> {
    let dynamodb = import.run.clients.dynamodb();
    let staged = PassThrough {
        bucket: import.bucket.clone(),
        prefix: stage::prefix(&work.report.import_id),
        ion: false,
    };
    let source = work.pass_through.as_ref().unwrap_or(&staged);
    let table = &work.report.table;
    match table_import::start(dynamodb, table, request(work, source, state)?).await {
        // Perhaps an attempt of ours whose answer was lost: what reads this prefix is ours.
        Err(failure) if failure.has_code("ResourceInUseException") => {
            let ours = table_import::of_prefix(dynamodb, &source.bucket, &source.prefix).await?;
            let ours = ours.filter(|_| work.pass_through.is_none());
            Ok(ours.ok_or_else(|| import.table_exists())?)
        }
        started => Ok(started?),
    }
}

fn request(
    work: &Work,
    source: &PassThrough,
    state: &Native,
) -> Result<ImportTableInputBuilder, Refusal> {
    let bucket =
        S3BucketSource::builder().s3_bucket(&source.bucket).s3_key_prefix(&source.prefix).build();
    Ok(ImportTableInputBuilder::default()
        .client_token(format!("{}-{}", &work.report.import_id[..24], state.attempt))
        .s3_bucket_source(bucket.map_err(|error| definition::unbuilt(&error))?)
        .input_format(if source.ion { InputFormat::Ion } else { InputFormat::DynamodbJson })
        .input_compression_type(InputCompressionType::Gzip)
        .table_creation_parameters(definition::parameters(work)?))
}
