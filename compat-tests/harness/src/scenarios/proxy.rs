//! The recipes of the guide for proxies, tried as they are written.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::kit::{App, Hub, Protocol, Transport, http};
use super::until;
use crate::backend::{conformance, connection_string, service};
use crate::install;
use crate::process::{Server, run};

scenarios! {
    "nginx-recipe",
    "behind nginx as the guide has it: every transport under a prefix, events at once, addresses, \
     nothing of the operator's for the public",
    nginx_recipe();

    "nginx-legacy-recipe",
    "legacy clients behind nginx as the guide has it: the .NET client over every transport",
    nginx_legacy_recipe();
}

const RECIPE: &str = "www/guide/nginx.md";
const LEGACY_RECIPE: &str = "www/guide/legacy.md";
/// What a proxy that holds back, cuts or rewrites what passes it would break.
const LEGACY_CASES: &str = "start,echo,burst-order,parallel-calls,group,two-hubs,query-and-headers,user,progress,large,stop";
/// The longest that the client may take over all transports.
const LEGACY_LIMIT: Duration = Duration::from_secs(120);

/// A running nginx of our own. Killed when dropped, and its folder removed.
struct Nginx {
    _child: Child,
    folder: PathBuf,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn nginx_recipe() -> Result<()> {
    install::need(&install::NGINX).await?;
    let recipe = std::fs::read_to_string(RECIPE).context(RECIPE)?;
    // The service must know the proxy's address, and the proxy the service's.
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let settings =
        block(&recipe, "toml")?.replace("https://example.org", &format!("http://127.0.0.1:{port}"));
    let settings: Vec<&str> = settings
        .lines()
        .filter(|line| line.contains(" = "))
        .collect();
    ensure!(settings.len() == 2, "the recipe has other settings now");
    let pairs: Vec<String> = settings
        .iter()
        .map(|line| line.replacen(" = ", "=", 1))
        .collect();
    let service = service(&pairs.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let site = block(&recipe, "nginx")?.replace("listen 443 ssl;", &listen(port));
    let _nginx = start(&site, port, &service)?;

    let public = format!("http://127.0.0.1:{port}/signalr");
    up(&format!("{public}/nothing"), 404).await?;
    private(&public, &service).await?;
    let connection = format!(
        "{}ClientEndpoint=http://127.0.0.1:{port}/signalr/;",
        connection_string(&service)
    );
    let app = App::start_unready(&connection, &[]).await?;
    app.ready().await?;
    for transport in Transport::ALL {
        talk(&app, transport)
            .await
            .with_context(|| format!("{transport:?}"))?;
    }
    Ok(())
}

async fn nginx_legacy_recipe() -> Result<()> {
    install::need(&install::NGINX).await?;
    let client = install::dotnet().await?.join("bin/legacyclient");
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let service = conformance(&["--set", "trusted_proxies=[\"127.0.0.1\"]"]).await?;
    let recipe = std::fs::read_to_string(LEGACY_RECIPE).context(LEGACY_RECIPE)?;
    let location = block(&recipe, "nginx")?;
    // It is part of a site, and names a map of the other recipe.
    let whole = std::fs::read_to_string(RECIPE).context(RECIPE)?;
    let map = block(&whole, "nginx")?;
    let map = map.split("server {").next().unwrap_or_default();
    let site = format!("{map}server {{\n{}\n{location}}}\n", listen(port));
    let _nginx = start(&site, port, &service)?;
    let url = format!("http://127.0.0.1:{port}/signalr");
    up(&format!("{url}/ping"), 200).await?;

    let mut command = Command::new(client);
    command
        .args([&url, "--transport", "all", "--case", LEGACY_CASES])
        .args(["--query", "as=amy", "--user", "amy"]);
    let done = run(command, LEGACY_LIMIT).await?;
    ensure!(
        done.is_success() && done.stdout.contains("44 passed"),
        "the client says:\n{}",
        done.tail()
    );
    Ok(())
}

/// Waits until the proxy answers.
async fn up(url: &str, status: u16) -> Result<()> {
    until("nginx", Duration::from_secs(10), || async {
        let answer = http("GET", url, &[], "").await;
        Ok(answer
            .is_ok_and(|answer| answer.status == status)
            .then_some(()))
    })
    .await
}

/// What is for operators and app servers answers at the service and not through the proxy.
async fn private(public: &str, service: &Server) -> Result<()> {
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/server/?hub=testhub", 401),
    ] {
        let direct = http("GET", &format!("{}{path}", service.url()), &[], "").await?;
        ensure!(
            direct.status == status,
            "{path} of the service gave {}",
            direct.status
        );
        for path in [path.to_owned(), path.to_uppercase(), format!("/{path}")] {
            let answer = http("GET", &format!("{public}{path}"), &[], "").await?;
            ensure!(
                answer.status == 404 && answer.body.contains("nginx"),
                "{path} through the proxy gave {}: {}",
                answer.status,
                answer.body
            );
        }
    }
    Ok(())
}

async fn talk(app: &App, transport: Transport) -> Result<()> {
    let headers = [("x-forwarded-for", "203.0.113.7")];
    let url = app.url("/testhub?user=amy");
    let mut hub = Hub::connect_by(&url, transport, Protocol::Json, &headers).await?;
    let seen = hub.invoke("WhoAmI", json!([])).await?;
    ensure!(
        seen["remoteIp"] == "203.0.113.7",
        "the hub sees {}",
        seen["remoteIp"]
    );
    ensure!(seen["userId"] == "amy", "the user is {}", seen["userId"]);
    // A buffering proxy would hold small messages back.
    for n in 0..5 {
        let text = format!("number {n}");
        let start = Instant::now();
        app.send("all", &[], &text).await?;
        hub.message(&text).await?;
        let took = start.elapsed();
        ensure!(took < Duration::from_secs(1), "a message took {took:?}");
    }
    let big = hub.invoke("Big", json!([200_000])).await?;
    ensure!(
        big.as_str().map(str::len) == Some(200_000),
        "a big answer is damaged"
    );
    let text = "x".repeat(200_000);
    let length = hub.invoke("Length", json!([text])).await?;
    ensure!(length == 200_000, "a big argument has {length} characters");
    Ok(())
}

/// Where nginx listens, without TLS.
fn listen(port: u16) -> String {
    format!("listen 127.0.0.1:{port};")
}

/// Runs nginx with a recipe's site; only the service's address and paths are changed.
fn start(site: &str, port: u16, service: &Server) -> Result<Nginx> {
    let folder = std::env::temp_dir().join(format!("heliograph-nginx-{port}"));
    std::fs::create_dir_all(folder.join("logs"))?;
    let site = site.replace("127.0.0.1:8888", service.address());
    ensure!(
        site.contains(&format!(":{port};")) && site.contains(service.address()),
        "the recipe has other ports now"
    );
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = paths.map(|name| format!("{name}_temp_path {};\n", folder.join(name).display()));
    let config = format!(
        "daemon off;\nmaster_process off;\npid {0}/nginx.pid;\nevents {{}}\n\
         http {{\naccess_log off;\n{1}{site}\n}}\n",
        folder.display(),
        paths.concat(),
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, config)?;
    let child = Command::new("nginx")
        .arg("-p")
        .arg(&folder)
        .arg("-c")
        .arg(&file)
        .arg("-e")
        .arg(folder.join("error.log"))
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    Ok(Nginx {
        _child: child,
        folder: Path::to_path_buf(&folder),
    })
}

/// The first code block of a kind.
fn block(text: &str, kind: &str) -> Result<String> {
    let start = format!("```{kind}\n");
    let block = text
        .split_once(&start)
        .and_then(|(_, rest)| rest.split_once("```"));
    Ok(block
        .with_context(|| format!("the recipe has no {kind}"))?
        .0
        .to_owned())
}
