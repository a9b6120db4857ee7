//! Settings of the app-server door.

use std::time::Duration;

/// Settings of the app-server [`Door`](super::Door).
#[derive(Clone, Debug)]
pub struct Options {
    /// Largest message taken from an app server, in bytes without its length prefix.
    pub max_message_bytes: usize,
    /// Bytes that may wait for an app server before its clients are no longer read. At eight
    /// times as many the link is given up.
    pub queue_high_water_bytes: usize,
    /// How long an app server may take to send its handshake request.
    pub handshake_timeout: Duration,
    /// Time between our pings. Silence and stalls are noticed at that pace.
    pub ping_interval: Duration,
    /// How long an app server may be silent.
    pub silence_limit: Duration,
    /// How long an app server may leave unread what we write.
    pub stall_limit: Duration,
    /// How long the end of a link may take: the last messages and the closing handshake.
    pub close_timeout: Duration,
    /// Links of one hub; further ones are refused.
    pub max_links_per_hub: usize,
    /// Links whose handshake is under way; further ones are refused.
    pub max_handshakes: usize,
    /// Largest page of group members.
    pub max_members_per_page: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_message_bytes: 16 << 20,
            queue_high_water_bytes: 4 << 20,
            handshake_timeout: Duration::from_secs(15),
            ping_interval: Duration::from_secs(5),
            silence_limit: Duration::from_secs(30),
            stall_limit: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            max_links_per_hub: 1000,
            max_handshakes: 1000,
            max_members_per_page: 200,
        }
    }
}
