//! `heliostat-fcgi`: answers requests from the web server.
