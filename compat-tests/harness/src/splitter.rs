//! Hub paths and control endpoints under one address: a reverse proxy that splits by path.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Result;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

type Body = BoxBody<Bytes, hyper::Error>;

/// A running proxy. It ends when dropped.
#[derive(Debug)]
pub struct Splitter {
    url: String,
    task: JoinHandle<()>,
}

struct Ways {
    hub_paths: Vec<String>,
    hubs: String,
    rest: String,
    client: Client<HttpConnector, Incoming>,
}

impl Splitter {
    /// Sends requests under `hub_paths` to `hubs` and all others to `rest`, both `host:port`.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start(hub_paths: &[String], hubs: &str, rest: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let ways = Arc::new(Ways {
            hub_paths: hub_paths.to_vec(),
            hubs: hubs.to_owned(),
            rest: rest.to_owned(),
            client: Client::builder(TokioExecutor::new()).build(connector),
        });
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let ways = Arc::clone(&ways);
                tokio::spawn(async move {
                    // Without this every small answer waits for the last one to be acknowledged.
                    _ = socket.set_nodelay(true);
                    let service = service_fn(move |request| pass(Arc::clone(&ways), request));
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service)
                        .with_upgrades();
                    _ = connection.await;
                });
            }
        });
        Ok(Self { url, task })
    }

    /// Its address as `http://host:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Splitter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(ways: Arc<Ways>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(try_pass(&ways, request).await.unwrap_or_else(|_| {
        let body = Empty::new().map_err(|never| match never {}).boxed();
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    }))
}

async fn try_pass(ways: &Ways, mut request: Request<Incoming>) -> Result<Response<Body>> {
    let path = request.uri().path().to_lowercase();
    let is_hub = ways.hub_paths.iter().any(|hub| {
        path.strip_prefix(hub.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let target = if is_hub { &ways.hubs } else { &ways.rest };
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    *request.uri_mut() = format!("http://{target}{path}").parse::<Uri>()?;
    let near = request
        .headers()
        .contains_key("upgrade")
        .then(|| hyper::upgrade::on(&mut request));
    let mut response = ways.client.request(request).await?;
    if let (Some(near), StatusCode::SWITCHING_PROTOCOLS) = (near, response.status()) {
        let far = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            if let (Ok(near), Ok(far)) = tokio::join!(near, far) {
                let (mut near, mut far) = (TokioIo::new(near), TokioIo::new(far));
                _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            }
        });
    }
    Ok(response.map(BodyExt::boxed))
}
