//! What an idle connection costs, so that nobody makes it dearer unawares.

use std::future::Future;
use std::mem::size_of;

use bytes::Bytes;

use super::channel::Opened;
use super::session::Session;
use super::websocket::drive;
use crate::edge::Stream;

fn future_bytes<F: Future>(_: impl FnOnce(Opened, usize, Stream, Bytes) -> F) -> usize {
    size_of::<F>()
}

#[test]
fn an_idle_connection_is_small() {
    let sizes = [
        ("session", size_of::<Session>(), 232),
        ("websocket task", future_bytes(drive), 896),
    ];
    for (what, bytes, limit) in sizes {
        assert!(
            bytes <= limit,
            "{what}: {bytes} of {limit} bytes, {sizes:?}"
        );
    }
}
