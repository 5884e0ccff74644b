//! Capacity and encryption.
//!
//! Source: [`CreateTable`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html).

use super::super::error::Faults;
use super::super::{
    BillingMode, Manifest, OnDemandThroughput, ProvisionedThroughput, WarmThroughput,
};
use super::{TABLE, index};

pub(super) fn check(manifest: &Manifest, faults: &mut Faults) {
    let table = &manifest.table_creation_parameters;
    let mode = table.billing_mode();
    throughput(TABLE, mode, table.provisioned_throughput, table.on_demand_throughput, faults);
    for (at, index) in table.global_secondary_indexes.iter().enumerate() {
        let path = index::global_path(at);
        throughput(&path, mode, index.provisioned_throughput, index.on_demand_throughput, faults);
        warm(&path, index.warm_throughput, faults);
    }
    warm("Headwater", manifest.headwater.warm_throughput, faults);
    encryption(manifest, faults);
}

fn throughput(
    path: &str,
    mode: BillingMode,
    provisioned: Option<ProvisionedThroughput>,
    on_demand: Option<OnDemandThroughput>,
    faults: &mut Faults,
) {
    match (mode, provisioned) {
        (BillingMode::Provisioned, None) => faults.add(
            path,
            "ProvisionedThroughput is missing, which BillingMode PROVISIONED needs for the table and \
             for each of its global indexes; give it, or make BillingMode PAY_PER_REQUEST",
        ),
        (BillingMode::PayPerRequest, Some(_)) => faults.add(
            format!("{path}.ProvisionedThroughput"),
            "nothing is provisioned with BillingMode PAY_PER_REQUEST; leave it out, or make BillingMode \
             PROVISIONED",
        ),
        (BillingMode::Provisioned, Some(_)) | (BillingMode::PayPerRequest, None) => {}
    }
    let Some(on_demand) = on_demand else { return };
    let path = format!("{path}.OnDemandThroughput");
    if mode == BillingMode::Provisioned {
        let reason = "it has no place in a table with BillingMode PROVISIONED; leave it out";
        faults.add(path.as_str(), reason);
    }
    let units = [on_demand.max_read_request_units, on_demand.max_write_request_units];
    if units == [None, None] {
        let reason = "MaxReadRequestUnits or MaxWriteRequestUnits was expected; give one, or both";
        faults.add(path.as_str(), reason);
    }
    for (name, _) in ["MaxReadRequestUnits", "MaxWriteRequestUnits"]
        .iter()
        .zip(units)
        .filter(|(_, units)| *units == Some(0))
    {
        faults.add(format!("{path}.{name}"), "1 or more was expected, or -1 for no limit, found 0");
    }
}

fn warm(path: &str, warm: Option<WarmThroughput>, faults: &mut Faults) {
    if warm == Some(WarmThroughput::default()) {
        let reason = "ReadUnitsPerSecond or WriteUnitsPerSecond was expected; give one, or both";
        faults.add(format!("{path}.WarmThroughput"), reason);
    }
}

fn encryption(manifest: &Manifest, faults: &mut Faults) {
    let Some(sse) = &manifest.table_creation_parameters.sse_specification else { return };
    let with_kms = sse.sse_type.is_some() || sse.kms_master_key_id.is_some();
    if with_kms && sse.enabled != Some(true) {
        let reason = "SSEType and KMSMasterKeyId are for a key of KMS, which Enabled true asks for; \
                      add it, or leave them out";
        faults.add(format!("{TABLE}.SSESpecification"), reason);
    }
}
