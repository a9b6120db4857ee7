//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::address::parse as address;
use super::load::Sources;
use super::span::Span;

/// Longer names of hubs are refused by the service.
const MAX_HUB_BYTES: usize = 512;

/// A self-hosted SignalR service.
///
/// Without arguments it runs in development mode: on 127.0.0.1:8888 with the access key of the
/// official emulator. Settings come from a TOML file, then from variables (HELIOGRAPH_LISTEN,
/// HELIOGRAPH_KEYS__PRIMARY and so on), then from flags; the later one wins.
#[derive(Debug, Parser)]
#[command(name = "heliograph", version, max_term_width = 100)]
pub struct Cli {
    /// Where settings come from.
    #[command(flatten)]
    pub settings: SettingArgs,
    /// What to do; without a command, the service runs.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags that change settings.
#[derive(Args, Debug)]
pub struct SettingArgs {
    /// TOML file with settings
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        env = "HELIOGRAPH_CONFIG"
    )]
    pub config: Option<PathBuf>,
    /// Address and port to listen on; port 0 lets the system choose
    #[arg(long, short, global = true, value_name = "ADDR:PORT", value_parser = address)]
    pub listen: Option<SocketAddr>,
    /// Level of the log: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Script of the JavaScript client (signalr.min.js) for the demo page
    #[arg(long, global = true, value_name = "FILE")]
    pub demo_script: Option<PathBuf>,
    /// Any setting.
    #[command(flatten)]
    pub any: AnySetting,
}

/// Flags for any setting. Taken before a command and behind it, where both count: a global flag
/// of clap would lose those before.
#[derive(Args, Debug)]
pub struct AnySetting {
    /// Any setting, as in `--set limits.token_bytes=8192`; may repeat
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
}

impl Cli {
    /// The sources that the flags stand for; of two for one setting the later one wins.
    #[must_use]
    pub fn sources(&self) -> Sources {
        let mut further = Vec::new();
        match &self.command {
            Some(Command::CheckConfig(any)) => further.extend_from_slice(&any.set),
            Some(Command::Token(token)) => {
                further.extend_from_slice(&token.any.set);
                further.extend_from_slice(&token.kind.common().any.set);
            }
            None => {}
        }
        self.settings.sources(&further)
    }
}

impl SettingArgs {
    /// The sources that these flags stand for, with `further` settings after those of `--set`.
    #[must_use]
    pub fn sources(&self, further: &[(String, String)]) -> Sources {
        let mut flags = [&self.any.set, further].concat();
        if let Some(listen) = self.listen {
            flags.push(("listen".to_owned(), format!("\"{listen}\"")));
        }
        if let Some(level) = &self.log_level {
            flags.push(("log.level".to_owned(), level.clone()));
        }
        if let Some(script) = &self.demo_script {
            let quoted = serde_json::Value::from(script.to_string_lossy()).to_string();
            flags.push(("demo_script".to_owned(), quoted));
        }
        Sources {
            file: self.config.clone(),
            flags,
        }
    }
}

/// What to do other than to run the service.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the settings and all that a start needs, and say what is wrong with them
    CheckConfig(AnySetting),
    /// Print a token made with the primary access key
    Token(TokenArgs),
}

/// `heliograph token`.
#[derive(Args, Debug)]
pub struct TokenArgs {
    /// For whom the token is.
    #[command(subcommand)]
    pub kind: TokenKind,
    /// Any setting.
    #[command(flatten)]
    pub any: AnySetting,
}

/// For whom a token is.
#[derive(Debug, Subcommand)]
pub enum TokenKind {
    /// For a client of a hub
    Client {
        /// Name of the hub, with its application prefix if there is one
        #[arg(long, value_parser = hub)]
        hub: String,
        /// User that the client speaks for
        #[arg(long)]
        user: Option<String>,
        /// A claim; may repeat
        #[arg(long, value_name = "NAME=VALUE", value_parser = claim)]
        claim: Vec<(String, String)>,
        /// What all kinds share.
        #[command(flatten)]
        common: TokenCommon,
    },
    /// For an app server of a hub
    Server {
        /// Name of the hub, with its application prefix if there is one
        #[arg(long, value_parser = hub)]
        hub: String,
        /// Name of the app server
        #[arg(long, default_value = "cli")]
        server_id: String,
        /// What all kinds share.
        #[command(flatten)]
        common: TokenCommon,
    },
    /// For a call to the REST API
    Rest {
        /// Path of the call with its query, such as /api/hubs/chat/:send?api-version=2022-06-01
        #[arg(long, required_unless_present = "audience", value_parser = path)]
        path: Option<String>,
        /// What all kinds share.
        #[command(flatten)]
        common: TokenCommon,
    },
}

impl TokenKind {
    fn common(&self) -> &TokenCommon {
        match self {
            Self::Client { common, .. }
            | Self::Server { common, .. }
            | Self::Rest { common, .. } => common,
        }
    }
}

/// Options of all kinds of tokens.
#[derive(Args, Debug)]
pub struct TokenCommon {
    /// How long the token is good
    #[arg(long, default_value = "1h", value_parser = lifetime)]
    pub ttl: Span,
    /// Endpoint of the connection string
    #[arg(long, value_name = "URL", default_value = "http://localhost")]
    pub endpoint: String,
    /// The whole audience, instead of the one made from the endpoint
    #[arg(long, value_name = "URL")]
    pub audience: Option<String>,
    /// Any setting.
    #[command(flatten)]
    pub any: AnySetting,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    if name.is_empty() {
        return Err("expected NAME=VALUE".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn lifetime(text: &str) -> Result<Span, String> {
    let span = Span::parse(text).ok_or("expected a time such as 15s, 5m or 1h")?;
    if span < Span::seconds(1) {
        return Err("expected at least 1s".to_owned());
    }
    Ok(span)
}

/// A claim of the caller's own: those that say how long and for whom a token is good have options.
fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    if ["aud", "exp", "iat", "nbf"].contains(&&*name) {
        return Err(format!(
            "the claim '{name}' is made by this command; see --ttl and --audience"
        ));
    }
    Ok((name, value))
}

/// A hub's name as it stands in a query.
fn hub(text: &str) -> Result<String, String> {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"&#?%+/=\"".contains(c);
    if text.is_empty() || text.len() > MAX_HUB_BYTES || !text.chars().all(is_plain) {
        return Err("expected the name of a hub such as chat".to_owned());
    }
    Ok(text.to_owned())
}

fn path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err("expected a path that begins with '/'".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn flags_do_not_clash() {
        Cli::command().debug_assert();
    }
}
