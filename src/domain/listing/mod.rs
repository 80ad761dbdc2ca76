//! Reads the listings of mirrors: which files a mirror has, as each protocol lists them.
//!
//! Parsers are pure and total: they return a value for any bytes that a mirror sends, and never
//! panic. [`rsync`] reads the lines of `rsync --list-only`; [`rsync_message`] reads rsync's
//! messages: which parts it could not list, and why it failed. [`read_index`] reads the index pages
//! of web servers: `index_html` splits a page into tags and text, `index_page` interprets them,
//! `index_link` decides which links are entries, `index_field` and `index_date` read sizes and
//! times, `index_table` columns, `index_bucket` the listings of object stores, `index_json` the
//! JSON forms. [`FtpLine`] is a line from an FTP server, which `ftp_mlsd` or `ftp_list` reads;
//! `ftp_foreign` knows the forms that are not read, `mode` the start of a line.
//! [`ListedFile`] is a file in any of these listings.

mod ftp;
mod ftp_foreign;
mod ftp_list;
mod ftp_mlsd;
mod gaps;
mod index;
mod index_bucket;
mod index_date;
pub mod index_entry;
mod index_field;
mod index_html;
mod index_json;
mod index_link;
mod index_page;
mod index_table;
mod listed;
mod mode;
pub mod rsync;
pub mod rsync_message;

pub use ftp::{FtpEntry, FtpLine};
pub use ftp_list::{DayOrder, day_order, has_ambiguous_day, parse_list};
pub use ftp_mlsd::{parse_mlsd, time as parse_ftp_time};
pub use gaps::{ListingGaps, UNLISTED_MAX};
pub use index::{IndexForm, read_index};
pub use index_entry::{BucketPart, IndexEntry, IndexPage, NextPart, OtherListing, PageError};
pub use index_link::{Link, PageAddress};
pub use listed::{FilePresence, ListedFile, ListedSize, ListedTime};
