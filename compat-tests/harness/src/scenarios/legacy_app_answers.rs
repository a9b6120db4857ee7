//! Apps that are asked who a legacy client is, and answer with something else.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::kit::http;
use crate::backend::service;

scenarios! {
    "legacy-app-answers",
    "an app that answers its negotiate with a page, a redirect, an error or nothing: its clients get a short text",
    app_answers();
    "legacy-app-refuses",
    "an app that answers 401 or 403: its clients get that status, and nothing of the app's page",
    app_refuses();
}

const PAGE: &str = "<html><body>Please sign in</body></html>";

/// An app that gives one answer to everything.
struct App {
    url: String,
    task: JoinHandle<()>,
}

impl App {
    async fn start(answer: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut request = [0; 16 * 1024];
                    _ = socket.read(&mut request).await;
                    _ = socket.write_all(answer.as_bytes()).await;
                });
            }
        });
        Ok(Self { url, task })
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// The settings of a service that asks this app: for a hub that runs there, and for an app that is
/// classic as a whole.
fn askers(app: &App) -> [Vec<String>; 2] {
    let url = &app.url;
    [
        vec![format!("hubs.chat.url=\"{url}/chat\"")],
        vec![format!("legacy.app_url=\"{url}/signalr\"")],
    ]
}

/// A client's negotiate and connect are answered with this status, and with this body or any short
/// text.
async fn check(what: &str, given: String, status: u16, body: Option<&str>) -> Result<()> {
    let app = App::start(given).await?;
    for settings in askers(&app) {
        let place = || format!("{what}, {settings:?}");
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let service = service(&settings).await?;
        let hubs = "connectionData=%5B%7B%22name%22%3A%22chat%22%7D%5D";
        let url = format!(
            "{}/signalr/negotiate?clientProtocol=2.1&{hubs}",
            service.url()
        );
        let headers = [("cookie", "session=1"), ("origin", service.url())];
        let answer = http("GET", &url, &headers, "").await.with_context(place)?;
        ensure!(answer.status == status, "{}: {answer:?}", place());
        let is_it = match body {
            Some(body) => answer.body == body,
            None => !answer.body.is_empty() && answer.body.len() < 200,
        };
        ensure!(
            is_it && !answer.body.contains('<'),
            "{}: {answer:?}",
            place()
        );
        for name in ["location", "content-type", "set-cookie"] {
            ensure!(answer.header(name).is_empty(), "{}: {answer:?}", place());
        }
        // The service itself is well.
        let ping = format!("{}/signalr/ping", service.url());
        let ping = http("GET", &ping, &[], "").await.with_context(place)?;
        ensure!(ping.status == 200, "{}: {ping:?}", place());
        drop(service);
    }
    Ok(())
}

async fn app_answers() -> Result<()> {
    let html = "Content-Type: text/html\r\nSet-Cookie: a=b\r\n";
    let away = "Location: http://elsewhere.test/login\r\n";
    let json = "Content-Type: application/json\r\n";
    for (what, given) in [
        ("a page", answer("200 OK", html, PAGE)),
        ("a redirect", answer("302 Found", away, "")),
        (
            "a lasting redirect",
            answer("308 Permanent Redirect", away, PAGE),
        ),
        ("an error", answer("500 Internal Server Error", html, PAGE)),
        ("not there", answer("404 Not Found", html, PAGE)),
        ("too busy", answer("503 Service Unavailable", html, PAGE)),
        ("other JSON", answer("200 OK", json, "[1, 2, 3]")),
        ("broken JSON", answer("200 OK", json, "{\"url\": \"http://")),
        (
            "an endless redirect",
            answer("200 OK", json, "{\"url\": \"http://elsewhere.test\"}"),
        ),
        (
            "a token that is none",
            answer(
                "200 OK",
                json,
                "{\"url\": \"http://elsewhere.test\", \
            \"accessToken\": \"eyJ\", \"RedirectUrl\": \"http://elsewhere.test\", \"AccessToken\": \"eyJ\"}",
            ),
        ),
        ("too much", answer("200 OK", json, &" ".repeat(4 << 20))),
        ("no answer", String::new()),
        ("no HTTP", "SSH-2.0-OpenSSH_9.9\r\n".to_owned()),
    ] {
        check(what, given, 503, None).await?;
    }
    Ok(())
}

async fn app_refuses() -> Result<()> {
    let html = "Content-Type: text/html\r\nWWW-Authenticate: Basic\r\n";
    check(
        "unauthorized",
        answer("401 Unauthorized", html, PAGE),
        401,
        Some(""),
    )
    .await?;
    check(
        "forbidden",
        answer("403 Forbidden", html, PAGE),
        403,
        Some(""),
    )
    .await
}
