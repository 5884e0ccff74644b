//! What is asked for: the manifest, the files, and what is said of key and layout.
//!
//! | dropped | manifest | files |
//! |---|---|---|
//! | an object | none: everything is inferred, but for its metadata | the object |
//! | a manifest | the object | the newest versions of all others in its folder, or under `S3BucketSource` |
//! | an export in the folder | | those its own manifest lists, with their md5 sums and counts |
//! | mended rejects | none: appended | the object |

use aws::{
    Class, Failure,
    listing::{self, Listed},
    object,
};
use item::limits::TableName;

use crate::{
    export,
    import::{Import, Kind},
    key::KeyNames,
    layout::Layout,
    manifest::{IfExists, MAX_MANIFEST_BYTES, Manifest, ManifestError},
    source::File,
    stop::{Refusal, Stop},
    target::MANIFEST,
    work::PassThrough,
};

/// Objects of one import.
const MAX_FILES: usize = 10_000;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) manifest: Manifest,
    /// In the order in which their rows are counted.
    pub(crate) files: Vec<File>,
    /// Whether the files are told one by one in the report.
    pub(crate) is_folder: bool,
    /// The key's names, given as object metadata.
    pub(crate) key: Option<KeyNames>,
    /// How to read the files, where that is known.
    pub(crate) layout: Option<Layout>,
    /// An export that `ImportTable` could read as it is.
    pub(crate) pass_through: Option<PassThrough>,
    /// What a person should know of it.
    pub(crate) told: Vec<String>,
}

/// Reads what is asked for.
pub(crate) async fn asked(import: &mut Import<'_>, kind: &Kind) -> Result<Asked, Stop> {
    match kind {
        Kind::Folder(folder) => folder_asked(import, folder).await,
        Kind::Rejects(head) => {
            import.report.rejected_from = Some(head.source.clone());
            let mut manifest = Manifest::default();
            manifest.headwater.if_exists = IfExists::Append;
            Ok(Asked {
                manifest,
                files: vec![the_object(import)],
                layout: Some(Layout::Rejects { of: Box::new(head.layout.clone()) }),
                told: vec![format!(
                    "mended rejects of s3://{}/{}: appended to the table {}",
                    head.source.bucket, head.source.key, head.table
                )],
                ..Asked::default()
            })
        }
        Kind::Object | Kind::Refused(_) | Kind::Settled => {
            let file = the_object(import);
            let head = object::head(import.run.clients.s3(), &file.object).await;
            let head = head.map_err(|failure| gone(&file, failure))?;
            let key = metadata_key(&head.metadata)?;
            Ok(Asked { files: vec![file], key, ..Asked::default() })
        }
    }
}

fn the_object(import: &Import<'_>) -> File {
    import.report.source.clone().into()
}

/// An object that was there when its event was sent.
fn gone(file: &File, failure: Failure) -> Stop {
    if ["NotFound", "NoSuchKey", "NoSuchVersion"].iter().any(|code| failure.has_code(code)) {
        let reason = format!(
            "{} was deleted before it could be read; drop it anew to import it",
            file.object
        );
        return Refusal::from(reason).into();
    }
    failure.into()
}

/// The key that was given as object metadata.
fn metadata_key(
    metadata: &std::collections::HashMap<String, String>,
) -> Result<Option<KeyNames>, Refusal> {
    let named = |name: &str| metadata.get(name).filter(|value| !value.is_empty()).cloned();
    match (named("partition-key"), named("sort-key")) {
        (Some(partition), sort) => Ok(Some(KeyNames { partition, sort })),
        (None, None) => Ok(None),
        (None, Some(sort)) => Err(Refusal::from(format!(
            "the object's metadata gives a sort key ({sort}) and no partition key; give both: \
             --metadata partition-key=NAME,sort-key={sort}"
        ))),
    }
}

async fn folder_asked(import: &mut Import<'_>, folder: &str) -> Result<Asked, Stop> {
    let manifest = read_manifest(import).await?;
    let source = manifest.s3_bucket_source.clone().unwrap_or_default();
    let elsewhere = source.s3_bucket.is_some() || source.s3_key_prefix.is_some();
    let bucket = source.s3_bucket.unwrap_or_else(|| import.bucket.clone());
    let prefix = source.s3_key_prefix.unwrap_or_else(|| folder.to_owned());
    let listed = listing::newest_versions(import.run.clients.s3(), &bucket, &prefix, MAX_FILES);
    let listed = files_of(listed.await?);
    let place = format!("s3://{bucket}/{prefix}");
    if listed.is_empty() {
        return Err(Refusal::from(format!(
            "there is no object to import under {place}; put the manifest there last, or check \
             S3BucketSource"
        ))
        .into());
    }
    if listed.len() > MAX_FILES {
        return Err(Refusal::from(format!(
            "there are more than {MAX_FILES} objects under {place}; put them into several folders, and \
             import all but the first with IfExists append"
        ))
        .into());
    }
    let told = elsewhere.then(|| format!("source: {} objects under {place}", listed.len()));
    let asked =
        Asked { manifest, is_folder: true, told: told.into_iter().collect(), ..Asked::default() };
    match export::summary_of(&listed)? {
        Some(summary) => {
            let export = export::read(import.run.clients.s3(), &listed, summary).await?;
            let told = [asked.told, vec![export.told]].concat();
            Ok(Asked {
                files: export.files,
                layout: Some(export.layout),
                pass_through: export.pass_through,
                told,
                ..asked
            })
        }
        None => Ok(Asked { files: listed, ..asked }),
    }
}

async fn read_manifest(import: &Import<'_>) -> Result<Manifest, Stop> {
    let file = the_object(import);
    // Data of that name may be larger than memory.
    let bytes = usize::try_from(file.size).unwrap_or(usize::MAX);
    if bytes > MAX_MANIFEST_BYTES {
        return Err(refused(&file, &ManifestError::TooLarge { bytes }).into());
    }
    let opened = object::open(import.run.clients.s3(), &file.object).await;
    let body = opened.map_err(|failure| gone(&file, failure))?.body.collect().await;
    let bytes = body.map_err(|broken| {
        let resource = file.object.to_string();
        Failure::stated("GetObject", resource, broken.to_string(), Class::Retryable)
    })?;
    let manifest = Manifest::parse(&bytes.to_vec()).map_err(|error| refused(&file, &error))?;
    let table = import.report.table.parse::<TableName>();
    let table = table.map_err(|error| Refusal::from(error.to_string()))?;
    manifest.for_table(&table).map_err(|error| refused(&file, &error))?;
    Ok(manifest)
}

fn refused(file: &File, error: &dyn std::fmt::Display) -> Refusal {
    Refusal::from(format!("{}: {error}", file.object))
}

/// The objects that hold data: no manifest of ours, no marker of a folder.
fn files_of(listed: Vec<Listed>) -> Vec<File> {
    let is_data = |listed: &Listed| {
        let key = listed.object.key.as_str();
        let name = key.rsplit('/').next().unwrap_or_default();
        !name.is_empty() && name != MANIFEST && !(name == "_SUCCESS" && listed.size == 0)
    };
    let data = listed.into_iter().filter(is_data);
    data.map(|Listed { object, size }| File::new(object, size)).collect()
}
