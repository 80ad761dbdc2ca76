//! Guards of the house style.
