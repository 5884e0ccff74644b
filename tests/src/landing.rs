//! Dropping files and reading their reports.

use anyhow::{Context, Result};
use aws::sdk::s3::primitives::ByteStream;
use serde_json::{Value, json};

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
        let mut put = self.clients.s3().put_object().bucket(&self.landing).key(&key);
        for (name, value) in metadata {
            put = put.metadata(*name, *value);
        }
        let put = put.body(ByteStream::from(bytes.into())).send().await?;
        let version = put.version_id.context("the landing bucket gives versions")?;
        Ok(Dropped { key, version })
    }

    /// The event that the queue delivers for a dropped file of `size` bytes.
    pub fn delivery(&self, dropped: &Dropped, size: usize) -> Value {
        let object = json!({"key": dropped.key, "size": size, "version-id": dropped.version});
        let body = json!({
            "source": "aws.s3", "detail-type": "Object Created",
            "detail": {"bucket": {"name": self.landing}, "object": object},
        });
        json!({"Records": [{"messageId": "again", "body": body.to_string()}]})
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

    /// The state of the import of a dropped file, once there is one that is so.
    pub async fn status(
        &self,
        table: &str,
        dropped: &Dropped,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        until(&format!("the state of {}", dropped.key), async || {
            let prefix = format!("status/{table}/");
            for object in self.objects(&self.landing, &prefix).await?.keys() {
                let status: Value =
                    serde_json::from_slice(&self.read(&self.landing, object).await?)?;
                let is_of_it = status["source"]["version"] == dropped.version.as_str();
                if is_of_it && is_so(&status) {
                    return Ok(Some(status));
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

    /// Drops a folder's manifest and waits for the report.
    pub async fn import_folder(&self, folder: &str, manifest: &Value) -> Result<Value> {
        self.import(&format!("{folder}/_import.json"), manifest.to_string(), &[]).await
    }

    /// The lines of the objects that hold what an import rejected.
    pub async fn rejects(&self, report: &Value) -> Result<Vec<Value>> {
        let mut lines = Vec::new();
        for place in report["rejects"].as_array().into_iter().flatten() {
            let place = place.as_str().unwrap_or_default();
            let key = place.split_once(&format!("{}/", self.landing)).context("a place of ours")?.1;
            let kept = self.read(&self.landing, key).await?;
            for line in kept.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
                lines.push(serde_json::from_slice(line)?);
            }
        }
        Ok(lines)
    }
}
