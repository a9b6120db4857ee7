//! The demo page at `/demo/`: a chat on the hub at `/chat`.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{StatusCode, header};

/// Where the page is.
pub const PATH: &str = "/demo/";

/// The page, its style and its script. `client` is the script of Microsoft's JavaScript client;
/// without it the page says how to come by it.
pub fn router(client: Option<Bytes>) -> Router {
    Router::new()
        // Relative, so that it holds behind a proxy that takes off a prefix.
        .route("/demo", get(async || Redirect::temporary("demo/")))
        .route("/demo/", get(async || file("index.html", None)))
        .route("/demo/{file}", get(named))
        .with_state(client)
}

async fn named(Path(name): Path<String>, State(client): State<Option<Bytes>>) -> Response {
    file(&name, client)
}

fn file(name: &str, client: Option<Bytes>) -> Response {
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
        "signalr.js" => ("text/javascript", client),
        _ => ("", None),
    };
    let Some(content) = content else {
        let text = if name == "signalr.js" {
            "This service was started without the script of the JavaScript client (--demo-script).\n"
        } else {
            "The demo has no such file.\n"
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
        assert_eq!(file("index.html", None).status(), 200);
        assert_eq!(file("signalr.js", None).status(), 404);
        assert_eq!(file("../Cargo.toml", None).status(), 404);
        let given = file("signalr.js", Some(Bytes::from_static(b"x")));
        assert_eq!(given.status(), 200);
        assert_eq!(
            given.headers()["content-type"],
            "text/javascript; charset=utf-8"
        );
    }
}
