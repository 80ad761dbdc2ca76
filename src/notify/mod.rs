//! Sends notices to people and programs: mail through `sendmail`, and webhooks.
//!
//! # Errors
//! [`NoticeError`]: says which way failed, and why; the caller logs it and goes on.

mod error;
mod mail;
mod webhook;

pub use error::NoticeError;
pub use mail::Mail;
pub use webhook::post_json;
