//! What the recorded server called things, and what ours calls them.

use std::collections::{BTreeSet, HashMap};

use crate::lines::Line;

/// What begins a cursor of the recorded server, before its number and another dash.
const CURSOR_START: &str = "d-";
/// Digits of the number that stands for a run of the recorded server.
const SERVER_DIGITS: usize = 8;

/// Where the recorded server was, and where the service is for clients that are sent to it.
const SERVED: &str = "/signalr";
const AT_SERVICE: &str = "/aspnetclient";

/// Pairs of names, learnt from answers that stand at the same place.
#[derive(Debug, Default)]
pub(crate) struct Names {
    ids: Vec<(String, String)>,
    tokens: Vec<(String, String)>,
    cursors: HashMap<String, String>,
    groups: HashMap<String, String>,
    /// The access token of a client that an app has sent to the service.
    access_token: Option<String>,
}

impl Names {
    /// Of a client that an app has sent to the service, if there is a token.
    pub(crate) fn new(access_token: Option<String>) -> Self {
        Self {
            access_token,
            ..Self::default()
        }
    }

    /// What a client of ours asks for.
    pub(crate) fn target(&self, target: &str) -> String {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, format!("?{}", self.form(query))),
            None => (target, String::new()),
        };
        let inside = path.strip_prefix(SERVED);
        match inside.filter(|_| self.access_token.is_some()) {
            Some(inside) => format!("{AT_SERVICE}{inside}{query}"),
            None => format!("{path}{query}"),
        }
    }

    /// A header that says who the client is, as our program understands it.
    pub(crate) fn header(&self, name: &str, value: &str) -> String {
        match name {
            "cookie" => format!("{value}; {}", value.replace("user=", "as=")),
            "authorization" => self.access(value.trim_start_matches("Bearer ")),
            _ => value.to_owned(),
        }
    }

    fn access(&self, theirs: &str) -> String {
        let user = theirs.trim_start_matches("user:");
        format!("Bearer {}", self.access_token.as_deref().unwrap_or(user))
    }

    /// Two lines stand at the same place.
    pub(crate) fn learn(&mut self, theirs: &Line, ours: &Line) {
        if let (Some([their_id, their_token]), Some([id, token])) =
            (&theirs.connection, &ours.connection)
        {
            self.ids.push((their_id.clone(), id.clone()));
            self.tokens.push((their_token.clone(), token.clone()));
        }
        if let (Some(theirs), Some(ours)) = (&theirs.cursor, &ours.cursor) {
            self.cursors.insert(sorted(theirs), ours.clone());
        }
        if let (Some(theirs), Some(ours)) = (&theirs.groups, &ours.groups) {
            self.groups.insert(theirs.clone(), ours.clone());
        }
    }

    /// Our id of the connection that was negotiated last.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.ids.last().map(|(_, id)| id.as_str())
    }

    /// A text with our ids and paths.
    pub(crate) fn with_ids(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if self.access_token.is_some() {
            let url = |path| format!(r#"{{"Url":"{path}","#);
            text = text.replace(&url(SERVED), &url(AT_SERVICE));
        }
        for (theirs, ours) in &self.ids {
            text = text.replace(theirs, ours);
        }
        text
    }

    /// A query or a form as a client of ours would have written it.
    pub(crate) fn form(&self, pairs: &str) -> String {
        let pairs = pairs.split('&').map(|pair| self.pair(pair));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn pair(&self, pair: &str) -> String {
        let Some((name, _)) = pair.split_once('=') else {
            return pair.to_owned();
        };
        let (_, value) = form_urlencoded::parse(pair.as_bytes()).next().unwrap();
        if value.is_empty() {
            return pair.to_owned();
        }
        let ours = match name {
            "connectionToken" => self.token(&value),
            "messageId" => Some(self.cursor(&value)),
            "groupsToken" => self.groups.get(&*value).cloned(),
            "access_token" => Some(self.access(&value).split_off("Bearer ".len())),
            _ => None,
        };
        match ours {
            Some(ours) => {
                let ours: String = form_urlencoded::byte_serialize(ours.as_bytes()).collect();
                format!("{name}={ours}")
            }
            None => self.with_ids(pair),
        }
    }

    fn token(&self, theirs: &str) -> Option<String> {
        let known = self.tokens.iter().rev();
        let mut known = known.filter_map(|(known, ours)| {
            if known == theirs {
                return Some(ours.clone());
            }
            // One byte of it was changed: of ours too.
            let same = known.bytes().zip(theirs.bytes());
            let differing = same.filter(|(a, b)| a != b).count();
            (known.len() == theirs.len() && differing == 1).then(|| {
                let (first, rest) = ours.split_at(1);
                format!("{}{rest}", if first == "A" { "B" } else { "A" })
            })
        });
        known.next()
    }

    /// Our cursor for one of theirs; for one that they never gave, one that is wrong in the same way.
    fn cursor(&self, theirs: &str) -> String {
        if let Some(ours) = self.cursors.get(&sorted(theirs)) {
            return ours.clone();
        }
        let Some((known, ours)) = self.cursors.iter().next() else {
            return theirs.to_owned();
        };
        let (epoch, _) = ours.split_once('-').unwrap();
        let Some((server, tail)) = split(theirs) else {
            return theirs.to_owned();
        };
        let (their_server, _) = split(known).unwrap();
        if server != their_server {
            let other = u32::from_str_radix(epoch, 16).unwrap() ^ 1;
            return format!("{other:x}-1");
        }
        let keys = |cursor: &str| -> BTreeSet<String> {
            let (_, tail) = split(cursor).unwrap();
            let keys = tail.split('|').map(|pair| pair.split(',').next().unwrap());
            keys.map(str::to_owned).collect()
        };
        let is_ahead = self
            .cursors
            .keys()
            .any(|known| keys(known) == keys(theirs) && known.matches(',').count() > 1);
        if is_ahead {
            return format!("{epoch}-ffffffffffff");
        }
        format!("{epoch}-{tail}")
    }
}

/// The number of a server and what follows it, in one of its cursors.
fn split(cursor: &str) -> Option<(&str, &str)> {
    let (server, tail) = cursor.strip_prefix(CURSOR_START)?.split_once('-')?;
    (server.len() == SERVER_DIGITS).then_some((server, tail))
}

/// The keys in a cursor stand in any order.
fn sorted(cursor: &str) -> String {
    let Some((server, tail)) = split(cursor) else {
        return cursor.to_owned();
    };
    let mut pairs: Vec<&str> = tail.split('|').collect();
    pairs.sort_unstable();
    format!("{CURSOR_START}{server}-{}", pairs.join("|"))
}
