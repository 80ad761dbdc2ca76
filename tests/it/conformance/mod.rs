//! Compares answers of a real MirrorBrain with our answers and the selection law.

mod document;
mod plain;
mod reading;
mod run;
mod second;
