//! Where a client is: readers of GeoIP databases.
