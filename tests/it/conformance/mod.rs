//! What a real MirrorBrain answered, held against our answers and the selection law.

mod apache;
mod case;
mod difference;
mod document;
mod judge;
mod law;
mod list;
mod metalink;
mod page;
mod plain;
mod plant;
mod recording;
mod redirect;
mod run;
mod sample;
mod second;
mod seed;
mod shares;
pub mod site;
