//! Scans of mirrors over every protocol: what is learnt, published, kept and printed.

mod bucket;
mod due;
mod due_site;
mod due_stop;
mod failure;
mod fault;
mod fault_change;
mod fault_site;
mod links;
mod mirror_trace;
mod rsync;
mod scan;
mod suspicious;
mod told;
mod unlistable;
mod unlistable_ftp;
