//! Listings of mirrors: what each protocol says about the files that a mirror has.
//!
//! Parsers are pure and total: whatever bytes a mirror sends, they give a value, never a panic.
//! [`rsync`] reads the lines of `rsync --list-only`, [`rsync_message`] what rsync says beside
//! them: what it could not list, and why it failed. [`read_index`] reads the index pages of web
//! servers: `index_html` is the tokenizer's side, `index_page` knows what tags and text mean,
//! `index_link` which links are entries, `index_field` and `index_date` sizes and times,
//! `index_table` columns, `index_bucket` the listings of object stores, `index_json` the forms in
//! JSON. [`FtpLine`] is a line of an FTP server, by `ftp_mlsd` or
//! `ftp_list`. [`ListedFile`] is what they say of a file.

mod ftp;
mod ftp_list;
mod ftp_mlsd;
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
pub mod rsync;
pub mod rsync_message;
mod unlisted;

pub use ftp::{FtpEntry, FtpLine};
pub use ftp_list::parse_list;
pub use ftp_mlsd::{parse_mlsd, time as parse_ftp_time};
pub use index::{IndexForm, read_index};
pub use index_entry::{BucketPart, IndexEntry, IndexPage, NextPart, OtherListing, PageError};
pub use index_link::{Link, PageAddress};
pub use listed::{FilePresence, ListedFile, ListedSize, ListedTime};
pub use unlisted::{UNLISTED_MAX, Unlisted};
