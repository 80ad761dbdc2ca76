//! Sorts lists beside the request path.

mod short_list;

pub use short_list::ShortList;
