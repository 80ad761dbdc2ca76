//! `heliostat`: the command line of the admin.
