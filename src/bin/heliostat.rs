//! Shell over the library.

fn main() {}
