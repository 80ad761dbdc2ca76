//! Integration tests over the real programs.
