//! One import in our hands: its state, and what settling and both engines have in common: enrolment, the account of its
//! rows, rejects, messages of our own.

use std::time::Duration;

use aws::{
    Failure, clock,
    enrolment::{self, Step},
    object, queue,
    sdk::dynamodb::types::TableDescription,
    table,
};

use crate::{
    invocation::Invocation,
    layout::Layout,
    lease::Hold,
    message::Turn,
    reject::{self, Head, Reject},
    report::Report,
    stop::{Refusal, Stop},
    work::Work,
};

/// The tag that says which import made a table.
pub(crate) const IMPORT_TAG: &str = "headwater:import";
/// Messages an import may take: at fifteen minutes each, ten days.
const MAX_TURNS: u32 = 1000;

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
    pub(crate) made: bool,
    /// Whether the table was deleted since, with what had been written.
    pub(crate) gone: bool,
}

impl<'a> Import<'a> {
    pub(crate) fn new(run: &'a Invocation<'a>, hold: &'a Hold, bucket: String) -> Self {
        let report = hold.status().report();
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
}
