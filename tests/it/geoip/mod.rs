//! GeoIP files: where clients are.

mod hostile;
mod layout;
mod networks;
