//! Rules between settings, and values that their type cannot rule out.

use super::ConfigError;
use super::check_hubs::check_hubs;
use super::legacy::LegacySettings;
use super::secret::Secret;
use super::settings::{Settings, WELL_KNOWN_KEY};
use super::span::Span;
use crate::edge::forwarded::Network;
use crate::edge::paths::leads_to;

/// The SDK makes no token with a shorter key.
const MIN_KEY_BYTES: usize = 16;
/// With less hardly any client gets a word through.
pub(super) const MIN_MESSAGE_BYTES: usize = 1024;
/// Tokens of 4096 characters may stand in the request line, beside all headers.
const MIN_HEADER_BYTES: usize = 16 * 1024;
/// Dialects have numbers of one byte.
const MAX_PROTOCOLS: usize = 200;
/// Paths that are ours.
const RESERVED: [&str; 9] = [
    "client",
    "demo",
    "server",
    "aspnetclient",
    "aspnetserver",
    "api",
    "healthz",
    "readyz",
    "metrics",
];

/// Bounds of the genuine legacy server.
const MIN_KEEP_ALIVE: Span = Span::seconds(2);
const MIN_LEGACY_DISCONNECT: Span = Span::seconds(6);
/// Polls and transports of less than that would do nothing but begin anew.
const MIN_LEGACY_WAIT: Span = Span::seconds(1);
/// Nobody waits longer; timers of browsers end at 24 days.
const MAX_LEGACY_SPAN: Span = Span::seconds(86_400);

/// Finds all faults at once.
pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    let mut faults = Vec::new();
    keys(settings, &mut faults);
    places(settings, &mut faults);
    amounts(settings, &mut faults);
    legacy(&settings.legacy, &mut faults);
    check_hubs(settings, &mut faults);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ConfigError(faults))
    }
}

fn keys(settings: &Settings, faults: &mut Vec<String>) {
    let named = [
        ("primary", &settings.keys.primary),
        ("secondary", &settings.keys.secondary),
    ];
    for (name, key) in named {
        let Some(Secret(key)) = key else { continue };
        if key.len() < MIN_KEY_BYTES {
            faults.push(format!(
                "keys.{name}: expected at least {MIN_KEY_BYTES} characters"
            ));
        }
        // No connection string can carry these.
        if key.trim() != key || key.contains([';', '\n', '\r']) {
            faults.push(format!(
                "keys.{name}: expected no ';', no line break and no space around the key"
            ));
        }
    }
    if settings.keys.primary.is_none() && settings.keys.secondary.is_some() {
        faults.push("keys.secondary: expected keys.primary to be set as well".to_owned());
    }
    if settings.is_development() && !settings.listen.ip().is_loopback() {
        faults.push(format!(
            "listen: {} is reachable from other machines, but the access key is the emulator's, \
             which everyone knows; set keys.primary (or HELIOGRAPH_KEYS__PRIMARY) to a secret of \
             your own, for example the output of `openssl rand -base64 32`",
            settings.listen
        ));
    }
    debug_assert!(WELL_KNOWN_KEY.len() >= MIN_KEY_BYTES);
}

fn places(settings: &Settings, faults: &mut Vec<String>) {
    if settings
        .client_endpoint
        .as_deref()
        .is_some_and(|url| !is_http_url(url) || url.contains([';', '?', '#']))
    {
        faults.push(
            "client_endpoint: expected a URL such as \"https://signalr.example.org\"".to_owned(),
        );
    }
    for text in &settings.trusted_proxies {
        if let Err(expected) = text.parse::<Network>() {
            faults.push(format!("trusted_proxies: {expected}, found {text:?}"));
        }
    }
    for host in &settings.token_hosts {
        if host.is_empty() || host.contains('/') {
            faults.push(format!(
                "token_hosts: expected a host such as \"signalr.example.org\", found {host:?}"
            ));
        }
    }
    origins("allowed_origins", &settings.allowed_origins, faults);
    protocols(&settings.protocols, faults);
    if settings.tls.certificate.is_some() != settings.tls.key.is_some() {
        faults.push("tls: expected both certificate and key, or neither".to_owned());
    }
    if !is_log_level(&settings.log.level) {
        faults.push(format!(
            "log.level: expected error, warn, info, debug, trace or directives such as \
             \"info,heliograph::front=debug\", found {:?}",
            settings.log.level
        ));
    }
}

fn protocols(names: &[String], faults: &mut Vec<String>) {
    if names.len() > MAX_PROTOCOLS {
        faults.push(format!(
            "protocols: expected at most {MAX_PROTOCOLS} names, found {}",
            names.len()
        ));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    for (at, name) in names.iter().enumerate() {
        let is_same = |other: &String| other.eq_ignore_ascii_case(name);
        if name.is_empty() || !name.chars().all(is_plain) {
            faults.push(format!(
                "protocols: expected names such as \"blazorpack\", found {name:?}"
            ));
        } else if ["json", "messagepack"]
            .map(String::from)
            .iter()
            .any(is_same)
        {
            faults.push(format!("protocols: {name:?} is carried anyway"));
        } else if names.iter().take(at).any(is_same) {
            faults.push(format!("protocols: {name:?} is named twice"));
        }
    }
}

/// A bare word would be taken for the name of a module, so a slip in a level would go unnoticed.
fn is_log_level(text: &str) -> bool {
    let is_bare_word = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_level = |part: &str| {
        part.parse::<tracing_subscriber::filter::LevelFilter>()
            .is_ok()
    };
    text.split(',')
        .all(|part| !is_bare_word(part) || is_level(part))
        && text.parse::<tracing_subscriber::EnvFilter>().is_ok()
}

pub(super) fn origins(name: &str, origins: &[String], faults: &mut Vec<String>) {
    for origin in origins {
        let is_origin = is_http_url(origin) && origin.matches('/').count() == 2;
        if origin != "*" && !is_origin {
            faults.push(format!(
                "{name}: expected \"*\" or origins such as \"https://app.example.org\", \
                 found {origin:?}"
            ));
        }
    }
}

fn amounts(settings: &Settings, faults: &mut Vec<String>) {
    let limits = &settings.limits;
    let least = [
        (
            "limits.max_message_bytes",
            limits.max_message_bytes,
            MIN_MESSAGE_BYTES,
        ),
        (
            "limits.server_message_bytes",
            limits.server_message_bytes,
            MIN_MESSAGE_BYTES,
        ),
        ("limits.outbox_bytes", limits.outbox_bytes, 1024),
        ("limits.outbox_messages", limits.outbox_messages, 16),
        (
            "limits.stateful_buffer_bytes",
            limits.stateful_buffer_bytes,
            1024,
        ),
        ("limits.token_bytes", limits.token_bytes, 256),
        ("limits.header_bytes", limits.header_bytes, MIN_HEADER_BYTES),
        ("limits.connections", limits.connections, 1),
    ];
    for (name, value, least) in least {
        if value < least {
            faults.push(format!("{name}: expected at least {least}, found {value}"));
        }
    }
    if limits.token_bytes > limits.header_bytes {
        faults.push(format!(
            "limits.token_bytes: expected at most limits.header_bytes ({}), found {}",
            limits.header_bytes, limits.token_bytes
        ));
    }
    let timeouts = &settings.timeouts;
    let positive = [
        ("handshake", timeouts.handshake),
        ("long_poll", timeouts.long_poll),
        ("disconnect", timeouts.disconnect),
        ("request_head", timeouts.request_head),
    ];
    for (name, span) in positive {
        if span.0.is_zero() {
            faults.push(format!("timeouts.{name}: expected more than 0s"));
        }
    }
    if timeouts.dead_peer.0.as_secs() < 6 {
        faults.push(format!(
            "timeouts.dead_peer: expected at least 6s, found {}",
            timeouts.dead_peer
        ));
    }
}

fn legacy(legacy: &LegacySettings, faults: &mut Vec<String>) {
    if !legacy.path.is_empty() {
        path("legacy.path", &legacy.path, faults);
        if leads_to("/client/negotiate", &legacy.path) {
            faults.push("legacy.path: '/client/negotiate' is the service's own".to_owned());
        }
    }
    origins("legacy.allowed_origins", &legacy.allowed_origins, faults);
    if let Some(url) = &legacy.app_url {
        self::url("legacy.app_url", url, faults);
        if legacy.manifest.is_some() {
            faults.push(
                "legacy.manifest: expected none, the script is that of the app (legacy.app_url)"
                    .to_owned(),
            );
        }
    }
    headers("legacy.forward_headers", &legacy.forward_headers, faults);
    let LegacySettings {
        keep_alive,
        disconnect,
        poll_delay,
        ..
    } = legacy;
    let least = [
        ("disconnect", *disconnect, MIN_LEGACY_DISCONNECT),
        ("long_poll", legacy.long_poll, MIN_LEGACY_WAIT),
        (
            "transport_connect",
            legacy.transport_connect,
            MIN_LEGACY_WAIT,
        ),
        ("send", legacy.send, Span::seconds(0)),
        ("ask", legacy.ask, Span::seconds(0)),
    ];
    for (name, span, least) in least {
        if span.0.is_zero() && least.0.is_zero() {
            faults.push(format!("legacy.{name}: expected more than 0s"));
        } else if span < least {
            faults.push(format!(
                "legacy.{name}: expected at least {least}, found {span}"
            ));
        } else if span > MAX_LEGACY_SPAN {
            faults.push(format!(
                "legacy.{name}: expected at most {MAX_LEGACY_SPAN}, found {span}"
            ));
        }
    }
    if poll_delay > disconnect {
        faults.push(format!(
            "legacy.poll_delay: expected at most legacy.disconnect ({disconnect}), found \
             {poll_delay}"
        ));
    }
    let is_off = keep_alive.0.is_zero();
    if !is_off && (*keep_alive < MIN_KEEP_ALIVE || keep_alive.0 > disconnect.0 / 3) {
        faults.push(format!(
            "legacy.keep_alive: expected 0s, or at least {MIN_KEEP_ALIVE} and at most a third of \
             legacy.disconnect ({disconnect}), found {keep_alive}"
        ));
    }
    let least = [
        ("replay_messages", legacy.replay_messages, 32),
        ("replay_bytes", legacy.replay_bytes, 1024),
    ];
    for (name, value, least) in least {
        if value < least {
            faults.push(format!(
                "legacy.{name}: expected at least {least}, found {value}"
            ));
        }
    }
}

/// A path at which something may be served.
pub(super) fn path(name: &str, path: &str, faults: &mut Vec<String>) {
    let first = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    if !path.starts_with('/') || path.ends_with('/') || !path.chars().all(plain) {
        faults.push(format!(
            "{name}: expected a path such as \"/chat\", found {path:?}"
        ));
    } else if RESERVED
        .iter()
        .any(|reserved| first.eq_ignore_ascii_case(reserved))
    {
        faults.push(format!("{name}: '/{first}' is the service's own"));
    }
}

/// Where a hub or an app is.
pub(super) fn url(name: &str, url: &str, faults: &mut Vec<String>) {
    if !is_http_url(url) {
        faults.push(format!(
            "{name}: expected an http or https URL, found {url:?}"
        ));
    } else if let Some((_, fragment)) = url.split_once('#') {
        faults.push(format!(
            "{name}: expected a URL without a fragment, found '#{fragment}'"
        ));
    }
}

/// Headers that are passed on.
pub(super) fn headers(name: &str, headers: &[String], faults: &mut Vec<String>) {
    for header in headers {
        if header.parse::<http::HeaderName>().is_err() {
            faults.push(format!(
                "{name}: expected names of headers, found {header:?}"
            ));
        }
    }
}

fn is_http_url(text: &str) -> bool {
    text.parse::<http::Uri>().is_ok_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|h| !h.is_empty())
    })
}
