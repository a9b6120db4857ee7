//! Legacy clients in a hub that an app server runs.
