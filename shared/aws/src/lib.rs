//! The edge: the only crate that calls AWS.
//!
//! ```text
//! environment ─▶ Environment ─▶ Settings (each function's own, validated at cold start)
//!                     └───────▶ Clients
//! SdkError ─▶ Failure { retryable | permanent }        one place decides
//!
//! table ── create, describe, wait        mapping ── stream -> function
//! batch_write ── load items              recovery, backup, export
//! table_import ── start, describe        queue ── messages of our own
//! object ── get, put, put once           opener ── objects as blocking readers
//! object_created ── S3's event           listing ── what is under a prefix
//! state ── one object, one writer        upload ── large objects as they are made
//! claim ── one run at a time             schedule ── when runs are due, whose turn it is
//! invocation ── another function is called
//! telemetry ── logs, metrics of a table  counts ── what an invocation did, in one line
//! catalog ── the registry in Glue         snapshot ── which are finished
//!                                        footer ── its columns, from the files
//! athena ── one statement to its end     view ── made, kept or left alone
//! custom_resource ── CloudFormation's requests, and the answers
//! enrolment ── stream, mapping, recovery and catalog of one table, in order
//! ```
//!
//! Functions take the concrete clients of [`Clients`]; there is no trait between them and AWS,
//! because there is one AWS. Whatever runs here can be pointed at another endpoint with
//! `AWS_ENDPOINT_URL`, which is how the local AWS is reached.

mod attribute_value;
mod clients;
mod failure;

pub mod athena;
pub mod backup;
pub mod batch_write;
pub mod catalog;
pub mod claim;
pub mod clock;
pub mod counts;
pub mod custom_resource;
pub mod enrolment;
pub mod environment;
pub mod export;
pub mod footer;
pub mod invocation;
pub mod listing;
pub mod mapping;
pub mod object;
pub mod object_created;
pub mod opener;
pub mod queue;
pub mod recovery;
pub mod schedule;
pub mod snapshot;
pub mod state;
pub mod table;
pub mod table_import;
pub mod tagged;
pub mod telemetry;
pub mod upload;
pub mod view;

pub use attribute_value::{item_from_sdk, item_to_sdk};
pub use clients::Clients;
pub use counts::Count;
pub use failure::{Class, Failure};

/// The SDK crates themselves, for end to end tests that look at AWS from outside.
pub mod sdk {
    pub use aws_sdk_athena as athena;
    pub use aws_sdk_dynamodb as dynamodb;
    pub use aws_sdk_glue as glue;
    pub use aws_sdk_lambda as lambda;
    pub use aws_sdk_resourcegroupstagging as tagging;
    pub use aws_sdk_s3 as s3;
    pub use aws_sdk_sqs as sqs;
}
