//! Exports: those that DynamoDB writes, and files such as it would have written.

use std::{io::Write, time::Duration};

use anyhow::{Context, Result, ensure};
use aws::export::{Content, Destination, Export, Format};
use aws::sdk::dynamodb::{
    primitives::DateTime,
    types::{ExportType, ExportViewType, IncrementalExportSpecification},
};
use aws::sdk::s3::primitives::ByteStream;
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Stack, until};

/// An hour that ends when all that was written before is in it.
pub async fn hour() -> Result<(Timestamp, Timestamp)> {
    let to = Timestamp::from_second(aws::clock::now().as_second() + 1)?;
    let over = async || Ok((aws::clock::now() > to).then_some(()));
    until("the window to be over", over).await?;
    Ok((to - Duration::from_hours(1), to))
}

impl Stack {
    /// Starts a full export of a table as it is now, below `<table>/full/<name>`.
    pub async fn export(&self, table: &str, name: &str) -> Result<String> {
        let described = aws::table::describe(self.clients.dynamodb(), table).await?;
        let arn = described.and_then(|table| table.table_arn).context("the table")?;
        let destination = Destination {
            bucket: self.exports.clone(),
            bucket_owner: None,
            kms_key_id: None,
            format: Format::DynamodbJson,
        };
        let export = Export {
            table_arn: &arn,
            prefix: &format!("{table}/full/{name}"),
            client_token: &format!("{table}-{}", aws::clock::now().as_millisecond()),
            content: Content::Full { time: None },
        };
        Ok(aws::export::start(self.clients.dynamodb(), &destination, export).await?)
    }

    /// Exports a window, and gives the key of the export's summary once that is there, and its ARN.
    pub async fn export_window(
        &self,
        table: &str,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<(String, String)> {
        let dynamodb = self.clients.dynamodb();
        let described = aws::table::describe(dynamodb, table).await?.context("the table")?;
        let window = IncrementalExportSpecification::builder()
            .export_from_time(DateTime::from_secs(from.as_second()))
            .export_to_time(DateTime::from_secs(to.as_second()))
            .export_view_type(ExportViewType::NewAndOldImages);
        let started = dynamodb
            .export_table_to_point_in_time()
            .set_table_arn(described.table_arn)
            .s3_bucket(&self.exports)
            .s3_prefix(format!("{table}/increment"))
            .export_type(ExportType::IncrementalExport)
            .incremental_export_specification(window.build())
            .send()
            .await?;
        let arn =
            started.export_description.and_then(|export| export.export_arn).context("an ARN")?;
        let id = arn.rsplit('/').next().unwrap_or_default();
        let key = format!("{table}/increment/AWSDynamoDB/{id}/manifest-summary.json");
        until(&format!("the export {arn}"), async || {
            Ok(aws::object::read(self.clients.s3(), &self.exports, &key).await?.map(|_| ()))
        })
        .await?;
        Ok((key, arn))
    }

    /// Puts an object where DynamoDB exports to.
    pub async fn put_export_object(&self, key: &str, bytes: Vec<u8>) -> Result<()> {
        let put = self.clients.s3().put_object().bucket(&self.exports).key(key);
        put.body(ByteStream::from(bytes)).send().await?;
        Ok(())
    }

    /// Puts a data file of these lines, and gives its line in the manifest.
    pub async fn put_data_file(&self, key: &str, lines: &[&str]) -> Result<Value> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(lines.join("\n").as_bytes())?;
        self.put_export_object(key, gzip.finish()?).await?;
        let head = self.clients.s3().head_object().bucket(&self.exports).key(key).send().await?;
        let tag = head.e_tag.context("an entity tag")?;
        let sum: Vec<u8> = (0..16)
            .map(|byte| u8::from_str_radix(&tag.trim_matches('"')[2 * byte..][..2], 16))
            .collect::<Result<_, _>>()?;
        Ok(json!({"itemCount": lines.len(), "md5Checksum": base64(&sum), "dataFileS3Key": key}))
    }

    /// Ends an export whose data files are there: puts both manifests below `folder`.
    pub async fn put_manifests(
        &self,
        folder: &str,
        files: &[Value],
        summary: &Value,
    ) -> Result<()> {
        let files: Vec<String> = files.iter().map(Value::to_string).collect();
        let key = format!("{folder}/manifest-files.json");
        self.put_export_object(&key, files.join("\n").into_bytes()).await?;
        let key = format!("{folder}/manifest-summary.json");
        self.put_export_object(&key, summary.to_string().into_bytes()).await
    }

    /// Delivers the end of an export once more, which has to succeed.
    pub async fn deliver_summary(&self, key: &str) -> Result<()> {
        let answer = self.answer_to_summary(key).await?;
        ensure!(answer == json!({"batchItemFailures": []}), "{answer}");
        Ok(())
    }

    /// What `snapshot` answers to the end of an export.
    pub async fn answer_to_summary(&self, key: &str) -> Result<Value> {
        let body = json!({
            "source": "aws.s3", "detail-type": "Object Created",
            "detail": {"bucket": {"name": self.exports}, "object": {"key": key}},
        });
        let delivery = json!({"Records": [{"messageId": "again", "body": body.to_string()}]});
        self.invoke(&self.snapshot_function, &delivery).await
    }
}

/// Base64 as `AttributeValue`s have it.
fn base64(bytes: &[u8]) -> String {
    let value = item::Value::B(bytes.into());
    let mut text = String::new();
    item::write_canonical_value(&value, &mut text);
    text.trim_start_matches(r#"{"B":""#).trim_end_matches(r#""}"#).to_owned()
}
