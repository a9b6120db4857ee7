//! The hub protocols that clients may name, and the frames made for them.

use heliograph_protocol::hub::Encoding;
use heliograph_relay::{Dialect, Frame, FrameClass};

use crate::edge::websocket::{self, MessageKind};

/// The hub protocol `json`.
pub const JSON: Dialect = Dialect(0);
/// The hub protocol `messagepack`.
pub const MESSAGEPACK: Dialect = Dialect(1);

/// What legacy clients read. No Core client can name it.
pub const LEGACY: Dialect = Dialect(255);

/// The encoding in which a backend speaks to a client of this dialect, if it is one that we read.
/// To legacy clients backends speak JSON, which the bridge translates.
#[must_use]
pub fn encoding(dialect: Dialect) -> Option<Encoding> {
    match dialect {
        JSON | LEGACY => Some(Encoding::Json),
        MESSAGEPACK => Some(Encoding::MessagePack),
        _ => None,
    }
}

/// The hub protocols that clients may name. All but `json` are binary; those beyond the two that
/// we know are carried, framed by length prefixes as `messagepack` is, and never read.
#[derive(Clone, Debug)]
pub struct Dialects {
    names: Vec<Box<str>>,
}

impl Dialects {
    /// `json`, `messagepack` and up to 200 further names.
    #[must_use]
    pub fn new<S: AsRef<str>>(further: &[S]) -> Self {
        let mut names: Vec<Box<str>> = vec!["json".into(), "messagepack".into()];
        for name in further
            .iter()
            .map(|name| name.as_ref().to_lowercase())
            .take(200)
        {
            if !names.iter().any(|known| **known == *name) {
                names.push(name.into());
            }
        }
        Self { names }
    }

    /// The dialect of a protocol name, whatever its case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Dialect> {
        let at = self
            .names
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name))?;
        u8::try_from(at).ok().map(Dialect)
    }

    /// The protocol name of a dialect.
    #[must_use]
    pub fn name(&self, dialect: Dialect) -> &str {
        self.names
            .get(usize::from(dialect.0))
            .map_or("", |name| name)
    }
}

impl Default for Dialects {
    fn default() -> Self {
        Self::new(&["blazorpack"])
    }
}

/// The frame of one complete message: its WebSocket header (text for `json`, else binary) and the
/// payload, in one buffer that all receivers share.
#[must_use]
pub fn frame(dialect: Dialect, payload: &[u8], class: FrameClass) -> Frame {
    let kind = if encoding(dialect) == Some(Encoding::Json) {
        MessageKind::Text
    } else {
        MessageKind::Binary
    };
    let (wire, payload_at) = websocket::writer::frame(kind, payload);
    Frame::new(wire, payload_at, class)
}
