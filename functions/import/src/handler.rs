//! One message: an object that was dropped becomes a table, and a report says so.
//!
//! ```text
//! Object Created ─ target ─▶ begin ─┐
//! our own message ─────────▶ go on ─┴─▶ lease ─▶ settle ─▶ engine ─▶ report
//!     └─ of a file ─▶ stage ─▶ all are? ─┘                    └─ time is up ─▶ our own message
//! ```

use std::time::Duration;

use aws::{Class, Clients, Failure, clock, object_created::ObjectCreated};
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent};

use crate::{
    Settings,
    deadline::Deadline,
    import::{Import, Kind},
    invocation::Invocation,
    lease::{self, Taken, status_key},
    message::{self, Message, Turn},
    native, rejects,
    report::Source,
    status::{Phase, Progress, Status},
    stop::Stop,
    target::{self, Target},
};

/// Handles a batch of queue messages; those that may succeed later go back to the queue.
pub async fn handle(
    clients: &Clients,
    settings: &Settings,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let left = clock::end_of_invocation(event.context.deadline) - clock::now().as_millisecond();
    let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
    let invocation = Invocation {
        clients,
        settings,
        id: event.context.request_id,
        deadline: Deadline::after(left),
    };
    let mut response = SqsBatchResponse::default();
    for message in event.payload.records {
        let body = message.body.unwrap_or_default();
        if let Err(failure) = Box::pin(invocation.take(&body)).await {
            tracing::warn!(%failure, "import stopped; the queue tries again");
            let mut again = BatchItemFailure::default();
            again.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(again);
        }
    }
    Ok(response)
}

impl Invocation<'_> {
    async fn take(&self, body: &str) -> Result<(), Failure> {
        match message::read(body) {
            None => {
                tracing::info!("message tells of no new object; nothing to do");
                Ok(())
            }
            Some(Message::Created(created)) => self.begin(created).await,
            Some(Message::Turn(turn)) => self.go_on(turn).await,
        }
    }

    async fn begin(&self, created: ObjectCreated) -> Result<(), Failure> {
        match target::of(&created.object.key, &self.settings.table_prefix) {
            Target::Nothing => {
                tracing::info!(key = created.object.key, "object is no import; nothing to do");
                Ok(())
            }
            Target::Refused { name, reason } => {
                self.start(created, name, Kind::Refused(reason)).await
            }
            Target::Object(table) => self.start(created, table.to_string(), Kind::Object).await,
            Target::Folder(table, folder) => {
                self.start(created, table.to_string(), Kind::Folder(folder)).await
            }
            Target::Rejects(name) => {
                let prefix = &self.settings.table_prefix;
                match rejects::head(self.clients, &created, prefix).await {
                    Ok(head) => {
                        let table = head.table.clone();
                        self.start(created, table, Kind::Rejects(Box::new(head))).await
                    }
                    Err(Stop::Failed(failure)) if failure.is_retryable() => Err(failure),
                    Err(stop) => self.start(created, name, Kind::Refused(stop.reason())).await,
                }
            }
        }
    }

    async fn start(
        &self,
        created: ObjectCreated,
        table: String,
        kind: Kind,
    ) -> Result<(), Failure> {
        let ObjectCreated { object, size, writing } = created;
        let import_id = target::import_id(&object.bucket, &object.key, &writing);
        let bucket = object.bucket.clone();
        let now = clock::now();
        let new = Status {
            table,
            source: Source {
                bucket: object.bucket,
                key: object.key,
                version: object.version,
                size,
            },
            phase: Phase::Surveying,
            progress: Progress { bytes_total: size, ..Progress::default() },
            began_at: now,
            updated_at: now,
            turn: 0,
            lease: None,
            engine: None,
            staging: None,
            table_id: None,
            enrolment: Vec::new(),
            import_id,
        };
        let key = status_key(&new.table, &new.import_id);
        match lease::take(self.clients, &bucket, &key, &self.id, 0, Some(new)).await? {
            Taken::Ours(hold) => Box::pin(Import::new(self, &hold, bucket).run(kind)).await,
            taken => not_ours(&taken, &bucket, &key),
        }
    }

    async fn go_on(&self, turn: Turn) -> Result<(), Failure> {
        let kind = match turn.file {
            None => Kind::Settled,
            Some(file) => match Box::pin(native::stage_file(self, &turn, file)).await? {
                Some(kind) => kind,
                None => return Ok(()),
            },
        };
        let key = status_key(&turn.table, &turn.import_id);
        match lease::take(self.clients, &turn.bucket, &key, &self.id, turn.number, None).await? {
            Taken::Ours(hold) => Box::pin(Import::new(self, &hold, turn.bucket).run(kind)).await,
            // Another file got so far at the same time. If its invocation breaks off, its own message comes again.
            Taken::Held(at) if turn.file.is_some() && at == turn.number => Ok(()),
            // Of a file: whoever sent the messages has not let go yet, and nobody else would start the import.
            taken => not_ours(&taken, &turn.bucket, &key),
        }
    }
}

/// A message for an import that is not ours to work on.
fn not_ours(taken: &Taken, bucket: &str, key: &str) -> Result<(), Failure> {
    let resource = format!("s3://{bucket}/{key}");
    if matches!(taken, Taken::Held(_)) {
        let message = "another invocation is at this import";
        return Err(Failure::stated("PutObject", resource, message, Class::Retryable));
    }
    tracing::info!(status = resource, "import is over, or goes on in a later message");
    Ok(())
}
