//! `[legacy]`: clients of ASP.NET SignalR 1.x and 2.x.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::span::Span;

/// How legacy clients are served.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LegacySettings {
    /// Path at which they are served without a token. Empty: nowhere.
    pub path: String,
    /// Origins of web pages that may call there. Empty: its own origin alone, since a cookie may
    /// say who the user is.
    pub allowed_origins: Vec<String>,
    /// URL of the SignalR of a classic app, whose clients are served at `path` then: they are those
    /// whom the app names, and may listen to the hubs that let them in.
    pub app_url: Option<String>,
    /// Further request headers that this app gets to see.
    pub forward_headers: Vec<String>,
    /// File with the methods of hubs, for the proxy script.
    pub manifest: Option<PathBuf>,
    /// Time between two signs of life. `0s`: none.
    pub keep_alive: Span,
    /// For a client without a channel to come back.
    pub disconnect: Span,
    /// For a poll to be answered when there is nothing to say.
    pub long_poll: Span,
    /// For a client's transport to open, before it tries the next.
    pub transport_connect: Span,
    /// For a client to wait between two polls.
    pub poll_delay: Span,
    /// For a request to wait for the answer to its call.
    pub send: Span,
    /// For an app to say who a client is.
    pub ask: Span,
    /// Whether JSONP is answered.
    pub jsonp: bool,
    /// Messages kept for a client that comes back.
    pub replay_messages: usize,
    /// Bytes kept for a client that comes back.
    pub replay_bytes: usize,
    /// What becomes of a client that missed more than was kept.
    pub on_gap: OnGap,
}

impl Default for LegacySettings {
    fn default() -> Self {
        Self {
            path: "/signalr".to_owned(),
            allowed_origins: Vec::new(),
            app_url: None,
            forward_headers: Vec::new(),
            manifest: None,
            keep_alive: Span::seconds(10),
            disconnect: Span::seconds(30),
            long_poll: Span::seconds(110),
            transport_connect: Span::seconds(5),
            poll_delay: Span::seconds(0),
            send: Span::seconds(100),
            ask: Span::seconds(10),
            jsonp: false,
            replay_messages: 1000,
            replay_bytes: 1024 * 1024,
            on_gap: OnGap::Oldest,
        }
    }
}

/// What becomes of a client that missed more than was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnGap {
    /// It goes on with the oldest message that is kept.
    #[default]
    Oldest,
    /// Its connection is ended.
    Close,
}
