use std::path::PathBuf;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsConnector;

use super::*;
use crate::edge::Scheme;
use crate::edge::listener::{Listener, Options};

/// A folder that is gone with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heliograph-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn requests_under_tls_are_served_as_https() {
    let folder = Folder::new("tls");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = folder.write("cert.pem", &made.cert.pem());
    let key = folder.write("key.pem", &made.signing_key.serialize_pem());
    let tls = Some(server_config(&certificate, &key).unwrap());

    let router = axum::Router::new().route(
        "/",
        axum::routing::get(
            |axum::Extension(scheme): axum::Extension<Scheme>| async move { scheme.as_str() },
        ),
    );
    let options = Options {
        tls,
        ..Options::default()
    };
    let listener = Listener::bind(([127, 0, 0, 1], 0).into(), options).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(listener.serve(router, std::future::pending()));

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = TlsConnector::from(Arc::new(client))
        .connect(name, tcp)
        .await
        .unwrap();
    tls.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    let read = tls.read_to_string(&mut answer);
    timeout(Duration::from_secs(10), read)
        .await
        .unwrap()
        .unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("https"),
        "{answer}"
    );
}

#[test]
fn bad_files_are_named() {
    let folder = Folder::new("tls-bad");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = folder.write("cert.pem", &made.cert.pem());
    let key = folder.write("other.pem", &other.signing_key.serialize_pem());
    let empty = folder.write("empty.pem", "");
    let fault = |certificate: &PathBuf, key: &PathBuf| {
        server_config(certificate, key)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert!(fault(&empty, &key).contains("empty.pem"));
    assert!(fault(&certificate, &empty).contains("empty.pem"));
    assert!(fault(&folder.0.join("none.pem"), &key).contains("none.pem"));
    assert!(fault(&certificate, &key).contains("cannot be used"));
}
