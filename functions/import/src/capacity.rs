//! What a table takes: the write units per second that were provisioned, or are the most on demand.
//!
//! Every item is written to each global index too, so that the slowest of them bounds the table.

use aws::sdk::dynamodb::types as sdk;

use crate::manifest::{OnDemandThroughput, ProvisionedThroughput, TableCreationParameters};

/// Write units per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// That are provisioned.
    pub(crate) provisioned: Option<u64>,
    /// That are the most on demand.
    pub(crate) on_demand_most: Option<u64>,
}

impl Capacity {
    /// Zero is what DynamoDB tells of tables without, and -1 is no limit.
    fn new(provisioned: Option<i64>, on_demand_most: Option<i64>) -> Self {
        let known = |units: i64| u64::try_from(units).ok().filter(|units| *units > 0);
        Self {
            provisioned: provisioned.and_then(known),
            on_demand_most: on_demand_most.and_then(known),
        }
    }

    fn slowest(all: impl Iterator<Item = Self>) -> Self {
        let least = |one: Option<u64>, other: Option<u64>| [one, other].into_iter().flatten().min();
        all.fold(Self::default(), |slowest, next| Self {
            provisioned: least(slowest.provisioned, next.provisioned),
            on_demand_most: least(slowest.on_demand_most, next.on_demand_most),
        })
    }
}

/// Of the table that a manifest asks for.
pub(crate) fn of_manifest(parameters: &TableCreationParameters) -> Capacity {
    let of = |provisioned: Option<ProvisionedThroughput>, on_demand: Option<OnDemandThroughput>| {
        Capacity::new(
            provisioned.map(|given| given.write_capacity_units),
            on_demand.and_then(|given| given.max_write_request_units),
        )
    };
    let table = of(parameters.provisioned_throughput, parameters.on_demand_throughput);
    let indexes = parameters.global_secondary_indexes.iter();
    let indexes = indexes.map(|index| of(index.provisioned_throughput, index.on_demand_throughput));
    Capacity::slowest(std::iter::once(table).chain(indexes))
}

/// Of a table that is there.
pub(crate) fn of_table(description: &sdk::TableDescription) -> Capacity {
    let of = |provisioned: Option<&sdk::ProvisionedThroughputDescription>,
              on_demand: Option<&sdk::OnDemandThroughput>| {
        Capacity::new(
            provisioned.and_then(sdk::ProvisionedThroughputDescription::write_capacity_units),
            on_demand.and_then(sdk::OnDemandThroughput::max_write_request_units),
        )
    };
    let table = of(description.provisioned_throughput(), description.on_demand_throughput());
    let indexes = description.global_secondary_indexes().iter();
    let indexes =
        indexes.map(|index| of(index.provisioned_throughput(), index.on_demand_throughput()));
    Capacity::slowest(std::iter::once(table).chain(indexes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_index_bounds_the_table() {
        let check = |parameters: &str, provisioned, on_demand_most| {
            let parameters = serde_json::from_str(parameters).unwrap();
            assert_eq!(of_manifest(&parameters), Capacity { provisioned, on_demand_most });
        };
        check("{}", None, None);
        let provisioned = |units| {
            format!(
                r#""ProvisionedThroughput":{{"ReadCapacityUnits":1,"WriteCapacityUnits":{units}}}"#
            )
        };
        let index = format!(
            r#"{{"IndexName":"by-at","KeySchema":[],"Projection":{{"ProjectionType":"ALL"}},{}}}"#,
            provisioned(5)
        );
        check(&format!("{{{}}}", provisioned(40)), Some(40), None);
        check(
            &format!(r#"{{{},"GlobalSecondaryIndexes":[{index}]}}"#, provisioned(40)),
            Some(5),
            None,
        );
        check(r#"{"OnDemandThroughput":{"MaxWriteRequestUnits":100}}"#, None, Some(100));
        check(r#"{"OnDemandThroughput":{"MaxWriteRequestUnits":-1}}"#, None, None);
    }
}
