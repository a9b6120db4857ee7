//! The HTTP client towards apps.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use super::failure::Failure;

/// Connections kept open for the next request.
const IDLE_CONNECTIONS: usize = 8;
/// How long they are kept: less than servers usually do.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of an answer's head.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Asks apps, and follows no redirect.
#[derive(Clone)]
pub(in crate::backend) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    tls: Arc<ClientConfig>,
}

/// What an app answers.
#[derive(Debug)]
pub(in crate::backend) struct Answer {
    pub(in crate::backend) status: StatusCode,
    pub(in crate::backend) headers: HeaderMap,
    /// `None` when it is larger than was to be read.
    pub(in crate::backend) body: Option<Bytes>,
}

impl Http {
    /// With this TLS, or one that trusts the system's root certificates.
    pub(in crate::backend) fn new(
        tls: Option<Arc<ClientConfig>>,
        connect_timeout: Duration,
    ) -> Self {
        let tls = tls.unwrap_or_else(system_tls);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(ClientConfig::clone(&tls))
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .build(connector);
        Self { client, tls }
    }

    pub(in crate::backend) fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    /// One request without a body, and its answer, of which so many bytes are read. How long it may
    /// take is the caller's affair.
    pub(in crate::backend) async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        max_bytes: usize,
    ) -> Result<Answer, Failure> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = url.parse().map_err(|_| Failure::RedirectUrl)?;
        *request.headers_mut() = headers;
        if method == Method::POST {
            // Some servers want to know the length of nothing, too (411).
            let length = HeaderValue::from_static("0");
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        *request.method_mut() = method;
        let (parts, body) = self.client.request(request).await?.into_parts();
        let body = match Limited::new(body, max_bytes).collect().await {
            Ok(body) => Some(body.to_bytes()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => None,
            Err(error) => return Err(Failure::Unreachable(error)),
        };
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// Trusts the system's root certificates. Where there are none, no `https` app is reached, and its
/// failure says why.
fn system_tls() -> Arc<ClientConfig> {
    let config = match ClientConfig::builder().with_native_roots() {
        Ok(config) => config,
        Err(_) => ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()),
    };
    Arc::new(config.with_no_client_auth())
}
