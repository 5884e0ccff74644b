//! What end to end tests need: the deployed stack, seen from outside.
//!
//! [`Stack`] reads the environment that `local/aws run` gives to its command. Tests share one
//! stack and run at the same time, so each works on tables of its own, named `e2e-…`.

mod catalog;
mod change;
mod custom_resource;
mod export;
mod function;
mod landing;
mod logs;
mod query;
mod queue;
mod snapshot;
mod stack;
mod table;
mod view;
mod watch;

pub use catalog::Described;
pub use change::inserts;
pub use custom_resource::{Answer, CloudFormation};
pub use export::hour;
pub use function::{Process, event};
pub use landing::Dropped;
pub use snapshot::snapshot;
pub use stack::{Stack, until};
pub use view::{Changes, Objects};
pub use watch::Watch;
