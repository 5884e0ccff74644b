//! Every sample of `events/`, sent as its README says: by `cargo lambda invoke` to `cargo lambda watch`, and from there to
//! the functions, which have the stack's environment.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use aws::sdk::s3::{
    primitives::ByteStream,
    types::{BucketVersioningStatus, VersioningConfiguration},
};
use end_to_end::{CloudFormation, Stack, Watch, event};
use serde_json::{Value, json};

/// Where the sample of a new object says that it is, and which version.
const LANDING: &str = "headwater-landingbucket-1x2y3z4a5b6c7";
const VERSION: &str = "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e";
/// Where CloudFormation waits in the sample, up to the path.
const CLOUDFORMATION: &str =
    "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/";

fn tests() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Puts the object that `import-object-created` tells of where it says, and gives the version that it got.
async fn put_source(stack: &Stack) -> Result<String> {
    let s3 = stack.clients.s3();
    s3.create_bucket().bucket(LANDING).send().await?;
    let enabled = BucketVersioningStatus::Enabled;
    let enabled = VersioningConfiguration::builder().status(enabled).build();
    s3.put_bucket_versioning().bucket(LANDING).versioning_configuration(enabled).send().await?;
    let csv = ByteStream::from(fs::read(tests().join("data/planes.csv"))?);
    let put = s3.put_object().bucket(LANDING).key("imports/planes.csv").body(csv).send().await?;
    put.version_id.context("the bucket gives versions")
}

/// Puts a batch where `stream-redrive` says that one was given up.
async fn put_given_up(stack: &Stack) -> Result<()> {
    let redrive = event("stream-redrive", "planes")?;
    let batch = event("stream-insert-modify-remove", "planes")?;
    let kept = json!({"requestContext": {}, "payload": batch.to_string()}).to_string();
    let key = redrive["redrive"].as_str().context("a key")?;
    let put = stack.clients.s3().put_object().bucket(&stack.lake).key(key);
    put.body(ByteStream::from(kept.into_bytes())).send().await?;
    Ok(())
}

/// The samples by name.
fn samples() -> Result<BTreeMap<String, PathBuf>> {
    let mut samples = BTreeMap::new();
    for entry in fs::read_dir(tests().join("../events"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_stem().context("a name")?.to_string_lossy().into_owned();
            samples.insert(name, path);
        }
    }
    Ok(samples)
}

/// The same sample with another text in the place of one.
fn filled(path: &Path, from: &str, to: &str) -> Result<PathBuf> {
    let text = fs::read_to_string(path)?;
    anyhow::ensure!(text.contains(from), "{} does not hold {from}", path.display());
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(path.file_name().context("a name")?);
    fs::write(&copy, text.replace(from, to))?;
    Ok(copy)
}

/// What was answered, without what is another in each run.
fn told(answer: Result<Value, String>) -> String {
    match answer {
        // What a function says when it fails is wrapped into lines, and has a frame.
        Err(said) => {
            let words = said.split_whitespace().filter(|word| !["│", "×"].contains(word));
            let text = words.collect::<Vec<_>>().join(" ");
            text.split(" Was this behavior").next().unwrap_or_default().to_owned()
        }
        // A run fails if any of its tables does.
        Ok(report) if report["tables"].is_array() => {
            let mut tables = report["tables"].as_array().into_iter().flatten();
            let is_told = tables.any(|table| table["table"] == "planes");
            format!("a report{}", if is_told { " of planes" } else { " without planes" })
        }
        Ok(answer) if answer["rebuiltCatalog"].is_object() => {
            format!("made of files: {}", answer["rebuiltCatalog"]["planes"]["catalogTable"])
        }
        Ok(answer) => answer.to_string(),
    }
}

#[tokio::test]
async fn each_is_answered_when_it_is_sent_by_hand() -> Result<()> {
    let stack = Stack::of_environment();
    let version = put_source(&stack).await?;
    put_given_up(&stack).await?;
    let cloudformation = CloudFormation::listen()?;
    let watch = Watch::start(&["backup", "compaction", "import", "snapshot", "stream"]).await?;
    let mut samples = samples()?;
    let filled = [
        ("import-object-created", VERSION, version),
        ("backup-stack-deleted", CLOUDFORMATION, cloudformation.url("")),
    ]
    .map(|(name, from, to)| (name, samples.get(name).map(|path| filled(path, from, &to))));
    for (name, copy) in filled {
        samples.insert(name.to_owned(), copy.context(name)??);
    }
    // First, since the others are of the table that it makes.
    let first = "import-object-created";
    let path = samples.remove(first).context(first)?;
    let mut lines = vec![format!("{first}: {}", told(watch.invoke("import", &path)?))];
    stack.until_changes("planes", 3_322).await?;
    for (name, path) in samples {
        let (function, _) = name.split_once('-').context("a name begins with its function")?;
        lines.push(format!("{name}: {}", told(watch.invoke(function, &path)?)));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
        import-object-created: {"batchItemFailures":[]}
        backup-export: a report of planes
        backup-rebuild-catalog: made of files: "planes__changes"
        backup-reconcile: a report of planes
        backup-scheduled: a report of planes
        backup-stack-deleted: {"isDone":true}
        backup-views: {"views":{"planes":[{"detail":"view planes there","outcome":"alreadySo"},{"detail":"view planes__history there","outcome":"alreadySo"}]}}
        compaction-hourly: a report of planes
        import-next-turn: {"batchItemFailures":[]}
        import-not-an-object: {"batchItemFailures":[]}
        import-not-json: {"batchItemFailures":[]}
        import-object-created-key-with-spaces: {"batchItemFailures":[]}
        import-s3-test-event: {"batchItemFailures":[]}
        snapshot-data-file: {"batchItemFailures":[]}
        snapshot-data-file-incremental: {"batchItemFailures":[]}
        snapshot-export-ended: {"batchItemFailures":[{"itemIdentifier":"b900196a-020e-5718-87b8-8dbe4593b14f"}]}
        stream-empty: {"batchItemFailures":[]}
        stream-insert-modify-remove: {"batchItemFailures":[]}
        stream-keys-only: {"batchItemFailures":[]}
        stream-new-image-only: {"batchItemFailures":[]}
        stream-poison-record: {"batchItemFailures":[]}
        stream-redrive: {"files":1,"quarantined":0,"records":4,"redriven":"aws/lambda/5a1b2c3d-1111-2222-3333-444455556666/shardId-00000001795316400000-3f8a2c1d/2026/11/22/2026-11-22T15.00.00-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0","rows":4}
        stream-ttl-delete: {"batchItemFailures":[]}
        stream-two-days: {"batchItemFailures":[]}
        "#);
    assert_eq!(cloudformation.answer().await?.body["Status"], "SUCCESS");
    Ok(())
}
