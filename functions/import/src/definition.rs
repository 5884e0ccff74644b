//! The table an import makes: what the manifest says, completed by what was settled.
//!
//! | asked for | `CreateTable` (direct) | `ImportTable` (native) | after it is `ACTIVE` |
//! |---|---|---|---|
//! | keys, global indexes, billing, encryption | yes | yes | |
//! | stream, tags | yes | | native: enrolment, `TagResource` |
//! | deletion protection | yes | | native: `UpdateTable` |
//! | local indexes, warm throughput | yes | | |
//! | time to live | | | `UpdateTimeToLive`, once the items are there |

use aws::{
    Failure,
    sdk::dynamodb::{
        Client,
        error::BuildError,
        operation::create_table::builders::CreateTableInputBuilder,
        types::{self as sdk, TableDescription},
    },
    table,
};

use crate::{
    manifest::{
        BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType as KeyRole,
        LocalSecondaryIndex, OnDemandThroughput, Projection, ProvisionedThroughput,
        ScalarAttributeType, SseSpecification, TableCreationParameters, WarmThroughput,
    },
    stop::Refusal,
    work::Work,
};

/// The request that makes the table for the direct engine.
pub(crate) fn create(
    work: &Work,
    tags: &[(&str, &str)],
) -> Result<CreateTableInputBuilder, Refusal> {
    let options = &work.manifest.headwater;
    let parameters = work.parameters();
    let request = || -> Result<CreateTableInputBuilder, BuildError> {
        Ok(CreateTableInputBuilder::default()
            .set_attribute_definitions(Some(definitions(&parameters)?))
            .set_key_schema(Some(key_schema(&parameters.key_schema)?))
            .billing_mode(billing_mode(&parameters))
            .set_provisioned_throughput(provisioned(parameters.provisioned_throughput)?)
            .set_on_demand_throughput(on_demand(parameters.on_demand_throughput))
            .set_sse_specification(encryption(parameters.sse_specification.as_ref()))
            .set_global_secondary_indexes(global_indexes(&parameters)?)
            .set_local_secondary_indexes(local_indexes(&options.local_secondary_indexes)?)
            .set_warm_throughput(warm(options.warm_throughput))
            .deletion_protection_enabled(options.deletion_protection)
            .set_tags(Some(all_tags(work, tags)?)))
    };
    request().map_err(|error| unbuilt(&error))
}

/// The parameters of `ImportTable`.
pub(crate) fn parameters(work: &Work) -> Result<sdk::TableCreationParameters, Refusal> {
    let parameters = work.parameters();
    let built = || {
        sdk::TableCreationParameters::builder()
            .table_name(&work.report.table)
            .set_attribute_definitions(Some(definitions(&parameters)?))
            .set_key_schema(Some(key_schema(&parameters.key_schema)?))
            .billing_mode(billing_mode(&parameters))
            .set_provisioned_throughput(provisioned(parameters.provisioned_throughput)?)
            .set_on_demand_throughput(on_demand(parameters.on_demand_throughput))
            .set_sse_specification(encryption(parameters.sse_specification.as_ref()))
            .set_global_secondary_indexes(global_indexes(&parameters)?)
            .build()
    };
    built().map_err(|error| unbuilt(&error))
}

/// The user's tags and those given.
pub(crate) fn all_tags(work: &Work, tags: &[(&str, &str)]) -> Result<Vec<sdk::Tag>, BuildError> {
    let users = work.manifest.headwater.tags.iter();
    let users = users.map(|tag| (tag.key.as_str(), tag.value.as_str()));
    let all = users.chain(tags.iter().copied());
    all.map(|(key, value)| sdk::Tag::builder().key(key).value(value).build()).collect()
}

/// What a table is given once its items are there.
pub(crate) async fn complete(
    dynamodb: &Client,
    work: &Work,
    description: &TableDescription,
) -> Result<(), Failure> {
    let (table, options) = (&work.report.table, &work.manifest.headwater);
    if options.deletion_protection && description.deletion_protection_enabled() != Some(true) {
        let request =
            aws::sdk::dynamodb::operation::update_table::builders::UpdateTableInputBuilder::default(
            );
        table::update(dynamodb, table, request.deletion_protection_enabled(true)).await?;
    }
    match &options.time_to_live_attribute {
        Some(attribute) => table::expire_by(dynamodb, table, attribute).await,
        None => Ok(()),
    }
}

/// What a builder misses, manifests were checked for.
pub(crate) fn unbuilt(error: &BuildError) -> Refusal {
    Refusal::from(format!("the table's definition is incomplete: {error}"))
}

fn definitions(
    parameters: &TableCreationParameters,
) -> Result<Vec<sdk::AttributeDefinition>, BuildError> {
    let built = parameters.attribute_definitions.iter().map(|definition| {
        sdk::AttributeDefinition::builder()
            .attribute_name(&definition.attribute_name)
            .attribute_type(match definition.attribute_type {
                ScalarAttributeType::S => sdk::ScalarAttributeType::S,
                ScalarAttributeType::N => sdk::ScalarAttributeType::N,
                ScalarAttributeType::B => sdk::ScalarAttributeType::B,
            })
            .build()
    });
    built.collect()
}

fn key_schema(elements: &[KeySchemaElement]) -> Result<Vec<sdk::KeySchemaElement>, BuildError> {
    let built = elements.iter().map(|element| {
        sdk::KeySchemaElement::builder()
            .attribute_name(&element.attribute_name)
            .key_type(match element.key_type {
                KeyRole::Hash => sdk::KeyType::Hash,
                KeyRole::Range => sdk::KeyType::Range,
            })
            .build()
    });
    built.collect()
}

fn billing_mode(parameters: &TableCreationParameters) -> sdk::BillingMode {
    match parameters.billing_mode() {
        BillingMode::Provisioned => sdk::BillingMode::Provisioned,
        BillingMode::PayPerRequest => sdk::BillingMode::PayPerRequest,
    }
}

fn provisioned(
    given: Option<ProvisionedThroughput>,
) -> Result<Option<sdk::ProvisionedThroughput>, BuildError> {
    let built = given.map(|given| {
        sdk::ProvisionedThroughput::builder()
            .read_capacity_units(given.read_capacity_units)
            .write_capacity_units(given.write_capacity_units)
            .build()
    });
    built.transpose()
}

fn on_demand(given: Option<OnDemandThroughput>) -> Option<sdk::OnDemandThroughput> {
    given.map(|given| {
        sdk::OnDemandThroughput::builder()
            .set_max_read_request_units(given.max_read_request_units)
            .set_max_write_request_units(given.max_write_request_units)
            .build()
    })
}

fn warm(given: Option<WarmThroughput>) -> Option<sdk::WarmThroughput> {
    given.map(|given| {
        sdk::WarmThroughput::builder()
            .set_read_units_per_second(given.read_units_per_second)
            .set_write_units_per_second(given.write_units_per_second)
            .build()
    })
}

fn encryption(given: Option<&SseSpecification>) -> Option<sdk::SseSpecification> {
    given.map(|given| {
        sdk::SseSpecification::builder()
            .set_enabled(given.enabled)
            .set_sse_type(given.sse_type.map(|_| sdk::SseType::Kms))
            .set_kms_master_key_id(given.kms_master_key_id.clone())
            .build()
    })
}

fn projection(given: &Projection) -> sdk::Projection {
    use crate::manifest::ProjectionType;
    let named = (!given.non_key_attributes.is_empty()).then(|| given.non_key_attributes.clone());
    sdk::Projection::builder()
        .projection_type(match given.projection_type {
            ProjectionType::All => sdk::ProjectionType::All,
            ProjectionType::KeysOnly => sdk::ProjectionType::KeysOnly,
            ProjectionType::Include => sdk::ProjectionType::Include,
        })
        .set_non_key_attributes(named)
        .build()
}

fn global_indexes(
    parameters: &TableCreationParameters,
) -> Result<Option<Vec<sdk::GlobalSecondaryIndex>>, BuildError> {
    let built = parameters.global_secondary_indexes.iter().map(|given: &GlobalSecondaryIndex| {
        sdk::GlobalSecondaryIndex::builder()
            .index_name(&given.index_name)
            .set_key_schema(Some(key_schema(&given.key_schema)?))
            .projection(projection(&given.projection))
            .set_provisioned_throughput(provisioned(given.provisioned_throughput)?)
            .set_on_demand_throughput(on_demand(given.on_demand_throughput))
            .set_warm_throughput(warm(given.warm_throughput))
            .build()
    });
    let built = built.collect::<Result<Vec<_>, _>>()?;
    Ok((!built.is_empty()).then_some(built))
}

fn local_indexes(
    given: &[LocalSecondaryIndex],
) -> Result<Option<Vec<sdk::LocalSecondaryIndex>>, BuildError> {
    let built = given.iter().map(|given| {
        sdk::LocalSecondaryIndex::builder()
            .index_name(&given.index_name)
            .set_key_schema(Some(key_schema(&given.key_schema)?))
            .projection(projection(&given.projection))
            .build()
    });
    let built = built.collect::<Result<Vec<_>, _>>()?;
    Ok((!built.is_empty()).then_some(built))
}
