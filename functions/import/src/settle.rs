//! Settling an import: what is asked for, what the source holds, what is to be made, and by which engine.
//!
//! ```text
//! asked ── manifest, files ─▶ table there? ─▶ sample ── layout ─▶ survey ── key, rejects, amounts
//!        ─▶ choose the engine ─▶ report the plan ─▶ work, kept for the turns to come
//! ```
//!
//! Nothing exists before it is done, but for the rejects.

use std::{num::NonZeroU64, sync::Arc, time::Duration};

use aws::sdk::dynamodb::types::TableDescription;
use aws::{Failure, clock, table};
use item::key::{KeyAttribute, KeySchema};
use jiff::SignedDuration;

use crate::{
    asked::{Asked, asked},
    capacity,
    import::{Import, Kind},
    index::{self, IndexKey},
    invocation::Invocation,
    key::{Given, KeyNames},
    manifest::{Engine as Wanted, IfExists, Manifest, OnDuplicate},
    price::{self, Choice, Estimate, Needs},
    report::{Estimates, ObjectRead, Plan},
    sample::{Sampled, sample},
    source,
    status::{Engine, Loaded, Native, Phase, Stage},
    stop::{Refusal, Stop},
    survey::{self, Survey, Terms},
    work::{Work, work_key},
};

/// How long `ImportTable` is followed: terabytes take days.
const FOLLOWED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What came of it.
pub(crate) enum Settled {
    /// A dry run: the plan is in the report.
    Planned,
    /// An engine may begin.
    Work(Box<Work>),
}

/// Settles an import.
pub(crate) async fn settle(import: &mut Import<'_>, kind: Kind) -> Result<Settled, Stop> {
    let asked = asked(import, &kind).await?;
    let existing = existing(import, &asked.manifest, &kind).await?;
    let given = given(&asked, existing.as_ref(), &import.report.table)?;
    no_choice_among_inferred(&given, &asked.manifest)?;
    let indexes = match &existing {
        Some(description) => index::of_table(description),
        None => index::of_manifest(&asked.manifest),
    };
    let sampled = sampled(import, &asked, given.clone(), indexes.clone()).await?;
    import.report.inferences = [asked.told.clone(), sampled.inferences].concat();
    import.layout = Some(sampled.layout.clone());
    let survey = surveyed(import, &asked, given, indexes).await?;
    let work = concluded(import, asked, survey, existing.as_ref());
    if work.manifest.headwater.dry_run {
        return Ok(Settled::Planned);
    }
    let key = work_key(&work.report.table, &work.report.import_id);
    work.save(import.run.clients, &import.bucket, &key).await?;
    let engine = engine(&work);
    import.hold.update(|status| status.engine = Some(engine));
    import.hold.save().await?;
    Ok(Settled::Work(Box::new(work)))
}

/// The table that rows are appended to.
async fn existing(
    import: &Import<'_>,
    manifest: &Manifest,
    kind: &Kind,
) -> Result<Option<TableDescription>, Stop> {
    let table = &import.report.table;
    let Some(description) = described(import).await? else {
        return match kind {
            // A few mended rows say too little of what the table is to be.
            Kind::Rejects(_) => Err(Refusal::from(format!(
                "the table {table} that these rows were meant for is not there; mend them in the source, \
                 and drop that"
            ))
            .into()),
            _ => Ok(None),
        };
    };
    if manifest.headwater.if_exists == IfExists::Append {
        return Ok(Some(description));
    }
    // An attempt of this import that came so far and could not say so.
    if import.is_ours(&description).await? { Ok(None) } else { Err(import.table_exists().into()) }
}

/// The table if it is there. One that is being deleted has to be gone first: that is waited for, and if it
/// takes long the queue tries again, so that the survey has a whole run.
async fn described(import: &Import<'_>) -> Result<Option<TableDescription>, Failure> {
    let Invocation { clients, deadline, .. } = *import.run;
    loop {
        match table::describe(clients.dynamodb(), &import.report.table).await? {
            Some(deleting) if table::is_being_deleted(&deleting) && deadline.is_young() => {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Some(deleting) if table::is_being_deleted(&deleting) => {
                return Err(table::being_deleted(&deleting));
            }
            there => return Ok(there),
        }
    }
}

/// How often it is looked whether a table is gone.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is said of the key: by the table, the manifest, or the object's metadata.
fn given(asked: &Asked, existing: Option<&TableDescription>, table: &str) -> Result<Given, Stop> {
    let parameters = &asked.manifest.table_creation_parameters;
    let by_manifest = parameters.partition_key().map(|partition| KeyNames {
        partition: partition.to_owned(),
        sort: parameters.sort_key().map(str::to_owned),
    });
    let names = by_manifest.or_else(|| asked.key.clone());
    if let Some(description) = existing {
        let schema = table::key_of(description).ok_or_else(|| {
            Refusal::from(format!("the key of the table {table} has a type that is not known"))
        })?;
        let same = names.is_none_or(|names| names == KeyNames::of(&schema));
        return if same {
            Ok(Given::Schema(schema, "the key of the table that is there"))
        } else {
            Err(Refusal::from(format!(
                "the table {table} is there with the key {}, and another one was given; leave the key \
                 away to append",
                crate::key::told(&schema)
            ))
            .into())
        };
    }
    let Some(names) = names else {
        return Ok(Given::Nothing);
    };
    let attribute =
        |name: &str| parameters.attribute_type(name).map(|kind| KeyAttribute::new(name, kind));
    let partition = attribute(&names.partition);
    let sort = names.sort.as_deref().map(attribute);
    Ok(match (partition, sort) {
        (Some(partition), None) => {
            Given::Schema(KeySchema::simple(partition), "the manifest's KeySchema")
        }
        (Some(partition), Some(Some(sort))) => {
            Given::Schema(KeySchema::composite(partition, sort), "the manifest's KeySchema")
        }
        _ => Given::Names(names),
    })
}

/// A key that is inferred is one that no two rows share, so there is nothing to choose.
fn no_choice_among_inferred(given: &Given, manifest: &Manifest) -> Result<(), Refusal> {
    let chosen = match manifest.headwater.on_duplicate {
        OnDuplicate::Reject => return Ok(()),
        OnDuplicate::First => "first",
        OnDuplicate::Last => "last",
    };
    if *given != Given::Nothing {
        return Ok(());
    }
    Err(Refusal::from(format!(
        "OnDuplicate is {chosen} and no key is given, and a key is only inferred where no two rows share it; \
         give KeySchema, or leave OnDuplicate out"
    )))
}

async fn sampled(
    import: &Import<'_>,
    asked: &Asked,
    given: Given,
    indexes: Vec<IndexKey>,
) -> Result<Sampled, Stop> {
    if let Some(layout) = &asked.layout {
        return Ok(Sampled { layout: layout.clone(), inferences: Vec::new() });
    }
    let (files, manifest) = (asked.files.clone(), asked.manifest.clone());
    let bytes = Arc::default();
    source::read(import.run.clients, bytes, move |opener| {
        sample(opener, &files, &manifest, &given, &indexes)
    })
    .await
}

async fn surveyed(
    import: &mut Import<'_>,
    asked: &Asked,
    given: Given,
    indexes: Vec<IndexKey>,
) -> Result<Survey, Stop> {
    let options = &asked.manifest.headwater;
    let terms = Terms {
        table: import.report.table.clone(),
        given,
        indexes,
        on_duplicate: options.on_duplicate,
        max_rejects: most_rejects(import, &asked.manifest),
        until: import.run.deadline.stop_at(),
    };
    let layout = import.layout.clone().unwrap_or(crate::layout::Layout::JsonLines);
    let (files, meter) = (asked.files.clone(), Arc::clone(&import.hold.meter));
    let total = files.iter().map(|file| file.size).sum();
    import.hold.begin(Phase::Surveying, total).await?;
    let bytes = Arc::clone(&meter.bytes);
    let survey = source::read(import.run.clients, bytes, move |opener| {
        survey::survey(opener, &files, &layout, &terms, &meter)
    })
    .await?;
    let report = &mut import.report;
    report.rows_read = survey.rows.iter().sum();
    report.rows_rejected = survey.rejects.len() as u64;
    report.rows_superseded = survey.skipped.len() as u64 - report.rows_rejected;
    report.inferences.extend(survey.settled.inferences.iter().cloned());
    if asked.is_folder {
        let rows = asked.files.iter().zip(&survey.rows);
        let read = rows.map(|(file, &rows)| ObjectRead { source: file.clone().into(), rows });
        report.objects = read.collect();
    }
    import.write_rejects(&survey.rejects, None).await?;
    Ok(survey)
}

fn most_rejects(import: &Import<'_>, manifest: &Manifest) -> u64 {
    manifest.headwater.max_rejects.unwrap_or(import.run.settings.max_rejects)
}

/// The engine and the work, told in the report.
fn concluded(
    import: &mut Import<'_>,
    asked: Asked,
    survey: Survey,
    existing: Option<&TableDescription>,
) -> Work {
    let appends = existing.is_some();
    let Asked { manifest, files, pass_through, .. } = asked;
    let schema = &survey.settled.schema;
    // Whatever was rejected or superseded, ImportTable would stumble over or write in any order.
    let pass_through = pass_through.filter(|_| survey.skipped.is_empty());
    let estimate = Estimate {
        global_indexes: count(manifest.table_creation_parameters.global_secondary_indexes.len()),
        local_indexes: count(manifest.headwater.local_secondary_indexes.len()),
        objects: files.len() as u64,
        ..survey.estimate
    };
    let choice = chosen(&estimate, &manifest, existing, staging(&files, survey.took));
    let parameters = (!appends).then(|| {
        let given = &manifest.table_creation_parameters;
        serde_json::json!(given.completed(&import.report.table, schema))
    });
    import.report.plan = Some(plan(schema, parameters, &estimate, &choice));
    let layout = import.layout.clone().unwrap_or(crate::layout::Layout::JsonLines);
    Work {
        files,
        rows: survey.rows,
        layout,
        key: schema.into(),
        skipped: Work::skipping(&survey.skipped),
        max_rejects: most_rejects(import, &manifest),
        manifest,
        appends,
        pass_through,
        report: import.report.clone(),
    }
}

fn plan(
    schema: &KeySchema,
    table_creation_parameters: Option<serde_json::Value>,
    estimate: &Estimate,
    choice: &Choice,
) -> Plan {
    Plan {
        key: crate::key::told(schema),
        table_creation_parameters,
        engine: choice.engine.to_string(),
        because: choice.because.clone(),
        estimates: Estimates {
            direct: choice.direct.to_string(),
            native: choice.native.to_string(),
        },
        item_bytes: estimate.item_bytes,
        write_units: estimate.write_units,
    }
}

/// The engine: the one that is wanted, or the one that suits.
fn chosen(
    estimate: &Estimate,
    manifest: &Manifest,
    existing: Option<&TableDescription>,
    staging: Duration,
) -> Choice {
    let options = &manifest.headwater;
    let warm = options.warm_throughput.and_then(|warm| warm.write_units_per_second);
    let capacity = match existing {
        Some(description) => capacity::of_table(description),
        None => capacity::of_manifest(&manifest.table_creation_parameters),
    };
    let needs = Needs {
        append: existing.is_some(),
        warm_throughput: warm.and_then(|units| u64::try_from(units).ok()),
        provisioned: capacity.provisioned,
        on_demand_most: capacity.on_demand_most,
        max_write_rate: options.max_write_rate.map(NonZeroU64::get),
        staging,
    };
    let choice = price::choose(estimate, &needs);
    let engine = match options.engine {
        Wanted::Auto => return choice,
        Wanted::Direct => price::Engine::Direct,
        Wanted::Native => price::Engine::Native,
    };
    Choice { engine, because: format!("Engine {engine} is given"), ..choice }
}

/// How long it takes to stage the largest of the files, by how long the survey of all took.
fn staging(files: &[source::File], surveyed: Duration) -> Duration {
    /// Reading is most of a survey; staging also writes and compresses.
    const LONGER: u32 = 2;
    let all: u64 = files.iter().map(|file| file.size).sum();
    let largest = files.iter().map(|file| file.size).max().unwrap_or_default();
    let milliseconds = surveyed.as_millis() * u128::from(largest) / u128::from(all.max(1));
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX)).saturating_mul(LONGER)
}

fn count(indexes: usize) -> u32 {
    u32::try_from(indexes).unwrap_or(u32::MAX)
}

fn engine(work: &Work) -> Engine {
    let native = work
        .report
        .plan
        .as_ref()
        .is_some_and(|plan| plan.engine == price::Engine::Native.to_string());
    if native {
        Engine::Native(Native {
            attempt: 0,
            stage: Stage::Staging,
            not_after: clock::now() + FOLLOWED,
        })
    } else {
        Engine::Direct(Loaded::default())
    }
}
