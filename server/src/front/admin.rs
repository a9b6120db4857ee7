//! The operator's door: `/healthz`, `/readyz` and `/metrics`.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::drain::Drain;

/// What the door shows.
#[derive(Clone)]
pub struct Admin {
    /// Whether the service is ending.
    pub drain: Drain,
    /// The metrics; without them there is no `/metrics`.
    pub metrics: Option<PrometheusHandle>,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("drain", &self.drain)
            .finish_non_exhaustive()
    }
}

/// The door. Nothing in it needs a token: keep it off the Internet at the proxy.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/healthz", get(async || "healthy\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

/// 503 once the service is ending, so that a load balancer looks elsewhere.
async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    if admin.drain.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

async fn metrics(State(admin): State<Admin>) -> axum::response::Response {
    match admin.metrics {
        Some(metrics) => {
            let kind = [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )];
            (kind, metrics.render()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
