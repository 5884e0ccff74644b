//! The chain of a table's incremental exports, at the edge: what is known is read, planned on, and started.
//!
//! ```text
//! chain.json ─▶ what a broken run was about to start, started ─▶ the list, and descriptions of what is new
//!      ▲                                                                    │
//!      │                                            plan (`chain`): wait, windows to start, or begin anew
//!      └── known, proven, about to start ◀───────────────────────────────────┤
//!                       │                                                   └─▶ a full export
//!                       └─▶ DynamoDB, window by window ─▶ chain.json
//! ```
//!
//! `state/backup/<table>/chain.json` is written over what was read, before anything is started: of two runs at once one
//! starts what it planned, and the other leaves it to that one. What it holds, and what a run costs, says
//! [`memory`](crate::chain::memory). A table that is only observed gets its plan into the report, and nothing else.

use aws::{
    Class, Failure,
    export::{self, Content},
    recovery,
    state::{self, Put},
    telemetry,
};
use jiff::Timestamp;
use lake::path;
use serde::Serialize;

use crate::{
    chain::{
        Chain, Plan, Recovery, Start, Window,
        memory::{Ask, Memory, Of, Read, Reading},
    },
    exports::Why,
    policy::Mode,
    turn::Turn,
};

/// The most windows that one run starts for a table. DynamoDB exports 300 at once for an account.
const MOST_STARTS: usize = 10;

/// What a run found and did of a table's chain.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChainReport {
    /// Up to where there is no gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proven: Option<Timestamp>,
    /// Seconds from there to the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_seconds: Option<u64>,
    /// Windows that are in progress.
    waiting: Vec<Window>,
    /// Windows that this run started.
    started: Vec<Started>,
    /// Windows that it would start, if the table were not only observed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    would_start: Vec<Window>,
    /// Exports that failed since the last run, and why; they are started again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
    /// Exports that are in progress for more than a day, and count as failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stuck: Vec<String>,
    /// Why the chain begins anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    begins_anew: Option<String>,
    /// The full export that it begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    full_export_arn: Option<String>,
    /// Why nothing was planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_planned: Option<String>,
}

/// A window that was started.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    #[serde(flatten)]
    window: Window,
    attempt: u32,
    export_arn: String,
}

impl ChainReport {
    fn is_left_to_another(&mut self) {
        self.not_planned = Some("another run is at it".to_owned());
    }
}

/// A table's chain in one run.
struct Increments<'a> {
    turn: &'a Turn<'a>,
    /// What all requests have in common.
    request: String,
    /// The newest full export that was asked for.
    full: Option<&'a str>,
    now: Timestamp,
    /// Whether anything is started.
    acts: bool,
}

/// What is remembered, and what a write over it has to name.
struct Recalled {
    memory: Memory,
    tag: Option<String>,
}

/// Plans a table's chain and does what is planned, as far as its mode allows; `full` is the newest full export that was
/// asked for, which the list may not have yet.
pub(crate) async fn ensure(
    turn: &Turn<'_>,
    mode: Mode,
    full: Option<&str>,
    report: &mut ChainReport,
) -> Result<(), Failure> {
    let now = aws::clock::now();
    let request = format!("{} {}", turn.table.arn, turn.settings.exports);
    let increments = Increments { turn, request, full, now, acts: mode != Mode::Observe };
    let ran = Box::pin(increments.run(report)).await;
    if let Some(proven) = report.proven {
        let lag = u64::try_from(now.duration_since(proven).as_secs()).unwrap_or_default();
        report.lag_seconds = Some(lag);
        if increments.acts {
            telemetry::seconds(&turn.table.name, &[("ExportChainLagSeconds", lag)]);
        }
    }
    ran
}

impl Increments<'_> {
    async fn run(&self, report: &mut ChainReport) -> Result<(), Failure> {
        let dynamodb = self.turn.clients.dynamodb();
        let Some(restorable) = recovery::restorable(dynamodb, &self.turn.table.name).await? else {
            report.not_planned = Some("point-in-time recovery is off".to_owned());
            return Ok(());
        };
        let Some(mut recalled) = self.recall(report).await? else {
            report.is_left_to_another();
            return Ok(());
        };
        report.proven = recalled.memory.proven;
        if !self.read(&mut recalled, report).await? {
            report.not_planned = Some(format!(
                "what was exported is being read back: {} exports are known, the next run goes on",
                recalled.memory.count()
            ));
            return Ok(());
        }
        let recovery = Recovery { earliest: restorable.earliest, latest: restorable.latest };
        let plan = self.plan(&recalled.memory, recovery);
        match plan {
            Plan::Wait { proven } => self.wait(recalled, proven, report).await,
            Plan::Start { proven, exports } => {
                self.start(recalled, (proven, exports), report).await
            }
            Plan::StartAnew { reason } => {
                report.begins_anew = Some(reason.to_string());
                self.begin_anew(recalled, report).await
            }
        }
    }

    /// What is remembered, after what a run that broke off was about to start is started; nothing if another run is at it.
    async fn recall(&self, report: &mut ChainReport) -> Result<Option<Recalled>, Failure> {
        let (s3, bucket) = self.turn.state();
        let read = state::read(s3, bucket, &self.key()).await?;
        let (bytes, tag) = read.map(|read| (read.bytes, read.tag)).unzip();
        let memory = Memory::of(bytes.as_deref(), self.turn.table_id);
        let mut recalled = Recalled { memory, tag };
        if self.acts && !recalled.memory.pending.is_empty() {
            let started = self.start_pending(&mut recalled.memory, report).await;
            let is_saved = self.save(&mut recalled).await?;
            started?;
            if !is_saved {
                return Ok(None);
            }
        }
        Ok(Some(recalled))
    }

    /// Reads what DynamoDB tells, and says whether all is known that has to be. What was read before a call failed is kept.
    async fn read(
        &self,
        recalled: &mut Recalled,
        report: &mut ChainReport,
    ) -> Result<bool, Failure> {
        let of = Of { table: &self.turn.table.name, request: &self.request, now: self.now };
        let memory = std::mem::take(&mut recalled.memory);
        let before = memory.clone();
        let mut reading = Reading::begin(of, memory, self.full);
        let asked = self.ask(&mut reading).await;
        let Read { memory, failures, is_complete } = reading.finish();
        recalled.memory = memory;
        report.failed = failures;
        report.stuck = recalled.memory.stuck(self.now);
        let waiting = recalled.memory.windows(self.now).into_iter();
        report.waiting =
            waiting.filter(|it| it.is_underway(self.now)).map(|it| it.window).collect();
        if self.acts && (asked.is_err() || !is_complete) && recalled.memory != before {
            self.save(recalled).await?;
        }
        asked?;
        Ok(is_complete)
    }

    async fn ask(&self, reading: &mut Reading<'_>) -> Result<(), Failure> {
        let dynamodb = self.turn.clients.dynamodb();
        while let Some(ask) = reading.ask() {
            match ask {
                Ask::Describe { arn } => {
                    let told = export::describe(dynamodb, &arn).await?;
                    reading.described(&arn, told.as_ref());
                }
                Ask::List { from } => {
                    reading.listed(export::list(dynamodb, &self.turn.table.arn, from).await?);
                }
            }
        }
        Ok(())
    }

    fn plan(&self, memory: &Memory, recovery: Recovery) -> Plan {
        let chain = Chain {
            request: &self.request,
            proven: memory.proven,
            fulls: &memory.fulls(self.now),
            exports: &memory.windows(self.now),
            recovery,
            length: self.turn.settings.window,
            most_starts: MOST_STARTS,
            now: self.now,
        };
        chain.plan()
    }

    async fn wait(
        &self,
        mut recalled: Recalled,
        proven: Timestamp,
        report: &mut ChainReport,
    ) -> Result<(), Failure> {
        report.proven = Some(proven);
        recalled.memory.prove(proven, self.now);
        // What another run has written since, the next one reads as well.
        if self.acts {
            self.save(&mut recalled).await?;
        }
        Ok(())
    }

    async fn start(
        &self,
        mut recalled: Recalled,
        (proven, exports): (Timestamp, Vec<Start>),
        report: &mut ChainReport,
    ) -> Result<(), Failure> {
        report.proven = Some(proven);
        if !self.acts {
            report.would_start = exports.into_iter().map(|start| start.window).collect();
            return Ok(());
        }
        recalled.memory.prove(proven, self.now);
        recalled.memory.pending = exports;
        if !self.save(&mut recalled).await? {
            report.is_left_to_another();
            return Ok(());
        }
        let started = self.start_pending(&mut recalled.memory, report).await;
        // Lost to a run that started the same: it knows of the same exports.
        self.save(&mut recalled).await?;
        started
    }

    /// Starts what is pending, the oldest first. What cannot be started now stays pending; what can never be is
    /// planned anew by the next run.
    async fn start_pending(
        &self,
        memory: &mut Memory,
        report: &mut ChainReport,
    ) -> Result<(), Failure> {
        let Turn { clients, settings, table, .. } = self.turn;
        for start in memory.pending.clone() {
            let Window { from, to } = start.window;
            let export = export::Export {
                table_arn: &table.arn,
                prefix: &start.window.prefix(&table.name),
                client_token: &start.client_token,
                content: Content::Incremental { from, to },
            };
            match export::start(clients.dynamodb(), &settings.exports, export).await {
                Ok(arn) => {
                    memory.started(&arn, &start, self.now);
                    let Start { window, attempt, .. } = start;
                    report.started.push(Started { window, attempt, export_arn: arn });
                }
                Err(failure) => {
                    if failure.class == Class::Permanent {
                        memory.pending.retain(|pending| *pending != start);
                    }
                    return Err(failure);
                }
            }
        }
        Ok(())
    }

    async fn begin_anew(
        &self,
        mut recalled: Recalled,
        report: &mut ChainReport,
    ) -> Result<(), Failure> {
        if !self.acts {
            return Ok(());
        }
        let arn = self.turn.exports(self.now).ask(self.turn.scheduled, Why::Anew).await?;
        report.full_export_arn = Some(arn.clone());
        let of = Of { table: &self.turn.table.name, request: &self.request, now: self.now };
        let told = export::describe(self.turn.clients.dynamodb(), &arn).await?;
        recalled.memory.told(of, &arn, told.as_ref());
        self.save(&mut recalled).await?;
        Ok(())
    }

    /// Writes what is known over what was read; false if another run has written since.
    async fn save(&self, recalled: &mut Recalled) -> Result<bool, Failure> {
        let (s3, bucket) = self.turn.state();
        let bytes = serde_json::json!(recalled.memory).to_string().into_bytes();
        match state::write(s3, bucket, &self.key(), bytes, recalled.tag.as_deref()).await? {
            Put::Written(tag) => recalled.tag = Some(tag),
            Put::Lost => return Ok(false),
        }
        Ok(true)
    }

    fn key(&self) -> String {
        path::state("backup", &format!("{}/chain.json", path::folder(&self.turn.table.name)))
    }
}
