//! Dropping files and reading their reports.

use anyhow::{Context, Result};
use aws::sdk::s3::primitives::ByteStream;
use serde_json::Value;

use crate::{Stack, until};

/// A file that was dropped.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// Its key.
    pub key: String,
    /// Its version.
    pub version: String,
}

impl Stack {
    /// Puts an object where imports are dropped, with object metadata.
    pub async fn drop(
        &self,
        name: &str,
        bytes: impl Into<Vec<u8>>,
        metadata: &[(&str, &str)],
    ) -> Result<Dropped> {
        let key = format!("imports/{name}");
        let mut put = self.clients.s3.put_object().bucket(&self.landing).key(&key);
        for (name, value) in metadata {
            put = put.metadata(*name, *value);
        }
        let put = put.body(ByteStream::from(bytes.into())).send().await?;
        let version = put.version_id.context("the landing bucket gives versions")?;
        Ok(Dropped { key, version })
    }

    /// The report of a dropped file, once there is one.
    pub async fn report(&self, dropped: &Dropped) -> Result<Value> {
        until(&format!("the report of {}", dropped.key), async || {
            for object in self.objects(&self.landing, "reports/").await?.keys() {
                let report: Value =
                    serde_json::from_slice(&self.read(&self.landing, object).await?)?;
                let ended = report["status"] != "retrying";
                if ended && report["source"]["version"] == dropped.version.as_str() {
                    return Ok(Some(report));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Drops a file and waits for its report.
    pub async fn import(
        &self,
        name: &str,
        bytes: impl Into<Vec<u8>>,
        metadata: &[(&str, &str)],
    ) -> Result<Value> {
        let dropped = self.drop(name, bytes, metadata).await?;
        self.report(&dropped).await
    }
}
