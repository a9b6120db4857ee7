//! The built binary under TLS: clients and app servers of it, and a hub elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests"
)]

#[allow(dead_code, reason = "each test binary uses a part of it")]
#[path = "../cli/program.rs"]
mod program;

mod caller;

use std::path::{Path, PathBuf};

use caller::{Caller, greeted};
use program::Service;

/// A certificate for `localhost` that nobody else trusts; its files are gone with the test.
struct Certificate {
    folder: PathBuf,
    der: rustls::pki_types::CertificateDer<'static>,
}

impl Certificate {
    fn new(test: &str) -> Self {
        let name = format!("heliograph-tls-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self {
            folder,
            der: made.cert.der().clone(),
        }
    }

    fn file(&self, name: &str) -> String {
        let path: &Path = &self.folder.join(name);
        path.to_str().unwrap().to_owned()
    }

    /// The service under this certificate, with the hub `bench`.
    fn service(&self) -> Service {
        let certificate = format!("tls.certificate={}", self.file("cert.pem"));
        let key = format!("tls.key={}", self.file("key.pem"));
        let arguments = ["--set", &certificate, "--set", &key, "--set", "bench=true"];
        Service::start(&arguments, &[])
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The port behind `READY`, and its scheme.
fn place(service: &Service) -> (String, u16) {
    let ready = service.greeting.last().unwrap();
    let url = ready.strip_prefix("READY ").unwrap();
    let (scheme, rest) = url.split_once("://").unwrap();
    let port = rest.rsplit(':').next().unwrap().parse().unwrap();
    (scheme.to_owned(), port)
}

const ECHO: &str =
    "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"hi\"]}\u{1e}";
const ECHOED: &str = "{\"type\":3,\"invocationId\":\"1\",\"result\":\"hi\"}\u{1e}";

#[tokio::test(flavor = "multi_thread")]
async fn clients_negotiate_and_talk_over_tls() {
    let certificate = Certificate::new("clients");
    let service = certificate.service();
    let (scheme, port) = place(&service);
    assert_eq!(scheme, "https");
    let greeting = service.greeting.join("\n");
    let endpoint = format!("Endpoint=https://localhost;Port={port};");
    assert!(greeting.contains(&endpoint), "{greeting}");

    let caller = Caller::trusting(&certificate.der, true, port);
    let (status, offer) = caller.negotiate("/bench").await;
    assert_eq!(status, 200, "{offer}");
    let offer: serde_json::Value = serde_json::from_str(&offer).unwrap();
    let token = offer["connectionToken"].as_str().unwrap();
    let mut socket = caller.open(&format!("/bench?id={token}"), None).await;
    assert_eq!(greeted(&mut socket).await, "{}\u{1e}");
    assert_eq!(caller::asked(&mut socket, ECHO).await, ECHOED);
}

#[tokio::test(flavor = "multi_thread")]
async fn app_servers_and_their_clients_come_over_tls() {
    let certificate = Certificate::new("servers");
    let service = certificate.service();
    let caller = Caller::trusting(&certificate.der, true, place(&service).1);
    // A hub that has the name of the demo's, which is on, is still the app's.
    let token = |kind: &str| {
        let endpoint = format!("https://localhost:{}", place(&service).1);
        let arguments = ["token", kind, "--hub", "chat", "--endpoint", &endpoint];
        let output = program::run(&arguments, &[]);
        program::text(&output.stdout).trim().to_owned()
    };
    let server = token("server");
    let mut link = caller.open("/server/?hub=chat&cid=1", Some(&server)).await;
    caller::send_bytes(&mut link, &[7, 0x96, 1, 1, 0, 0xa0, 0, 0x80]).await;
    // A handshake answer without an error.
    let answer = caller::bytes(&mut link).await;
    assert_eq!(answer[1..4], [0x94, 2, 0xa0], "{answer:?}");
    let path = format!("/client/?hub=chat&access_token={}", token("client"));
    let mut client = caller.open(&path, None).await;
    let handshake = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
    caller::send(&mut client, handshake).await;
    let mut told = String::new();
    while !told.contains(handshake) {
        told.push_str(&program::text(&caller::bytes(&mut link).await));
    }
}

#[tokio::test]
async fn a_client_without_tls_is_not_served() {
    let certificate = Certificate::new("plain");
    let service = certificate.service();
    let (_, port) = place(&service);
    let plain = Caller::trusting(&certificate.der, false, port);
    assert!(plain.try_negotiate("/bench").await.is_err());
    // Nor is anyone who does not trust the certificate.
    let other = Certificate::new("other");
    let wary = Caller::trusting(&other.der, true, port);
    assert!(wary.try_negotiate("/bench").await.is_err());
    let caller = Caller::trusting(&certificate.der, true, port);
    assert_eq!(caller.negotiate("/bench").await.0, 200);
}

/// A service without TLS whose hub `far` is the hub `bench` at this port.
fn in_front_of(port: u16, variables: &[(&str, &str)]) -> Service {
    let url = format!("hubs.far.url=https://localhost:{port}/bench");
    let arguments = ["--set", "hubs.far.backend=direct", "--set", &url];
    Service::start(&arguments, variables)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_elsewhere_is_reached_over_tls() {
    let certificate = Certificate::new("far");
    let hub = certificate.service();
    // Where the roots of the system are looked for.
    let trusted = certificate.file("cert.pem");
    let front = in_front_of(place(&hub).1, &[("SSL_CERT_FILE", &trusted)]);
    let (scheme, port) = place(&front);
    assert_eq!(scheme, "http");
    let caller = Caller::trusting(&certificate.der, false, port);
    let (status, offer) = caller.negotiate("/far").await;
    assert_eq!(status, 200, "{offer}");
    let offer: serde_json::Value = serde_json::from_str(&offer).unwrap();
    let token = offer["connectionToken"].as_str().unwrap();
    let mut socket = caller.open(&format!("/far?id={token}"), None).await;
    assert_eq!(greeted(&mut socket).await, "{}\u{1e}");
    assert_eq!(caller::asked(&mut socket, ECHO).await, ECHOED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_certificate_nobody_vouches_for_is_unavailable() {
    let (certificate, other) = (Certificate::new("unknown"), Certificate::new("known"));
    let hub = certificate.service();
    let front = in_front_of(place(&hub).1, &[("SSL_CERT_FILE", &other.file("cert.pem"))]);
    let caller = Caller::trusting(&certificate.der, false, place(&front).1);
    let (status, body) = caller.negotiate("/far").await;
    assert_eq!(status, 502);
    assert_eq!(body, "Hub 'far' is unavailable: it cannot be reached.");
    front.wait_for_log("hub is unavailable");
    front.signal("TERM");
    let (_, log) = front.wait();
    assert!(
        log.contains("far") && log.contains("invalid peer certificate"),
        "{log}"
    );
}
