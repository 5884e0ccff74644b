//! Asking Athena.

use anyhow::{Context, Result};
use aws::{athena::Place, sdk::athena::types::QueryExecutionState as State};

use crate::{Stack, until};

impl Stack {
    /// Where queries run.
    pub fn athena(&self) -> Place {
        Place { workgroup: self.workgroup.clone(), database: self.database.clone() }
    }

    /// The rows of a query's answer, without its heads, as text; at most 999.
    pub async fn query(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let athena = self.clients.athena();
        let context = aws::sdk::athena::types::QueryExecutionContext::builder();
        let start = athena.start_query_execution().work_group(&self.workgroup).query_string(sql);
        let start = start.query_execution_context(context.database(&self.database).build());
        let id = start.send().await?.query_execution_id.context("an execution has an id")?;
        until(&format!("an answer to {sql}"), async || {
            let got = athena.get_query_execution().query_execution_id(&id).send().await?;
            let status = got.query_execution.and_then(|execution| execution.status);
            let status = status.context("an execution has a status")?;
            let failed = matches!(status.state(), Some(State::Failed | State::Cancelled));
            anyhow::ensure!(!failed, "{sql}: {:?}", status.state_change_reason());
            Ok((status.state() == Some(&State::Succeeded)).then_some(()))
        })
        .await?;
        let got = athena.get_query_results().query_execution_id(&id).send().await?;
        let rows = got.result_set.and_then(|set| set.rows).unwrap_or_default();
        let text = |row: aws::sdk::athena::types::Row| {
            let cells = row.data.unwrap_or_default();
            cells.into_iter().map(|cell| cell.var_char_value).collect()
        };
        Ok(rows.into_iter().skip(1).map(text).collect())
    }

    /// How many statements the workgroup has run.
    pub async fn statements(&self) -> Result<usize> {
        let list = self.clients.athena().list_query_executions().work_group(&self.workgroup);
        let mut pages = list.into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.try_next().await? {
            count += page.query_execution_ids().len();
        }
        Ok(count)
    }
}
