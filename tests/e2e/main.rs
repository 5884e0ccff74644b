//! End to end tests on the deployed stack: run by `make test`, one stack for all.

mod backup;
mod import;
mod stream;
