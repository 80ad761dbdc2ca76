//! `heliostat-index`: the tree into the catalogue.
