//! What is recorded and cannot be asked of hubs in Rust.

use crate::recording::Request;

const RAW: &str = "a PersistentConnection: there are hubs alone (section 11)";

const OF_THE_APP: &str = "an answer that the app behind the recorded server made up";

/// Paths at which the recorded server served nothing itself.
const PATHS: [(&str, &str); 3] = [
    ("/redirect", OF_THE_APP),
    ("/redirect-query", OF_THE_APP),
    ("/redirect-twice", OF_THE_APP),
];

/// Recordings that are not played.
const RECORDINGS: [(&str, &str); 8] = [
    ("js-negotiate-core", OF_THE_APP),
    ("js-negotiate-error", OF_THE_APP),
    ("js-negotiate-redirect-loop", OF_THE_APP),
    ("js-negotiate-redirect-old", OF_THE_APP),
    ("js-ff-raw", RAW),
    ("js-lp-raw", RAW),
    ("js-sse-raw", RAW),
    ("js-ws-raw", RAW),
];

/// Requests that are not sent.
const REQUESTS: [(&str, u32, &str); 1] = [("http-errors", 57, RAW)];

/// Why a recording is not played.
pub(crate) fn recording(name: &str) -> Option<&'static str> {
    let (_, why) = RECORDINGS.iter().find(|(known, _)| *known == name)?;
    Some(why)
}

/// Why a request is not sent.
pub(crate) fn request(recording: &str, request: &Request) -> Option<&'static str> {
    let place = (recording, request.id);
    let requests = REQUESTS
        .iter()
        .filter(|(name, id, _)| (*name, *id) == place);
    let paths = PATHS.iter().filter(|(path, _)| *path == request.base());
    requests
        .map(|(.., why)| *why)
        .chain(paths.map(|(_, why)| *why))
        .next()
}

/// Entries of these tables for what no recording has.
pub(crate) fn nowhere(requests: impl Fn(&str) -> Vec<u32>) -> Vec<String> {
    let known = crate::recording::names();
    let recordings = RECORDINGS.iter().map(|(name, _)| (*name).to_owned());
    let recordings = recordings.filter(|name| !known.contains(name));
    let requests = REQUESTS
        .iter()
        .filter(|(name, id, _)| !requests(name).contains(id));
    recordings
        .chain(requests.map(|(name, id, _)| format!("{name} {id}")))
        .collect()
}
