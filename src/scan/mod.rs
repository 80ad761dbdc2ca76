//! `heliostat-scan`: which mirror has which file.
