//! The command line: the flags of `heliograph` for its settings, and this program's own.

use clap::{ArgAction, Parser};
use contract::switches::{switch, time};
use heliograph::config::cli::SettingArgs;
use heliograph::config::{Sources, Span};

/// The conformance hubs, served from Rust at /signalr to clients of ASP.NET SignalR 2.x, and at
/// /conformance, /second, /greeter, /failing and /guarded to clients of ASP.NET Core SignalR.
///
/// Settings come from a file, the environment and flags as those of heliograph do; listen, keys,
/// tls, limits, timeouts, legacy, log, allowed_origins, client_endpoint and trusted_proxies count
/// here.
///
/// Prints "READY URL" when it listens and "STOPPED" at the end. Stop it with SIGINT, SIGTERM, POST
/// /shutdown or end of input.
#[derive(Debug, Parser)]
#[command(name = "conformance", version, max_term_width = 100)]
pub(crate) struct Options {
    #[command(flatten)]
    settings: SettingArgs,
    /// Stop when standard input ends
    #[arg(long, value_name = "0|1", default_value = "0", action = ArgAction::Set, value_parser = switch)]
    pub(crate) exit_on_eof: bool,
    /// Tell clients the texts of all errors
    #[arg(long, value_name = "0|1", default_value = "0", action = ArgAction::Set, value_parser = switch)]
    pub(crate) detailed: bool,
    /// Answer /redirect/signalr/negotiate as an app with MapAzureSignalR does
    #[arg(long, value_name = "0|1", default_value = "0", action = ArgAction::Set, value_parser = switch)]
    pub(crate) redirect: bool,
    /// Where that answer sends clients: to this program's own /aspnetclient, if not given
    #[arg(long, value_name = "URL", requires = "redirect")]
    pub(crate) redirect_to: Option<String>,
    /// How long the tokens of that answer are good; clocks may be off by timeouts.clock_skew
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    pub(crate) token_life: Span,
}

impl Options {
    /// Where settings come from.
    pub(crate) fn sources(&self) -> Sources {
        self.settings.sources(&[])
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn flags_do_not_clash() {
        Options::command().debug_assert();
    }

    #[test]
    fn switches_are_numbers() {
        let parse = |flags: &[&str]| {
            Options::try_parse_from(["conformance"].iter().chain(flags)).map(|o| o.detailed)
        };
        assert!(!parse(&[]).unwrap());
        assert!(parse(&["--detailed", "1"]).unwrap());
        assert!(!parse(&["--detailed=0"]).unwrap());
        assert!(parse(&["--detailed", "yes"]).is_err());
    }

    #[test]
    fn settings_are_those_of_the_service() {
        let flags = ["--listen", "127.0.0.1:0", "--set", "keys.primary=abc"];
        let options = Options::parse_from(["conformance"].iter().chain(&flags));
        let given = options.sources().flags;
        assert!(
            given.contains(&("keys.primary".into(), "abc".into())),
            "{given:?}"
        );
        assert!(
            given.contains(&("listen".into(), "\"127.0.0.1:0\"".into())),
            "{given:?}"
        );
    }
}
