//! What a real MirrorBrain answered, held against our answers and the selection law.

mod document;
mod plain;
mod reading;
mod run;
mod second;
