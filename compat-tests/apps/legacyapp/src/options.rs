//! The command line.

use std::net::SocketAddr;

use clap::{ArgAction, Parser};
use contract::switches::{switch, time};
use heliograph::config::Span;

use crate::endpoint::Endpoint;

/// Connections for clients and for each hub that an app server holds open.
const LINKS: usize = 5;
/// As many as nobody needs.
const MOST_LINKS: usize = 100;

/// The conformance hubs in an app server of the kind of MapAzureSignalR, for clients of ASP.NET
/// SignalR 2.x that its /signalr/negotiate sends to the service.
///
/// Prints "READY URL" once clients can negotiate and "STOPPED" at the end. Stop it with SIGINT,
/// SIGTERM, POST /shutdown or end of input.
#[derive(Debug, Parser)]
#[command(name = "legacyapp", version, max_term_width = 100)]
pub(crate) struct Options {
    /// Where the service is: a connection string
    #[arg(long, value_name = "CONNECTION", value_parser = Endpoint::parse)]
    pub(crate) azure: Endpoint,
    /// Name of the app, which the service knows it by
    #[arg(long, value_name = "NAME", default_value = "LegacyApp")]
    pub(crate) app: String,
    /// Connections for clients and for each hub
    #[arg(long, value_name = "N", default_value_t = LINKS, value_parser = links)]
    pub(crate) links: usize,
    /// Address to listen at
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Stop when standard input ends
    #[arg(long, value_name = "0|1", default_value = "0", action = ArgAction::Set, value_parser = switch)]
    pub(crate) exit_on_eof: bool,
    /// Tell clients the texts of all errors
    #[arg(long, value_name = "0|1", default_value = "0", action = ArgAction::Set, value_parser = switch)]
    pub(crate) detailed: bool,
    /// How long the tokens of clients are good
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    pub(crate) token_life: Span,
}

fn links(text: &str) -> Result<usize, String> {
    let links = text.parse().ok();
    let links = links.filter(|links| (1..=MOST_LINKS).contains(links));
    links.ok_or_else(|| format!("expected 1 to {MOST_LINKS}"))
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
    fn the_connection_string_is_read() {
        let azure = "Endpoint=http://localhost;Port=8888;AccessKey=K;Version=1.0;";
        let parse = |more: &[&str]| {
            let flags = ["legacyapp", "--azure", azure];
            Options::try_parse_from(flags.iter().chain(more))
        };
        let options = parse(&["--links", "2", "--app", "Some.App"]).unwrap();
        assert_eq!(options.azure.url(), "http://localhost:8888");
        assert_eq!((options.links, &*options.app), (2, "Some.App"));
        assert!(parse(&["--links", "0"]).is_err());
        assert!(Options::try_parse_from(["legacyapp", "--azure", "AccessKey=K"]).is_err());
    }
}
