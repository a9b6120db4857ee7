//! Paths that are served whatever stands before them.

/// Whether a path leads to `base`, or to something below it. Case does not matter, and anything may
/// stand before it: prefixes of proxies, or the path twice.
#[must_use]
pub fn leads_to(path: &str, base: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let base = base.trim_end_matches('/').to_ascii_lowercase();
    path.match_indices(&base).any(|(at, base)| {
        let rest = path.get(at + base.len()..).unwrap_or_default();
        rest.is_empty() || rest.starts_with('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_may_stand_before_a_path_and_whole_segments_behind_it() {
        for (path, expected) in [
            ("/signalr", true),
            ("/SignalR/hubs", true),
            ("/a/b/signalr/connect", true),
            ("/signalr2/signalr", true),
            ("/signalr2", false),
            ("/signalr.js", false),
            ("/asignalr", false),
            ("/", false),
        ] {
            assert_eq!(leads_to(path, "/signalr/"), expected, "{path}");
        }
    }
}
