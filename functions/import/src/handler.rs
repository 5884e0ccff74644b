//! One message: an object that was dropped becomes a table, and a report says so.

use std::time::Instant;

use aws::{
    Clients, Failure, clock,
    enrolment::{self, ON, TAG},
    object::{self, ObjectId},
    sdk::dynamodb::types::TableDescription,
    table,
};
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use item::{key::KeySchema, limits::TableName};
use lambda_runtime::Error;

use crate::{
    Settings,
    event::{self, ObjectCreated},
    key::KeyNames,
    load::{self, LoadPlan, Loaded},
    plan::{self, Content, Plan},
    reject::{self, Reject},
    report::{Outcome, Report, Source},
    source,
    stop::{Refusal, Stop},
    survey::{self, Survey},
};

/// The tag that says which import made a table.
const IMPORT_TAG: &str = "headwater:import";

/// Handles a batch of queue messages; those that may succeed later go back to the queue.
pub async fn handle(
    clients: &Clients,
    settings: &Settings,
    event: SqsEvent,
) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let body = message.body.unwrap_or_default();
        if let Err(failure) = handle_message(clients, settings, &body).await {
            tracing::warn!(%failure, "import stopped; the queue tries again");
            let mut again = BatchItemFailure::default();
            again.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(again);
        }
    }
    Ok(response)
}

async fn handle_message(clients: &Clients, settings: &Settings, body: &str) -> Result<(), Failure> {
    let Some(created) = event::object_created(body) else {
        tracing::info!("message tells of no new object; nothing to do");
        return Ok(());
    };
    match plan::plan(&created.object.key, &settings.table_prefix) {
        Plan::Nothing => {
            tracing::info!(key = created.object.key, "object is no import; nothing to do");
            Ok(())
        }
        Plan::Refused { name, reason } => {
            let mut import = Import::new(clients, settings, created, name);
            import.finish(Err(Stop::Refused(reason.into()))).await
        }
        Plan::Table { table, content } => {
            let mut import = Import::new(clients, settings, created, table.to_string());
            if import.is_finished().await? {
                tracing::info!(table = import.report.table, "import is finished already");
                return Ok(());
            }
            let ended = import.run(&table, content).await;
            import.finish(ended).await
        }
    }
}

/// One import on its way, and the report it leads to.
struct Import<'a> {
    clients: &'a Clients,
    settings: &'a Settings,
    object: ObjectId,
    report: Report,
    began: Instant,
    /// Whether the table is there, made by this import.
    made: bool,
}

impl<'a> Import<'a> {
    fn new(
        clients: &'a Clients,
        settings: &'a Settings,
        created: ObjectCreated,
        table: String,
    ) -> Self {
        let ObjectCreated { object, size, writing } = created;
        let ObjectId { bucket, key, version } = object.clone();
        let report = Report {
            import_id: plan::import_id(&bucket, &key, &writing),
            source: Source { bucket, key, version, size },
            table,
            outcome: Outcome::Finished,
            rows_read: 0,
            rows_written: 0,
            rows_rejected: 0,
            rejects: None,
            inferences: Vec::new(),
            throttled_calls: 0,
            enrolment: Vec::new(),
            seconds: 0.0,
        };
        Self { clients, settings, object, report, began: Instant::now(), made: false }
    }

    async fn is_finished(&self) -> Result<bool, Failure> {
        let report =
            object::read(&self.clients.s3, &self.object.bucket, &self.report_key()).await?;
        Ok(report.is_some_and(|report| Outcome::of_report(&report).is_final()))
    }

    async fn run(&mut self, table: &TableName, content: Content) -> Result<(), Stop> {
        let (plan, survey_rejects) = self.survey(table, content).await?;
        self.write_rejects(&survey_rejects).await?;
        let description = self.create(table.as_str(), &plan.schema).await?;
        self.enrol(&description).await?;
        let loaded = load::load(self.clients, &self.object, table.as_str(), plan).await?;
        self.account(survey_rejects, loaded).await
    }

    /// Reads the object for its format, and then row by row.
    async fn survey(
        &mut self,
        table: &TableName,
        content: Content,
    ) -> Result<(LoadPlan, Vec<Reject>), Stop> {
        let given = self.given_key().await?;
        let sampled =
            source::read(self.clients, &self.object, move |input| survey::sample(input, content))
                .await?;
        self.report.inferences = sampled.inferences;
        let (format, name) = (sampled.format.clone(), table.to_string());
        let max_rejects = self.settings.max_rejects;
        let Survey { schema, inferences, rows, rejects, rejected } =
            source::read(self.clients, &self.object, move |input| {
                survey::survey(input, &format, &name, given, max_rejects)
            })
            .await?;
        self.report.rows_read = rows;
        self.report.rows_rejected = rejects.len() as u64;
        self.report.inferences.extend(inferences);
        Ok((LoadPlan { format: sampled.format, schema, rejected }, rejects))
    }

    /// The key that was given as object metadata.
    async fn given_key(&self) -> Result<Option<KeyNames>, Stop> {
        let metadata = object::metadata(&self.clients.s3, &self.object).await?;
        let named = |name: &str| metadata.get(name).filter(|value| !value.is_empty()).cloned();
        match (named("partition-key"), named("sort-key")) {
            (Some(partition), sort) => Ok(Some(KeyNames { partition, sort })),
            (None, None) => Ok(None),
            (None, Some(sort)) => {
                let reason = format!(
                    "the object's metadata gives a sort key ({sort}) and no partition key; give both: \
                     --metadata partition-key=NAME,sort-key={sort}"
                );
                Err(Refusal::from(reason).into())
            }
        }
    }

    /// Makes the table, or finds that an earlier attempt of this import did.
    async fn create(&mut self, table: &str, schema: &KeySchema) -> Result<TableDescription, Stop> {
        let dynamodb = &self.clients.dynamodb;
        if table::describe(dynamodb, table).await?.is_none() {
            let tags = [(TAG, ON), (IMPORT_TAG, self.report.import_id.as_str())];
            match table::create(dynamodb, table, schema, &tags).await {
                // Someone was quicker, perhaps an attempt of ours whose answer was lost.
                Err(failure) if failure.has_code("ResourceInUseException") => {}
                created => created?,
            }
        }
        // Tags are settled only when the table is.
        let description = table::wait_until_active(dynamodb, table).await?;
        let arn = description.table_arn().unwrap_or_default();
        let made_by = table::tag(dynamodb, arn, IMPORT_TAG).await?;
        if made_by.as_ref() == Some(&self.report.import_id) {
            self.made = true;
            return Ok(description);
        }
        let reason = format!(
            "the table {table} exists already and was not made by this import; it was left \
             untouched. Delete it, or drop the object under another name"
        );
        Err(Refusal::from(reason).into())
    }

    /// Nothing is loaded without a catalog table: the values would stand in `_rest` for good.
    async fn enrol(&mut self, description: &TableDescription) -> Result<(), Failure> {
        let settings = &self.settings.enrolment;
        let enrolled = enrolment::enrol(self.clients, settings, description, clock::now()).await?;
        self.report.enrolment = enrolled.steps;
        enrolled.uncatalogued.map_or(Ok(()), Err)
    }

    /// Every row is an item of the table or a reject, or the import is wrong about itself.
    async fn account(&mut self, rejects: Vec<Reject>, loaded: Loaded) -> Result<(), Stop> {
        let refused = loaded.rejects.len();
        let rejects = [rejects, loaded.rejects].concat();
        if refused > 0 {
            self.write_rejects(&rejects).await?;
        }
        let report = &mut self.report;
        report.rows_written = loaded.items;
        report.rows_rejected = rejects.len() as u64;
        report.throttled_calls = loaded.throttled;
        if report.rows_written + report.rows_rejected == report.rows_read {
            return Ok(());
        }
        let reason = format!(
            "{} rows were read, {} written and {} rejected, which does not add up; the table is not \
             what the object holds",
            report.rows_read, report.rows_written, report.rows_rejected
        );
        Err(Refusal { reason, rows: report.rows_read, rejects }.into())
    }

    async fn write_rejects(&mut self, rejects: &[Reject]) -> Result<(), Failure> {
        if rejects.is_empty() {
            return Ok(());
        }
        let Report { table, import_id, source, .. } = &self.report;
        let key = format!("rejects/{table}/{import_id}.jsonl");
        let lines = reject::to_json_lines(table, source, rejects);
        let bucket = &self.object.bucket;
        object::put(&self.clients.s3, bucket, &key, "application/x-ndjson", lines).await?;
        self.report.rejects = Some(format!("s3://{bucket}/{key}"));
        Ok(())
    }

    /// Writes the report; what the queue should try again is in it and is our failure too.
    async fn finish(&mut self, ended: Result<(), Stop>) -> Result<(), Failure> {
        match ended {
            Ok(()) => {}
            Err(Stop::Failed(failure)) if failure.is_retryable() => {
                self.report.outcome = Outcome::Retrying { error: failure.to_string() };
                self.write_report().await?;
                return Err(failure);
            }
            Err(Stop::Failed(failure)) => self.refuse(Refusal::from(failure.to_string())).await?,
            Err(Stop::Refused(refusal)) => self.refuse(refusal).await?,
        }
        self.write_report().await?;
        tracing::info!(
            table = self.report.table,
            import_id = self.report.import_id,
            finished = self.report.outcome == Outcome::Finished,
            rows_read = self.report.rows_read,
            rows_written = self.report.rows_written,
            rows_rejected = self.report.rows_rejected,
            throttled_calls = self.report.throttled_calls,
            seconds = self.report.seconds,
            "import ended"
        );
        Ok(())
    }

    async fn write_report(&mut self) -> Result<(), Failure> {
        self.report.seconds = self.began.elapsed().as_secs_f64();
        let bytes = format!("{:#}\n", serde_json::json!(self.report)).into_bytes();
        let bucket = &self.object.bucket;
        object::put(&self.clients.s3, bucket, &self.report_key(), "application/json", bytes).await
    }

    async fn refuse(&mut self, refusal: Refusal) -> Result<(), Failure> {
        let Refusal { reason, rows, rejects } = refusal;
        self.report.rows_read = self.report.rows_read.max(rows);
        self.report.rows_rejected = self.report.rows_rejected.max(rejects.len() as u64);
        self.write_rejects(&rejects).await?;
        let table = &self.report.table;
        let error = if self.made {
            format!(
                "{reason}. The table {table} was made and may hold some of the rows: delete it \
                 before you drop the object again"
            )
        } else {
            reason
        };
        self.report.outcome = Outcome::Failed { error };
        Ok(())
    }

    fn report_key(&self) -> String {
        format!("reports/{}/{}.json", self.report.table, self.report.import_id)
    }
}
