//! What all doors share over HTTP.
