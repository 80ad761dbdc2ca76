//! Sends notices to people and programs: mail through `sendmail`, and webhooks.
//!
//! # Errors
//! Returns [`NoticeError`] with the channel that failed and the reason; the caller logs it and
//! continues.

mod error;
mod mail;
mod webhook;

pub use error::NoticeError;
pub use mail::Mail;
pub use webhook::post_json;
