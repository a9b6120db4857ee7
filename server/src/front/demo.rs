//! The demo at `/demo/`: a chat on the hub at `/chat`, and a page where old clients take part in it.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{StatusCode, header};

/// Where the page is.
pub const PATH: &str = "/demo/";

/// The scripts of the clients; a page without its script says how to come by it.
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    /// Microsoft's JavaScript client.
    pub client: Option<Bytes>,
    /// jQuery and, behind it, the client of ASP.NET SignalR.
    pub legacy: Option<Bytes>,
}

/// What the pages are made from.
#[derive(Clone, Debug)]
struct Pages {
    scripts: Scripts,
    /// The page for old clients, with the path where they are served.
    legacy: Bytes,
}

impl Pages {
    fn new(scripts: Scripts, legacy_path: &str) -> Self {
        let page = include_str!("../../../www/demo/legacy.html");
        let legacy = page.replace("/signalr/hubs", &format!("{legacy_path}/hubs"));
        Self {
            scripts,
            legacy: legacy.into(),
        }
    }
}

/// The pages, their style and their scripts. Old clients are served at `legacy_path`.
pub fn router(scripts: Scripts, legacy_path: &str) -> Router {
    Router::new()
        // Relative, so that it holds behind a proxy that takes off a prefix.
        .route("/demo", get(async || Redirect::temporary("demo/")))
        .route(
            "/demo/",
            get(async |State(pages): State<Pages>| file("index.html", &pages)),
        )
        .route("/demo/{file}", get(named))
        .with_state(Pages::new(scripts, legacy_path))
}

async fn named(Path(name): Path<String>, State(pages): State<Pages>) -> Response {
    file(&name, &pages)
}

fn file(name: &str, pages: &Pages) -> Response {
    let embedded = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    let (kind, content) = match name {
        "index.html" => (
            "text/html",
            embedded(include_str!("../../../www/demo/index.html")),
        ),
        "demo.css" => (
            "text/css",
            embedded(include_str!("../../../www/demo/demo.css")),
        ),
        "demo.js" => (
            "text/javascript",
            embedded(include_str!("../../../www/demo/demo.js")),
        ),
        "legacy.html" => ("text/html", Some(pages.legacy.clone())),
        "legacy.js" => (
            "text/javascript",
            embedded(include_str!("../../../www/demo/legacy.js")),
        ),
        "signalr.js" => ("text/javascript", pages.scripts.client.clone()),
        "legacy-client.js" => ("text/javascript", pages.scripts.legacy.clone()),
        _ => ("", None),
    };
    let Some(content) = content else {
        let text = match name {
            "signalr.js" => {
                "This service was started without the script of the JavaScript client \
                 (--demo-script).\n"
            }
            "legacy-client.js" => {
                "This service was started without the scripts of the legacy client \
                 (demo_legacy_scripts).\n"
            }
            _ => "The demo has no such file.\n",
        };
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let kind = format!("{kind}; charset=utf-8");
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-cache".into()),
        ],
        content,
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_script_is_served_when_it_was_given() {
        let none = Pages::new(Scripts::default(), "/signalr");
        for (name, status) in [
            ("index.html", 200),
            ("legacy.html", 200),
            ("signalr.js", 404),
            ("legacy-client.js", 404),
            ("../Cargo.toml", 404),
        ] {
            assert_eq!(file(name, &none).status(), status, "{name}");
        }
        let scripts = Scripts {
            client: Some(Bytes::from_static(b"x")),
            legacy: Some(Bytes::from_static(b"y")),
        };
        let scripts = Pages::new(scripts, "/signalr");
        assert_eq!(file("legacy-client.js", &scripts).status(), 200);
        let given = file("signalr.js", &scripts);
        assert_eq!(given.status(), 200);
        assert_eq!(
            given.headers()["content-type"],
            "text/javascript; charset=utf-8"
        );
    }
}
