//! One turn of an import: settled, carried by an engine, and told of in a report.
//!
//! ```text
//! settle, or what an earlier turn settled ─▶ direct: table, enrolment, rows ─┐
//!                                          └▶ native: ImportTable ───────────┴▶ report, or a message goes on
//! ```

use std::sync::Arc;

use aws::{
    Class, Count, Failure,
    batch_write::Ended,
    clock,
    enrolment::{ON, TAG},
    listing, object,
    sdk::dynamodb::types::TableDescription,
    table,
};

use crate::{
    definition,
    direct::{self, Turned},
    import::{End, IMPORT_TAG, Import, Kind},
    invocation::Invocation,
    message::SOON,
    native,
    report::{Outcome, Report},
    settle::{self, Settled},
    status::{Engine, Loaded, Phase},
    stop::{Refusal, Stop},
    work::{Work, work_key},
};

/// Turns in which nothing was written before the import ends.
const MAX_STALLED: u32 = 20;

impl Import<'_> {
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
    fn same_table(&mut self, description: &TableDescription) -> Result<(), Stop> {
        let Some(id) = description.table_id() else {
            let message =
                "the answer has no TableId, so it is not known whether the table is the same";
            let table = self.report.table.clone();
            return Err(Failure::stated("DescribeTable", table, message, Class::Retryable).into());
        };
        match self.hold.status().table_id {
            Some(known) if known != id => Err(self.table_is_gone().into()),
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
