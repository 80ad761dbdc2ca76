//! Request and response values, without sockets.

mod condition;
mod query;
mod request;
mod response;

pub use condition::{ConditionVerdict, Conditions, Validators};
pub use query::Query;
pub use request::{Method, Overrides, Request};
pub use response::Response;
