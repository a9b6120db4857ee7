//! TLS from certificate and key files.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::program::{Service, Settings};

#[test]
fn requests_are_served_under_tls() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (Settings::new("served-cert"), Settings::new("served-key"));
    certificate.write(&made.cert.pem());
    key.write(&made.signing_key.serialize_pem());
    let service = Service::start(
        &[
            "--set",
            &format!("tls.certificate={}", certificate.path()),
            "--set",
            &format!("tls.key={}", key.path()),
        ],
        &[],
    );
    let greeting = service.greeting.join("\n");
    assert!(greeting.contains("READY https://127.0.0.1:"), "{greeting}");
    assert!(
        greeting.contains("Endpoint=https://localhost;"),
        "{greeting}"
    );

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(tls, service.connect());
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // In the clear there is nothing.
    let mut plain = service.connect();
    plain.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}
