use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::program::{Service, run, text};

#[test]
fn development_mode_says_what_runs_where() {
    let service = Service::start(&[], &[]);
    let greeting = service.greeting.join("\n");
    let port = service.address.rsplit(':').next().unwrap().to_owned();
    assert_ne!(port, "0");
    assert!(greeting.contains("development mode"), "{greeting}");
    let connection = format!(
        "Endpoint=http://localhost;Port={port};\
         AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;"
    );
    assert!(greeting.contains(&connection), "{greeting}");
    assert_eq!(
        service.greeting.last().unwrap(),
        &format!("READY http://127.0.0.1:{port}")
    );
}

#[test]
fn demo_page_is_on_in_development_alone() {
    let service = Service::start(&[], &[]);
    let url = format!("http://{}/demo/", service.address);
    assert!(service.greeting.join("\n").contains(&url));
    let page = service.get("/demo/", "");
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("demo.js"),
        "{page}"
    );
    let key = "a key of some length that is ours";
    let service = Service::start(&[], &[("HELIOGRAPH_KEYS__PRIMARY", key)]);
    assert!(!service.greeting.join("\n").contains("/demo/"));
    assert!(service.get("/demo/", "").starts_with("HTTP/1.1 404"));
}

#[test]
fn the_greeting_and_the_demo_page_know_what_legacy_clients_find() {
    let legacy = |settings: &[&str]| {
        let flags: Vec<_> = settings.iter().flat_map(|set| ["--set", set]).collect();
        let service = Service::start(&flags, &[]);
        let greeting = service.greeting.iter();
        let mut lines = greeting.filter_map(|line| line.strip_prefix("  legacy "));
        let line = lines.next().map(|line| line.trim().to_owned());
        (line.unwrap_or_default(), service)
    };
    let (line, service) = legacy(&[
        "legacy.path=/old/signalr",
        "hubs.stock.url=http://127.0.0.1:9/stock",
        "hubs.stock.legacy_name=StockHub",
        "hubs.other.url=http://127.0.0.1:9/other",
        "hubs.other.legacy=false",
        "bench=true",
    ]);
    assert_eq!(line, "/old/signalr (hubs: bench chat StockHub)");
    let page = service.get("/demo/legacy.html", "");
    assert!(page.contains(r#"src="../old/signalr/hubs""#), "{page}");
    let app = "legacy.app_url=http://127.0.0.1:9/signalr";
    let expected = "/signalr (hubs: those of the app at legacy.app_url)";
    assert_eq!(legacy(&[app]).0, expected);
    assert_eq!(legacy(&["demo=false"]).0, "/signalr (hubs: none)");
    assert_eq!(legacy(&["legacy.path="]).0, "");
}

#[test]
fn own_key_is_not_shown() {
    let key = "a key of some length that is ours";
    let service = Service::start(&[], &[("HELIOGRAPH_KEYS__PRIMARY", key)]);
    let greeting = service.greeting.join("\n");
    assert!(
        !greeting.contains(key) && !greeting.contains("development"),
        "{greeting}"
    );
}

#[test]
fn operators_door_answers() {
    let service = Service::start(&[], &[]);
    for (path, body) in [("/healthz", "healthy\n"), ("/readyz", "ready\n")] {
        let answer = service.get(path, "");
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with(body),
            "{answer}"
        );
    }
    let answer = service.get("/metrics", "");
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("text/plain"),
        "{answer}"
    );
}

#[test]
fn signals_drain_and_end_with_0() {
    for signal in ["TERM", "INT"] {
        let service = Service::start(&[], &[]);
        let mut idle = service.connect();
        service.signal(signal);
        assert_eq!(
            idle.read(&mut [0; 8]).unwrap(),
            0,
            "an idle connection ends at once"
        );
        let (code, log) = service.wait();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("draining") && log.contains("ended"), "{log}");
    }
}

/// An app server that is connected and will not answer the closing handshake.
fn silent_app_server(service: &Service) -> TcpStream {
    let token = run(&["token", "server", "--hub", "chat"], &[]);
    let mut tcp = service.connect();
    let request = format!(
        "GET /server/?hub=chat&cid=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {}\r\n\r\n",
        text(&token.stdout).trim()
    );
    tcp.write_all(request.as_bytes()).unwrap();
    let mut status = [0; 12];
    tcp.read_exact(&mut status).unwrap();
    assert_eq!(text(&status), "HTTP/1.1 101");
    tcp
}

#[test]
fn drain_is_bounded() {
    let service = Service::start(&["--set", "timeouts.drain=100ms"], &[]);
    let _silent = silent_app_server(&service);
    service.signal("TERM");
    let (code, log) = service.wait();
    assert_eq!(code, Some(0));
    assert!(log.contains("time to drain is up"), "{log}");
}

#[test]
fn second_signal_ends_at_once() {
    let service = Service::start(&["--set", "timeouts.drain=1h"], &[]);
    let _silent = silent_app_server(&service);
    service.signal("TERM");
    service.wait_for_log("draining");
    service.signal("TERM");
    let (code, log) = service.wait();
    assert_eq!(code, Some(1));
    assert!(log.contains("second signal"), "{log}");
}

#[test]
fn port_in_use_is_a_clear_message() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--listen", &address], &[]);
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("{address} is in use by another program");
    assert!(
        text(&output.stderr).contains(&expected),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn json_log_is_json() {
    let service = Service::start(&["--set", "log.format=json"], &[]);
    service.signal("TERM");
    let (_, log) = service.wait();
    assert!(!log.is_empty());
    for line in log.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    }
}

#[test]
fn tokens_and_keys_reach_no_log() {
    let key = "a key of some length that is ours";
    let token = run(
        &[
            "token",
            "client",
            "--hub",
            "chat",
            "--user",
            "amy",
            "--claim",
            "dept=hush-hush",
        ],
        &[("HELIOGRAPH_KEYS__PRIMARY", key)],
    );
    let token = text(&token.stdout).trim().to_owned();
    let service = Service::start(
        &["--log-level", "trace"],
        &[("HELIOGRAPH_KEYS__PRIMARY", key)],
    );
    let header = format!("Authorization: Bearer {token}\r\n");
    service.get(&format!("/client/?hub=chat&access_token={token}"), "");
    service.get("/client/?hub=chat", &header);
    service.get(&format!("/client/?hub=other&access_token={token}"), "");
    service.get("/client/?hub=chat&access_token=secret.in.query", "");
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    service.get(
        &format!("/server/?hub=chat&cid=1&access_token={token}"),
        upgrade,
    );
    service.signal("TERM");
    let (_, log) = service.wait();
    let signature = token.rsplit('.').next().unwrap().to_owned();
    for secret in [key, &token, &signature, "secret.in.query", "hush-hush"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
