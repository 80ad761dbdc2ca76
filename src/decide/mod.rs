//! From a request to a decision, for the redirect and for `explain` alike.
