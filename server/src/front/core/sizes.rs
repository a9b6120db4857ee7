//! What an idle connection costs, so that nobody makes it dearer unawares.

use std::future::Future;
use std::mem::size_of;

use bytes::Bytes;

use super::session::Session;
use super::uplink::Uplink;
use super::websocket::Link;
use crate::edge::Stream;

fn future_bytes<F: Future>(_: impl FnOnce(Link, Stream, Bytes) -> F) -> usize {
    size_of::<F>()
}

#[test]
fn an_idle_connection_is_small() {
    let sizes = [
        ("session", size_of::<Session>(), 512),
        ("uplink", size_of::<Uplink>(), 112),
        ("websocket task", future_bytes(Link::drive), 768),
    ];
    for (what, bytes, limit) in sizes {
        assert!(
            bytes <= limit,
            "{what}: {bytes} of {limit} bytes, {sizes:?}"
        );
    }
}
