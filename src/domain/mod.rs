//! Pure values and rules of the field; no clock, generator, database, file or socket inside.
//!
//! Reading order: [`path`] and [`mod@file`] (what is served), [`place`] and [`mirror`] (who and
//! where), [`health`] (who answers), [`select`] (who gets the client), [`rule`] (what is never
//! redirected), [`accept`] (who gets a metalink for the file), [`yum`] (which repository a query
//! means), [`escape`] and [`document`] (how an answer is written), [`listing`] (what mirrors say
//! they have), [`trace`] (what they say of themselves).

pub mod accept;
pub mod cache;
pub mod document;
pub mod escape;
pub mod file;
pub mod hash;
pub mod health;
pub mod listing;
pub mod mirror;
pub mod path;
pub mod pattern;
pub mod place;
pub mod representation;
pub mod rule;
pub mod scope;
pub mod select;
pub mod time;
pub mod trace;
pub mod url;
pub mod varint;
pub mod yum;
