//! SDK clients, each made once per cold start and only if it is needed.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::{
    http::{
        HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector, http_client_fn,
    },
    orchestrator::HttpRequest,
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::SdkConfig;

use crate::{
    Count,
    environment::{Environment, EnvironmentError},
};

/// Attempts of one call before the SDK gives up and the trigger's own retry takes over.
const ATTEMPTS: u32 = 5;
/// A connection that takes longer is taken again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest one attempt may take, from request to the response's head.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// One client per service, made when it is first asked for.
///
/// A function is linked with the SDKs that it asks for and no others: nothing else names them.
/// Cloning is cheap: clones share clients, and clients share connections.
#[derive(Debug, Clone)]
pub struct Clients(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: SdkConfig,
    athena: OnceLock<aws_sdk_athena::Client>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    glue: OnceLock<aws_sdk_glue::Client>,
    lambda: OnceLock<aws_sdk_lambda::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    tagging: OnceLock<aws_sdk_resourcegroupstagging::Client>,
}

impl Clients {
    /// Clients for the region, credentials and (if set) endpoint that Lambda's environment names:
    /// `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
    /// `AWS_ENDPOINT_URL`.
    ///
    /// Source: [Lambda environment variables](https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).
    pub fn from_environment(environment: &Environment) -> Result<Self, EnvironmentError> {
        Ok(Self(Arc::new(Shared {
            config: sdk_config(environment)?,
            athena: OnceLock::new(),
            dynamodb: OnceLock::new(),
            glue: OnceLock::new(),
            lambda: OnceLock::new(),
            s3: OnceLock::new(),
            sqs: OnceLock::new(),
            tagging: OnceLock::new(),
        })))
    }

    /// Clients of an endpoint of a test's own.
    #[cfg(test)]
    pub(crate) fn of_endpoint(endpoint: &str) -> Self {
        let variables = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", endpoint),
        ];
        Self::from_environment(&Environment::from_variables(variables)).unwrap()
    }

    /// Queries, and the views they are made through.
    pub fn athena(&self) -> &aws_sdk_athena::Client {
        self.0.athena.get_or_init(|| aws_sdk_athena::Client::new(&self.0.config))
    }

    /// Tables, items, backups, exports.
    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        self.0.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.0.config))
    }

    /// The catalog.
    pub fn glue(&self) -> &aws_sdk_glue::Client {
        self.0.glue.get_or_init(|| aws_sdk_glue::Client::new(&self.0.config))
    }

    /// Event source mappings, and functions that are called.
    pub fn lambda(&self) -> &aws_sdk_lambda::Client {
        self.0.lambda.get_or_init(|| aws_sdk_lambda::Client::new(&self.0.config))
    }

    /// Objects.
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        self.0.s3.get_or_init(|| {
            // Bucket names as a path: an endpoint that is an address has no sub-domains.
            let path_style = self.0.config.endpoint_url().is_some();
            let config = aws_sdk_s3::config::Builder::from(&self.0.config);
            aws_sdk_s3::Client::from_conf(config.force_path_style(path_style).build())
        })
    }

    /// Messages.
    pub fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.0.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.0.config))
    }

    /// Tables by tag.
    pub fn tagging(&self) -> &aws_sdk_resourcegroupstagging::Client {
        let client = || aws_sdk_resourcegroupstagging::Client::new(&self.0.config);
        self.0.tagging.get_or_init(client)
    }
}

/// What every client is built from.
///
/// Retries, time-outs, the HTTP client and its one TLS provider are settled here.
fn sdk_config(environment: &Environment) -> Result<SdkConfig, EnvironmentError> {
    let credentials = Credentials::new(
        environment.required("AWS_ACCESS_KEY_ID")?,
        environment.required("AWS_SECRET_ACCESS_KEY")?,
        environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
        None,
        "environment",
    );
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(environment.required("AWS_REGION")?.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        // How long a connection may take is settled where the connector is made.
        .timeout_config(
            TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build(),
        );
    config.set_endpoint_url(environment.optional("AWS_ENDPOINT_URL").map(str::to_owned));
    Ok(config.build())
}

/// One connector for all clients, made here and now.
///
/// The builder of the SDK makes a connector whenever a client is built, only to see that it can be, and one more with
/// the first call: each parses every root certificate of the machine anew. docs/performance.md has what that took.
fn http_client() -> SharedHttpClient {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let connector = Connector::builder()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .connector_settings(settings)
        .sleep_impl(TokioSleep::new())
        .build();
    let connector = SharedHttpConnector::new(CountedRetries(connector));
    http_client_fn(move |_, _| connector.clone())
}

/// A connector that counts the requests which the SDK sends again.
#[derive(Debug)]
struct CountedRetries<C>(C);

impl<C: HttpConnector> HttpConnector for CountedRetries<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if request.headers().get("amz-sdk-request").is_some_and(is_retry) {
            Count::Retries.add(1);
        }
        self.0.call(request)
    }
}

/// Whether the SDK's own header tells of another attempt than the first: `attempt=2; max=5`.
fn is_retry(header: &str) -> bool {
    let attempt = header.split("; ").find_map(|part| part.strip_prefix("attempt="));
    attempt.is_some_and(|attempt| attempt != "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_is_known_by_its_header() {
        for (header, expected) in [
            ("attempt=1; max=5", false),
            ("attempt=2; max=5", true),
            ("ttl=20261122T030000Z; attempt=1; max=5", false),
            ("ttl=20261122T030000Z; attempt=12; max=50", true),
            ("", false),
        ] {
            assert_eq!(is_retry(header), expected, "{header}");
        }
    }
}
