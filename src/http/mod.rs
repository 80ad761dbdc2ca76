//! Request and response values, without sockets.
