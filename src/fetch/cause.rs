//! Lists the causes of an error, outermost first.

use std::error::Error;
use std::io;

use super::error::FetchError;

/// The error and its causes. An I/O error's inner error, which `source` leaves out, is among them.
pub(super) fn causes<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        // An I/O error shows what it carries only through `get_ref`.
        let carried = this
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn Error + 'static));
        next = carried.or_else(|| this.source());
        Some(this)
    })
}

/// The text of the first [`FetchError`] among the causes, else of the deepest cause, which says
/// most.
pub fn deepest(error: &(dyn Error + 'static)) -> String {
    let ours = causes(error).find_map(|cause| cause.downcast_ref::<FetchError>());
    let ours = ours.map(ToString::to_string);
    let last = || causes(error).last().map(ToString::to_string);
    ours.or_else(last).unwrap_or_default()
}
