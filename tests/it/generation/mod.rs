//! Repositories that are published while mirrors are behind.

mod publish;
