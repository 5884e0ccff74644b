//! The payload's bytes, past what the runtime makes of them.
//!
//! `lambda_runtime` reads every payload with serde and hands on a copy: an eighth of the time that an event
//! takes to become Parquet, and once more its memory. [`Payloads`] keeps the bytes for the handler and gives
//! the runtime `null` to read.

use std::task::{Context, Poll};

use bytes::Bytes;
use lambda_runtime::tower::{Layer, Service};
use lambda_runtime::{Error, LambdaInvocation};
use tokio::task::futures::TaskLocalFuture;
use tokio::task_local;

task_local! {
    static PAYLOAD: Bytes;
}

/// A layer of the runtime under which a handler of `()` finds its [`payload`].
#[derive(Debug, Clone, Copy)]
pub struct Payloads;

/// The service of the layer [`Payloads`].
#[derive(Debug, Clone)]
pub struct KeepPayload<S> {
    inner: S,
}

impl<S> Layer<S> for Payloads {
    type Service = KeepPayload<S>;

    fn layer(&self, inner: S) -> KeepPayload<S> {
        KeepPayload { inner }
    }
}

impl<S: Service<LambdaInvocation>> Service<LambdaInvocation> for KeepPayload<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = TaskLocalFuture<Bytes, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> Self::Future {
        let payload = std::mem::replace(&mut invocation.body, Bytes::from_static(b"null"));
        PAYLOAD.scope(payload, self.inner.call(invocation))
    }
}

/// The payload of the invocation that is being handled. Fails where the runtime has no such layer.
pub fn payload() -> Result<Bytes, Error> {
    Ok(PAYLOAD.try_with(Bytes::clone)?)
}
