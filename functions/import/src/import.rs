//! One import in our hands: settled, carried by an engine, and told of in a report.

use std::{sync::Arc, time::Duration};

use aws::{
    Count, Failure,
    batch_write::Ended,
    clock,
    enrolment::{self, ON, Step, TAG},
    listing, object, queue,
    sdk::dynamodb::types::TableDescription,
    table,
};

use crate::{
    definition,
    direct::{self, Turned},
    handler::{Invocation, SOON},
    layout::Layout,
    lease::Hold,
    message::Turn,
    native,
    reject::{self, Head, Reject},
    report::{Outcome, Report},
    settle::{self, Settled},
    status::{Engine, Loaded, Phase},
    stop::{Refusal, Stop},
    work::{Work, work_key},
};

/// The tag that says which import made a table.
pub(crate) const IMPORT_TAG: &str = "headwater:import";
/// Messages an import may take: at fifteen minutes each, ten days.
const MAX_TURNS: u32 = 1000;

/// Turns in which nothing was written before the import ends.
const MAX_STALLED: u32 = 20;

/// What is imported.
#[derive(Debug)]
pub(crate) enum Kind {
    /// The object itself.
    Object,
    /// The objects of a folder; the object is its manifest.
    Folder(String),
    /// The object: rows that were rejected before, mended.
    Rejects(Box<Head>),
    /// Nothing, for this reason.
    Refused(String),
    /// What an earlier turn settled.
    Settled,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The table is as the source says.
    Finished,
    /// A dry run: nothing was made.
    Planned,
    /// A message goes on with it.
    Continues,
}

/// An import in our hands.
pub(crate) struct Import<'a> {
    pub(crate) run: &'a Invocation<'a>,
    pub(crate) hold: &'a Hold,
    /// The landing bucket.
    pub(crate) bucket: String,
    pub(crate) report: Report,
    /// How the source is read, once that is known.
    pub(crate) layout: Option<Layout>,
    /// Whether the source was surveyed in this turn.
    pub(crate) surveyed_now: bool,
    /// Whether the direct engine has made the table, or had before.
    made: bool,
    /// Whether the table was deleted since, with what had been written.
    gone: bool,
}

impl<'a> Import<'a> {
    pub(crate) fn new(run: &'a Invocation<'a>, hold: &'a Hold, bucket: String) -> Self {
        let status = hold.status();
        let report = Report::of(&status);
        Self {
            run,
            hold,
            bucket,
            report,
            layout: None,
            surveyed_now: false,
            made: false,
            gone: false,
        }
    }

    /// Goes as far as this invocation can; what the queue should try again is an error.
    pub(crate) async fn run(mut self, kind: Kind) -> Result<(), Failure> {
        let hold = self.hold;
        let ended = match hold.while_held(Box::pin(self.work(kind))).await {
            Ok(ended) => ended,
            // Whoever has it now also writes its report.
            Err(lost) => return Err(lost),
        };
        self.end(ended).await
    }

    async fn work(&mut self, kind: Kind) -> Result<End, Stop> {
        let work = match (self.hold.status().engine, kind) {
            (None, Kind::Refused(reason)) => return Err(Refusal::from(reason).into()),
            (Some(_), Kind::Refused(reason)) => {
                let key = work_key(&self.report.table, &self.report.import_id);
                let work = Work::load(self.run.clients, &self.bucket, &key).await?;
                self.report = Report { turns: self.report.turns, ..work.report };
                return Err(Refusal::from(reason).into());
            }
            (None, kind) => match Box::pin(settle::settle(self, kind)).await? {
                Settled::Planned => return Ok(End::Planned),
                Settled::Work(work) => {
                    self.surveyed_now = true;
                    *work
                }
            },
            (Some(_), _) => {
                let key = work_key(&self.report.table, &self.report.import_id);
                Work::load(self.run.clients, &self.bucket, &key).await?
            }
        };
        self.report = Report { turns: self.report.turns, ..work.report.clone() };
        self.layout = Some(work.layout.clone());
        let work = Arc::new(work);
        match self.hold.status().engine {
            Some(Engine::Native(state)) => Box::pin(native::run(self, &work, state)).await,
            Some(Engine::Direct(loaded)) => Box::pin(self.load(&work, loaded)).await,
            None => Err(Refusal::from("the import has no engine".to_owned()).into()),
        }
    }

    async fn load(&mut self, work: &Arc<Work>, from: Loaded) -> Result<End, Stop> {
        let description = self.table(work).await?;
        self.enrol(&description, work).await?;
        let so_far = direct::progress(work, &from);
        self.hold.resume(Phase::Loading, &so_far).await?;
        let Invocation { clients, deadline, .. } = *self.run;
        let began_at = from.checkpoint.rows;
        let Turned { loaded, rejects, ended } =
            direct::load(clients, self.hold, work, from, deadline).await;
        // Before the state passes the rows: a turn that is repeated begins at the same row, and writes them
        // anew under the same name.
        self.write_rejects(&rejects, Some(began_at)).await?;
        self.report.rows_written = loaded.written;
        self.report.rows_rejected = work.report.rows_rejected + loaded.refused;
        self.report.throttled_calls = loaded.throttled_calls;
        self.hold.update(|status| status.engine = Some(Engine::Direct(loaded.clone())));
        let ended = ended.map_err(|stop| match stop {
            Stop::Failed(failure) if failure.has_code("ResourceNotFoundException") => {
                self.table_is_gone().into()
            }
            stop => stop,
        })?;
        if ended == Ended::OutOfTime {
            if loaded.stalled >= MAX_STALLED {
                return Err(Self::stalled(&loaded).into());
            }
            self.pass_on(SOON).await?;
            return Ok(End::Continues);
        }
        // Whatever fails from here on, no item is written again.
        self.hold.save().await?;
        self.account(work, loaded.written, loaded.refused)?;
        definition::complete(self.run.clients.dynamodb(), work, &description).await?;
        Ok(End::Finished)
    }

    fn stalled(loaded: &Loaded) -> Refusal {
        Refusal::from(format!(
            "the table took nothing in {} runs of the function, after {} items; raise its write capacity, or \
             MaxWriteRate",
            loaded.stalled, loaded.written
        ))
    }

    /// Makes the table, or finds that an earlier attempt of this import did.
    async fn table(&mut self, work: &Work) -> Result<TableDescription, Stop> {
        let dynamodb = self.run.clients.dynamodb();
        let there = table::describe(dynamodb, &self.report.table).await?;
        let is_gone = there.as_ref().is_none_or(table::is_being_deleted);
        if is_gone && (work.appends || self.hold.status().table_id.is_some()) {
            return Err(self.table_is_gone().into());
        }
        if let Some(deleting) = there.as_ref().filter(|_| is_gone) {
            return Err(table::being_deleted(deleting).into());
        }
        let created = there.is_none() && self.create(work).await?;
        // Tags are settled only when the table is.
        let description = table::wait_until_active(dynamodb, &self.report.table).await?;
        // Which table has our tag, DynamoDB may learn a moment after it has made it for us.
        if !(work.appends || created || self.is_ours(&description).await?) {
            return Err(self.table_exists().into());
        }
        self.made = !work.appends;
        self.same_table(&description)?;
        Ok(description)
    }

    /// Makes the table; not so if someone was quicker, perhaps an attempt of ours whose answer was lost.
    async fn create(&self, work: &Work) -> Result<bool, Stop> {
        let tags = [(TAG, ON), (IMPORT_TAG, self.report.import_id.as_str())];
        let request = definition::create(work, &tags)?;
        match table::create(self.run.clients.dynamodb(), &self.report.table, request).await {
            Ok(()) => Ok(true),
            Err(failure) if failure.has_code("ResourceInUseException") => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Remembers the table, and refuses another of its name: what was loaded before is not in that.
    fn same_table(&mut self, description: &TableDescription) -> Result<(), Refusal> {
        let id = description.table_id().unwrap_or_default();
        match self.hold.status().table_id {
            Some(known) if known != id => Err(self.table_is_gone()),
            Some(_) => Ok(()),
            None => {
                self.hold.update(|status| status.table_id = Some(id.to_owned()));
                Ok(())
            }
        }
    }

    fn table_is_gone(&mut self) -> Refusal {
        self.gone = true;
        Refusal::from(format!(
            "the table {} was deleted while the import was at work on it; drop the source again",
            self.report.table
        ))
    }

    /// Whether this import made the table.
    pub(crate) async fn is_ours(&self, description: &TableDescription) -> Result<bool, Failure> {
        let arn = description.table_arn().unwrap_or_default();
        let made_by = table::tag(self.run.clients.dynamodb(), arn, IMPORT_TAG).await?;
        Ok(made_by.as_ref() == Some(&self.report.import_id))
    }

    pub(crate) fn table_exists(&self) -> Refusal {
        Refusal::from(format!(
            "the table {} exists already and was not made by this import; it was left untouched. Delete \
             it, drop the object under another name, or import with IfExists append",
            self.report.table
        ))
    }

    /// Nothing is loaded before all of it is done: without a mapping changes would pass the lake by, and without a
    /// catalog table values would stand in `_rest` for good.
    pub(crate) async fn enrol(
        &mut self,
        description: &TableDescription,
        work: &Work,
    ) -> Result<(), Failure> {
        let before = self.hold.status().enrolment;
        self.report.enrolment = if work.appends {
            vec![Step::LeftAlone(
                "the table was there before, and stays enrolled or not".to_owned(),
            )]
        } else if before.is_empty() {
            let settings = &self.run.settings.enrolment;
            let now = clock::now();
            let enrolled = enrolment::enrol(self.run.clients, settings, description, now).await;
            let steps = enrolled.whole()?;
            self.hold.update(|status| status.enrolment.clone_from(&steps));
            steps
        } else {
            before
        };
        Ok(())
    }

    /// Every row is an item of the table, superseded or a reject, or the import is wrong about itself.
    pub(crate) fn account(&mut self, work: &Work, written: u64, refused: u64) -> Result<(), Stop> {
        let report = &mut self.report;
        report.rows_written = written;
        report.rows_rejected = work.report.rows_rejected + refused;
        let found = report.rows_written + report.rows_rejected + report.rows_superseded;
        if found == report.rows_read {
            return Ok(());
        }
        let reason = format!(
            "{} rows were read, {} written, {} rejected and {} superseded, which does not add up; the \
             table is not what the source holds",
            report.rows_read, report.rows_written, report.rows_rejected, report.rows_superseded
        );
        Err(Refusal::from(reason).into())
    }

    /// Sends the message that goes on with it, unless it took too many.
    pub(crate) async fn pass_on(&self, delay: Duration) -> Result<(), Stop> {
        if self.hold.status().turn >= MAX_TURNS {
            let reason = format!(
                "the import took {MAX_TURNS} messages and is not done; the table takes no more than it \
                 did. Raise its write capacity and drop the source anew, with IfExists append"
            );
            return Err(Refusal::from(reason).into());
        }
        self.send_next(delay).await
    }

    /// Sends the message of the next turn; who calls it bounds how often.
    pub(crate) async fn send_next(&self, delay: Duration) -> Result<(), Stop> {
        let next = self.hold.status().turn + 1;
        self.send(next, None, delay).await?;
        // After the message: one that was sent and not noted is better than one noted and not sent.
        self.hold.update(|status| status.turn = next);
        Ok(())
    }

    /// Sends a message of our own.
    pub(crate) async fn send(
        &self,
        turn: u32,
        file: Option<usize>,
        delay: Duration,
    ) -> Result<(), Failure> {
        let Report { table, import_id, .. } = &self.report;
        let message = Turn {
            bucket: self.bucket.clone(),
            table: table.clone(),
            import_id: import_id.clone(),
            number: turn,
            file,
        };
        let Invocation { clients, settings, .. } = *self.run;
        queue::send(clients.sqs(), &settings.queue, message.body(), delay).await
    }

    /// Writes the rows that the survey rejected, or those that DynamoDB refused in a turn that began at a
    /// row.
    pub(crate) async fn write_rejects(
        &self,
        rejects: &[Reject],
        turn: Option<u64>,
    ) -> Result<(), Failure> {
        let (Some(layout), false) = (&self.layout, rejects.is_empty()) else {
            return Ok(());
        };
        let Report { table, import_id, source, rejected_from, .. } = &self.report;
        let turn = turn.map(|row| format!("-from-{row}")).unwrap_or_default();
        let key = format!("rejects/{table}/{import_id}{turn}.rejects.jsonl");
        let head = Head {
            table: table.clone(),
            source: rejected_from.as_ref().unwrap_or(source).clone(),
            layout: layout.of_rejects().clone(),
        };
        let lines = reject::to_json_lines(&head, rejects);
        object::put(self.run.clients.s3(), &self.bucket, &key, "application/x-ndjson", lines).await
    }

    /// Writes the report; what the queue should try again is in it and is our failure too.
    async fn end(mut self, ended: Result<End, Stop>) -> Result<(), Failure> {
        match ended {
            Ok(End::Continues) => return self.hold.let_go().await,
            Ok(End::Finished) => self.report.outcome = Outcome::Finished,
            Ok(End::Planned) => self.report.outcome = Outcome::Planned,
            Err(Stop::Failed(failure)) if failure.is_retryable() => {
                self.report.outcome = Outcome::Retrying { error: failure.to_string() };
                self.write_report().await?;
                self.hold.let_go().await?;
                return Err(failure);
            }
            Err(stop) => self.fail(stop).await?,
        }
        self.write_report().await?;
        self.hold.update(|status| status.phase = Phase::Ended);
        self.hold.let_go().await?;
        Count::Records.add(self.report.rows_written);
        Count::Rejects.add(self.report.rows_rejected);
        Count::Bytes.add(self.hold.status().progress.bytes_total);
        Ok(())
    }

    async fn fail(&mut self, stop: Stop) -> Result<(), Failure> {
        let Refusal { reason, rows, rejects } = match stop {
            Stop::Refused(refusal) => refusal,
            Stop::Failed(failure) => Refusal::from(failure.to_string()),
        };
        self.report.rows_read = self.report.rows_read.max(rows);
        self.report.rows_rejected = self.report.rows_rejected.max(rejects.len() as u64);
        self.write_rejects(&rejects, None).await?;
        let staged = native::remove_staged(self).await?;
        let Report { table, rows_written, .. } = &self.report;
        let error = if self.gone {
            reason
        } else if self.made {
            format!(
                "{reason}. The table {table} was made and holds {rows_written} of the rows or more: delete \
                 it before you drop the source again"
            )
        } else if *rows_written > 0 {
            format!(
                "{reason}. {rows_written} rows or more were written to the table {table}; dropped again, the \
                 source writes them once more, with the same content"
            )
        } else {
            reason
        };
        let error = match staged {
            Some(place) => format!(
                "{error}. ImportTable may be at work on the table {table} still, so what it reads stays \
                 under {place}; it is removed after 15 days"
            ),
            None => error,
        };
        self.report.outcome = Outcome::Failed { error };
        Ok(())
    }

    async fn write_report(&mut self) -> Result<(), Failure> {
        let s3 = self.run.clients.s3();
        let Report { table, import_id, .. } = &self.report;
        let kept = listing::keys(s3, &self.bucket, &format!("rejects/{table}/{import_id}")).await?;
        self.report.rejects =
            kept.into_iter().map(|key| format!("s3://{}/{key}", self.bucket)).collect();
        let took = clock::now().duration_since(self.hold.status().began_at);
        self.report.seconds = took.as_secs_f64();
        self.report.next = self.report.next_step();
        let key = format!("reports/{}/{}.json", self.report.table, self.report.import_id);
        let bytes = format!("{:#}\n", serde_json::json!(self.report)).into_bytes();
        object::put(s3, &self.bucket, &key, "application/json", bytes).await?;
        let Report { table, rows_read, rows_written, rows_rejected, seconds, .. } = &self.report;
        let status = self.report.outcome.name();
        tracing::info!(
            table,
            status,
            rows_read,
            rows_written,
            rows_rejected,
            seconds,
            "import ended"
        );
        Ok(())
    }
}
