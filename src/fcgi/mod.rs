//! The FastCGI protocol: records, connections, worker threads.
