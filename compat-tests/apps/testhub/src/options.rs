//! The command line: `--name value` pairs, named as those of the ASP.NET Core reference app.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use heliograph::backend::embedded;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
testhub [--name value]…      the conformance hubs, served from Rust

  --listen ADDR:PORT      listen address, default 127.0.0.1:5000; port 0 takes a free one
  --urls URL              the same as a URL
  --exit-on-eof 1         stop gracefully when standard input ends
  --detailed 1            detailed errors
  --stateful 1            allow stateful reconnects
  --close-on-expiry 1     close connections when the authentication expires (give ?expires=SECONDS)
  --keepalive S           default 15
  --client-timeout S      default 30
  --handshake S           handshake timeout, default 15
  --max-message BYTES     largest incoming message, default 1048576; 0 = unlimited
  --parallel N            parallel invocations per client, default 8
  --loglevel LEVEL        error, warn, info, debug or trace, on standard error; default warn

Prints \"READY <url> embedded\" when it listens and \"STOPPED\" at the end. Stop it with SIGINT,
SIGTERM, POST /shutdown or end of input.
";

const KNOWN: [&str; 12] = [
    "listen",
    "urls",
    "exit-on-eof",
    "detailed",
    "stateful",
    "close-on-expiry",
    "keepalive",
    "client-timeout",
    "handshake",
    "max-message",
    "parallel",
    "loglevel",
];

/// What was given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    given: BTreeMap<String, String>,
}

impl Options {
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut given = BTreeMap::new();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let Some(name) = argument.strip_prefix("--") else {
                bail!("'{argument}' is not an option, see --help");
            };
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (name.to_owned(), None),
            };
            if !KNOWN.contains(&name.as_str()) {
                bail!("unknown option --{name}, see --help");
            }
            let value = value.or_else(|| arguments.next());
            let value = value.ok_or_else(|| anyhow!("--{name} needs a value"))?;
            given.insert(name, value);
        }
        let options = Self { given };
        options.hub()?;
        options.address()?;
        Ok(options)
    }

    /// Names and values as they were given.
    pub(crate) fn given(&self) -> &BTreeMap<String, String> {
        &self.given
    }

    pub(crate) fn address(&self) -> Result<SocketAddr> {
        let url = self.given.get("urls").map(|url| {
            url.trim_start_matches("http://")
                .trim_end_matches('/')
                .replace("localhost", "127.0.0.1")
        });
        let text = self.given.get("listen").cloned().or(url);
        let text = text.unwrap_or_else(|| "127.0.0.1:5000".to_owned());
        text.parse()
            .with_context(|| format!("'{text}' is no address with a port"))
    }

    pub(crate) fn hub(&self) -> Result<embedded::Options> {
        let defaults = embedded::Options::default();
        let seconds = |name, default| -> Result<Duration> {
            Ok(self
                .number(name)?
                .map_or(default, |s| Duration::from_secs(s as u64)))
        };
        Ok(embedded::Options {
            detailed_errors: self.on("detailed")?,
            stateful_reconnect: self.on("stateful")?,
            max_message_bytes: match self.number("max-message")? {
                None => 1 << 20,
                Some(0) => usize::MAX,
                Some(bytes) => bytes,
            },
            keep_alive_interval: seconds("keepalive", defaults.keep_alive_interval)?,
            client_timeout: seconds("client-timeout", defaults.client_timeout)?,
            handshake_timeout: seconds("handshake", defaults.handshake_timeout)?,
            parallel_calls: self.number("parallel")?.unwrap_or(8),
            ..defaults
        })
    }

    /// How much is logged.
    pub(crate) fn log_level(&self) -> &str {
        self.given.get("loglevel").map_or("warn", String::as_str)
    }

    pub(crate) fn on(&self, name: &str) -> Result<bool> {
        match self.given.get(name).map(String::as_str) {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(other) => bail!("--{name} is 0 or 1, not '{other}'"),
        }
    }

    fn number(&self, name: &str) -> Result<Option<usize>> {
        let Some(text) = self.given.get(name) else {
            return Ok(None);
        };
        let number = text.parse();
        number
            .map(Some)
            .with_context(|| format!("--{name} is a number, not '{text}'"))
    }
}
