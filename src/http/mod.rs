//! Request and response values, without sockets.

mod query;
mod request;
mod response;

pub use query::Query;
pub use request::{Method, Overrides, Request};
pub use response::Response;
