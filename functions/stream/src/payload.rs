//! The payload's bytes, past what the runtime makes of them.
//!
//! `lambda_runtime` reads every payload with serde and hands on a copy, which is a fifth of the time that an
//! event takes to become Parquet. [`Payloads`] keeps the bytes for the handler, and gives the runtime `null` to
//! read.

use std::cell::Cell;
use std::task::{Context, Poll};

use bytes::Bytes;
use lambda_runtime::tower::{Layer, Service};
use lambda_runtime::{Error, LambdaInvocation};
use tokio::task::futures::TaskLocalFuture;
use tokio::task_local;

task_local! {
    static PAYLOAD: Cell<Option<Bytes>>;
}

/// A layer of the runtime under which a handler of `()` finds its payload: [`take_payload`].
#[derive(Debug, Clone, Copy)]
pub struct Payloads;

/// The service of the layer [`Payloads`].
#[derive(Debug, Clone)]
pub struct PayloadService<S> {
    inner: S,
}

impl<S> Layer<S> for Payloads {
    type Service = PayloadService<S>;

    fn layer(&self, inner: S) -> PayloadService<S> {
        PayloadService { inner }
    }
}

impl<S: Service<LambdaInvocation>> Service<LambdaInvocation> for PayloadService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = TaskLocalFuture<Cell<Option<Bytes>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> Self::Future {
        let payload = std::mem::replace(&mut invocation.body, Bytes::from_static(b"null"));
        PAYLOAD.scope(Cell::new(Some(payload)), self.inner.call(invocation))
    }
}

/// Takes the payload of the invocation that is being handled. Fails where the runtime has no such layer, and
/// where the payload was taken before.
pub fn take_payload() -> Result<Bytes, Error> {
    let payload = PAYLOAD.try_with(Cell::take)?;
    payload.ok_or_else(|| "the payload was taken before".into())
}

#[cfg(test)]
mod tests {
    use lambda_runtime::service_fn;

    use super::*;

    fn invocation(payload: &'static str) -> LambdaInvocation {
        let (parts, ()) = http::Response::new(()).into_parts();
        LambdaInvocation {
            parts,
            body: payload.into(),
            context: lambda_runtime::Context::default(),
        }
    }

    #[tokio::test]
    async fn the_handler_has_the_bytes_once_and_the_runtime_null() {
        let mut service = Payloads.layer(service_fn(async |invocation: LambdaInvocation| {
            Ok::<_, Error>((invocation.body, take_payload()?, take_payload().is_err()))
        }));
        for payload in [r#"{"Records":[]}"#, "not JSON"] {
            let handled = service.call(invocation(payload)).await.unwrap();
            assert_eq!(handled, (Bytes::from("null"), Bytes::from(payload), true));
        }
        assert!(take_payload().is_err());
    }
}
