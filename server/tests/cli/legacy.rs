//! Settings for legacy clients, in the running binary.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use heliograph::auth::{AccessKey, Mint};
use heliograph::config::WELL_KNOWN_KEY;
use heliograph_protocol::service::{DataMessageType, Extensions, Message, Payloads};
use serde_json::{Value, json};

use crate::app_server::AppServer;
use crate::metrics::{ACCEPTED, next, send};
use crate::program::{Service, Settings, Socket, run, status, text};

/// The binary with these settings.
fn start(settings: &[&str]) -> Service {
    let flags: Vec<_> = settings.iter().flat_map(|set| ["--set", set]).collect();
    Service::start(&flags, &[])
}

/// The query of a legacy client that lists a hub.
fn query(hub: &str) -> String {
    format!("clientProtocol=2.1&connectionData=%5B%7B%22name%22%3A%22{hub}%22%7D%5D")
}

fn negotiate(service: &Service, hub: &str, more: &str) -> String {
    let target = format!("/signalr/negotiate?{}{more}", query(hub));
    service.get(&target, "")
}

/// A started legacy client.
struct Client {
    socket: Socket,
    /// The query of its requests.
    query: String,
}

impl Client {
    fn connect(service: &Service, hub: &str) -> Self {
        Self::with_query(service, &query(hub))
    }

    fn with_query(service: &Service, query: &str) -> Self {
        let answer = service.get(&format!("/signalr/negotiate?{query}"), "");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let token = body["ConnectionToken"].as_str().unwrap();
        let query = format!("transport=webSockets&connectionToken={token}&{query}");
        let socket = service.socket(&format!("/signalr/connect?{query}"), &[]);
        let started = format!("/signalr/start?{query}");
        let socket = socket.unwrap();
        let mut client = Self { socket, query };
        assert!(client.next().contains("\"S\":1"));
        let started = service.get(&started, "");
        assert!(started.contains("started"), "{started}");
        client
    }

    /// Comes back by a new channel.
    fn reconnect(&mut self, service: &Service) {
        let target = format!("/signalr/reconnect?{}", self.query);
        self.socket = service.socket(&target, &[]).unwrap();
    }

    fn next(&mut self) -> String {
        loop {
            let text = next(&mut self.socket);
            if text != "{}" {
                return text;
            }
        }
    }

    fn send(&mut self, hub: &str, method: &str, arguments: &Value) {
        let call = json!({"H": hub, "M": method, "A": arguments, "I": 0});
        send(&mut self.socket, &call.to_string());
    }

    fn call(&mut self, hub: &str, method: &str, arguments: &Value) -> String {
        self.send(hub, method, arguments);
        self.next()
    }
}

#[test]
fn hubs_are_there_for_legacy_clients_unless_they_are_not_to_be() {
    let ask = |settings: &[&str], hub| {
        let settings = [&["hubs.chat.backend=embedded"], settings].concat();
        status(&negotiate(&start(&settings), hub, ""))
    };
    assert_eq!(ask(&[], "CHAT"), 200);
    assert_eq!(ask(&["hubs.chat.legacy=false"], "chat"), 400);
    let renamed = &["hubs.chat.legacy_name=OldChat"];
    assert_eq!((ask(renamed, "oldchat"), ask(renamed, "chat")), (200, 400));
    // The hub of the demo has to make way.
    let other = &["hubs.chat.legacy=false", "bench=true", "demo=true"];
    assert_eq!((ask(other, "chat"), ask(other, "bench")), (400, 200));
}

#[test]
fn a_token_is_wanted_where_the_settings_want_one() {
    for settings in [
        &["hubs.chat.backend=embedded", "hubs.chat.auth=token"][..],
        &["hubs.chat.backend=embedded", "hubs.chat.legacy_users=token"],
    ] {
        let service = start(settings);
        assert_eq!(status(&negotiate(&service, "chat", "")), 401);
        let key = AccessKey::new(WELL_KNOWN_KEY);
        let minute = Duration::from_secs(60);
        let mint = Mint::new(key, "http://localhost", SystemTime::now(), minute).unwrap();
        for (hub, expected) in [("chat", 200), ("other", 401)] {
            let token = mint.client(hub, Some("alice"), &[]).unwrap();
            let more = format!("&access_token={token}");
            assert_eq!(status(&negotiate(&service, "chat", &more)), expected);
        }
    }
    let anonymous = [
        "hubs.chat.backend=embedded",
        "hubs.chat.auth=token",
        "hubs.chat.legacy_users=anonymous",
    ];
    assert_eq!(status(&negotiate(&start(&anonymous), "chat", "")), 200);
}

#[test]
fn methods_have_their_old_names() {
    let service = start(&[
        "hubs.bench.backend=embedded",
        "hubs.bench.legacy_methods={ OldEcho = \"Echo\" }",
        "hubs.bench.legacy_client_methods={ m = \"oldM\" }",
        "hubs.bench.legacy_streams=[\"Broadcast\"]",
    ]);
    let mut client = Client::connect(&service, "bench");
    let echoed = client.call("bench", "oldecho", &json!(["x"]));
    assert_eq!(echoed, r#"{"R":"x","I":"0"}"#);
    // It is no stream, and refuses to be asked for one.
    let refused = client.call("bench", "Broadcast", &json!(["x"]));
    assert!(refused.contains("\"E\":"), "{refused}");
    let script = service.get("/signalr/hubs", "");
    assert!(script.contains("\"oldEcho\": function ()"), "{script}");

    let service = start(&[
        "bench=true",
        "hubs.chat.backend=embedded",
        "hubs.chat.legacy_client_methods={ receive = \"oldReceive\" }",
    ]);
    let mut client = Client::connect(&service, "chat");
    client.send("chat", "Send", &json!(["ann", "hi"]));
    let came = [client.next(), client.next()].concat();
    assert!(
        came.contains(r#"{"H":"chat","M":"oldReceive","A":["ann","hi"]}"#),
        "{came}"
    );
}

#[test]
fn hubs_of_app_servers_have_legacy_clients_and_members_their_casing() {
    const HUB: &str = "served";
    let service = start(&[
        "hubs.served.backend=server",
        "hubs.served.legacy_users=anonymous",
        "hubs.served.legacy_name=ServedHub",
        "hubs.served.legacy_arguments=camel",
        "hubs.served.legacy_results=pascal",
    ]);
    let mut app = AppServer::connect(&service, HUB);
    let connecting = std::thread::scope(|scope| {
        let client = scope.spawn(|| Client::connect(&service, "servedhub"));
        let id = app.opened();
        let handshake = Extensions {
            data_type: Some(DataMessageType::Handshake),
            ..Extensions::default()
        };
        app.send(&Message::ConnectionData {
            connection_id: &id,
            payload: ACCEPTED.as_bytes(),
            extensions: handshake,
        });
        client.join().unwrap()
    });
    let mut client = connecting;
    client.send("servedhub", "M", &json!([{"UserName": "a"}]));
    let call = app.call();
    assert!(call.contains(r#""arguments":[{"userName":"a"}]"#), "{call}");
    let call = "{\"type\":1,\"target\":\"m\",\"arguments\":[{\"userName\":\"b\"}]}\u{1e}";
    app.send(&Message::BroadcastData {
        excluded_connection_ids: vec![],
        payloads: Payloads::from(vec![("json", call.as_bytes())]),
        extensions: Extensions::default(),
    });
    let came = client.next();
    let element = r#""M":[{"H":"ServedHub","M":"m","A":[{"UserName":"b"}]}]"#;
    assert!(came.contains(element), "{came}");
}

#[test]
fn the_manifest_is_in_the_script_and_its_faults_are_found() {
    let manifest = Settings::new("manifest");
    let named = format!("legacy.manifest={}", manifest.path());
    manifest.write("[Chat]\nSend = [\"who\", \"what\"]\n");
    let service = start(&[&named]);
    let script = service.get("/signalr/hubs", "");
    assert!(
        script.contains("\"send\": function (who, what)") && !script.contains("sendTo"),
        "{script}"
    );

    let check = || {
        let output = run(&["check-config", "--set", &named], &[]);
        (output.status.code().unwrap(), text(&output.stderr))
    };
    assert_eq!(check().0, 0);
    for (written, expected) in [
        (
            "[Other]\n",
            "no hub 'Other' is served to legacy clients, only these: chat",
        ),
        ("[chat]\n[Chat]\n", "'chat' and 'Chat' are one hub"),
        ("[chat]\nSend = \"who\"\n", "expected a list such as"),
        ("[chat\n", "legacy.manifest cannot be used"),
    ] {
        manifest.write(written);
        let (code, faults) = check();
        assert_eq!(code, 2, "{written}");
        assert!(faults.contains(expected), "{written}: {faults}");
    }
    drop(manifest);
    assert!(check().1.contains("there is no such file"));
}

/// An app that reads and says this, to whoever comes.
fn app(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            _ = stream.read(&mut [0; 4096]);
            _ = stream.write_all(answer.as_bytes());
            if answer.is_empty() {
                silent.push(stream);
            }
        }
    });
    format!("http://{address}/signalr")
}

#[test]
fn apps_are_asked_for_as_long_as_the_settings_say() {
    let silent = app("");
    let asked = format!("hubs.chat.negotiate_url={silent}");
    let classic = format!("legacy.app_url={silent}");
    for settings in [&["hubs.chat.backend=embedded", &asked][..], &[&classic]] {
        let settings = [settings, &["legacy.ask=100ms"]].concat();
        let service = start(&settings);
        let before = std::time::Instant::now();
        let answer = negotiate(&service, "chat", "");
        assert!(before.elapsed() < Duration::from_secs(5));
        assert_eq!(status(&answer), 503, "{answer}");
        assert!(answer.ends_with("The hub is not available."), "{answer}");
        service.wait_for_log("did not answer in time, asked at http://127.0.0.1:");
    }
}

/// The log of a service from now to its end.
fn log(service: Service) -> String {
    service.signal("TERM");
    service.wait().1
}

#[test]
fn what_has_no_place_in_core_hubs_is_said_once() {
    const HUB: &str = "served";
    const RETURN: &str = "legacy client came back, of which the hub does not hear";
    const STATE: &str = "legacy client keeps state";
    const RAW: &str = "legacy client knows no hubs";
    let service = start(&[
        "demo=true",
        "hubs.served.backend=server",
        "hubs.served.legacy_users=anonymous",
    ]);
    let mut app = AppServer::connect(&service, HUB);
    std::thread::scope(|scope| {
        let client = scope.spawn(|| Client::connect(&service, HUB));
        let id = app.opened();
        app.send(&Message::ConnectionData {
            connection_id: &id,
            payload: ACCEPTED.as_bytes(),
            extensions: Extensions {
                data_type: Some(DataMessageType::Handshake),
                ..Extensions::default()
            },
        });
        let mut client = client.join().unwrap();
        for _ in 0..2 {
            client.reconnect(&service);
            let call = json!({"H": HUB, "M": "m", "S": {"a": 1}, "A": [], "I": 0});
            send(&mut client.socket, &call.to_string());
            app.call();
        }
    });
    drop(app);
    let text = log(service);
    for loss in [RETURN, STATE] {
        assert_eq!(text.matches(loss).count(), 1, "{text}");
    }
    assert!(text.contains("hub=\"served\" dialect=2.1"), "{text}");
    assert!(!text.contains(RAW), "{text}");

    // Hubs in Rust hear of it.
    let service = start(&["demo=true"]);
    let mut client = Client::connect(&service, "chat");
    client.reconnect(&service);
    client.call("chat", "Nothing", &json!([]));
    drop(client);
    for _ in 0..2 {
        let query = "clientProtocol=1.5";
        Client::with_query(&service, query);
    }
    let text = log(service);
    assert!(!text.contains(RETURN), "{text}");
    assert_eq!(text.matches(RAW).count(), 1, "{text}");
    assert!(text.contains("dialect=1.5"), "{text}");
}

/// A proxy before a service that starts after it, and how many connections came through it.
fn proxy() -> (String, Arc<OnceLock<String>>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (target, count) = (Arc::new(OnceLock::<String>::new()), Arc::default());
    let (behind, counted) = (Arc::clone(&target), Arc::<AtomicUsize>::clone(&count));
    std::thread::spawn(move || {
        for near in listener.incoming() {
            // What has no end without a guard has one here.
            if counted.fetch_add(1, Ordering::Relaxed) >= 50 {
                break;
            }
            let near = near.unwrap();
            let far = TcpStream::connect(behind.get().unwrap()).unwrap();
            for (mut from, mut to) in [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far, near),
            ] {
                std::thread::spawn(move || {
                    _ = std::io::copy(&mut from, &mut to);
                    _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    (address, target, count)
}

#[test]
fn an_app_that_is_the_service_itself_is_not_asked_for_ever() {
    for (setting, path, through) in [
        ("legacy.app_url", "/signalr", "/signalr/negotiate"),
        ("legacy.app_url", "/signalr", "/signalr/hubs"),
        ("hubs.mine.url", "/mine", "/signalr/negotiate"),
        ("hubs.mine.url", "/mine", "/mine/negotiate"),
    ] {
        let (address, target, count) = proxy();
        let service = start(&[&format!("{setting}=http://{address}{path}")]);
        target.set(service.address.clone()).unwrap();
        let before = std::time::Instant::now();
        let answer = service.post(&format!("{through}?{}", query("mine")), "", "");
        let status = status(&answer);
        assert!(status == 502 || status == 503, "{through}: {answer}");
        assert!(before.elapsed() < Duration::from_secs(5), "{through}");
        assert_eq!(count.load(Ordering::Relaxed), 1, "{through}");
        service.wait_for_log("its URL leads back to this service");
    }
}

#[test]
fn the_script_is_that_of_the_classic_app() {
    let script = "HTTP/1.1 200 OK\r\nContent-Type: application/javascript; charset=UTF-8\r\n\
                  Content-Length: 9\r\nConnection: close\r\n\r\nscript();";
    let service = start(&[&format!("legacy.app_url={}", app(script))]);
    let answer = service.get("/signalr/hubs", "");
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("script();"),
        "{answer}"
    );
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\
                Connection: close\r\n\r\n<html>";
    let service = start(&[&format!("legacy.app_url={}", app(page))]);
    let answer = service.get("/signalr/hubs", "");
    assert!(
        status(&answer) == 503 && !answer.contains("<html>"),
        "{answer}"
    );
    service.wait_for_log("it answered with an HTML page");
}
