//! Settings that reach what they are for: each is tried in the running binary, and where a
//! default can be told apart at once, without it too.

use std::io::Read as _;
use std::time::{Duration, Instant, SystemTime};

use heliograph::auth::{AccessKey, Mint};
use heliograph::config::WELL_KNOWN_KEY;
use heliograph_protocol::service::{self, DataMessageType, Extensions, Payloads};

use crate::app_server::AppServer;
use crate::metrics::{ACCEPTED, HANDSHAKE, negotiate, next, poll, send};
use crate::program::{Service, Socket, status};

/// A setting, what shows it, and what that shows with and without the setting.
struct Row {
    settings: &'static [&'static str],
    probe: fn(&Service) -> String,
    with: &'static str,
    without: Option<&'static str>,
}

const ROWS: &[Row] = &[
    Row {
        settings: &["token_hosts=[\"a.test\"]"],
        probe: token_of_another_host,
        with: "401",
        without: Some("200"),
    },
    Row {
        settings: &["timeouts.clock_skew=0s"],
        probe: token_just_expired,
        with: "401",
        without: Some("200"),
    },
    Row {
        settings: &["limits.token_bytes=256"],
        probe: long_token,
        with: "401",
        without: Some("200"),
    },
    Row {
        settings: &["limits.header_bytes=16384"],
        probe: large_header,
        with: "431",
        without: Some("200"),
    },
    Row {
        settings: &["limits.connections=2"],
        probe: three_negotiations,
        with: "200 200 503",
        without: Some("200 200 200"),
    },
    Row {
        settings: &["limits.outbox_messages=16", "bench=true"],
        probe: flood,
        with: "too slow",
        without: None,
    },
    Row {
        settings: &["limits.outbox_bytes=1024", "bench=true"],
        probe: flood,
        with: "too slow",
        without: None,
    },
    Row {
        settings: &["bench=true"],
        probe: flood,
        with: "all",
        without: None,
    },
    Row {
        settings: &["limits.stateful_buffer_bytes=4000", "bench=true"],
        probe: unacknowledged,
        with: "held",
        without: None,
    },
    Row {
        settings: &["bench=true"],
        probe: unacknowledged,
        with: "all",
        without: None,
    },
    Row {
        settings: &["hubs.chat.backend=embedded", "hubs.chat.auth=token"],
        probe: |service| statuses(service, &["/chat/negotiate"]),
        with: "401",
        without: Some("200"),
    },
    Row {
        settings: &["keys.primary=a key of our own, long enough", "demo=true"],
        probe: demo,
        with: "200 200",
        without: Some("200 200"),
    },
    Row {
        settings: &["keys.primary=a key of our own, long enough"],
        probe: demo,
        with: "404 404",
        without: None,
    },
    Row {
        settings: &["demo=false"],
        probe: demo,
        with: "404 404",
        without: None,
    },
    Row {
        settings: &["bench=true"],
        probe: |service| statuses(service, &["/bench/negotiate"]),
        with: "200",
        without: Some("404"),
    },
    Row {
        settings: &["hubs.chat.backend=embedded", "hubs.chat.path=/a/b"],
        probe: |service| statuses(service, &["/a/b/negotiate", "/chat/negotiate"]),
        with: "200 404",
        without: Some("404 200"),
    },
    Row {
        settings: &[
            "hubs.chat.backend=embedded",
            "trusted_proxies=[\"127.0.0.1\"]",
        ],
        probe: forwarded_origin,
        with: "200",
        without: None,
    },
    Row {
        settings: &["hubs.chat.backend=embedded"],
        probe: forwarded_origin,
        with: "403",
        without: None,
    },
    Row {
        settings: &[
            "hubs.chat.backend=embedded",
            "hubs.chat.stateful_reconnect=false",
        ],
        probe: stateful_is_granted,
        with: "false",
        without: Some("true"),
    },
    Row {
        settings: &["limits.max_message_bytes=2000"],
        probe: large_message,
        with: "closed",
        without: Some("answered"),
    },
    Row {
        settings: &["limits.server_message_bytes=2000"],
        probe: large_message_of_an_app_server,
        with: "passed over",
        without: Some("delivered"),
    },
    Row {
        settings: &[
            "hubs.chat.backend=embedded",
            "hubs.chat.max_message_bytes=2000",
        ],
        probe: large_message,
        with: "closed",
        without: None,
    },
    Row {
        settings: &["protocols=[\"mine\"]", "timeouts.wait_for_server=100ms"],
        probe: own_protocol,
        with: "no server",
        without: Some("no protocol"),
    },
    Row {
        settings: &["timeouts.handshake=1s"],
        probe: no_handshake,
        with: "{\"error\":\"Handshake was canceled.\"}\u{1e}",
        without: None,
    },
    Row {
        settings: &["timeouts.wait_for_server=100ms"],
        probe: no_server,
        with: "soon",
        without: None,
    },
    Row {
        settings: &["timeouts.long_poll=1s", "bench=true"],
        probe: quiet_poll,
        with: "soon 200",
        without: None,
    },
    Row {
        settings: &["timeouts.disconnect=1s"],
        probe: only_negotiated,
        with: "soon",
        without: None,
    },
    Row {
        settings: &["timeouts.request_head=1s"],
        probe: idle_connection,
        with: "soon",
        without: None,
    },
];

#[test]
fn settings_have_their_effects() {
    std::thread::scope(|scope| {
        for row in ROWS {
            scope.spawn(|| {
                let settings = row.settings.iter().flat_map(|set| ["--set", set]);
                let service = Service::start(&settings.collect::<Vec<_>>(), &[]);
                assert_eq!((row.probe)(&service), row.with, "with {:?}", row.settings);
                if let Some(without) = row.without {
                    let service = Service::start(&[], &[]);
                    let found = (row.probe)(&service);
                    assert_eq!(found, without, "without {:?}", row.settings);
                }
            });
        }
    });
}

/// Less than any default but that of `timeouts.wait_for_server`.
const SOON: Duration = Duration::from_secs(12);

fn within(start: Instant) -> &'static str {
    if start.elapsed() < SOON {
        "soon"
    } else {
        "late"
    }
}

fn statuses(service: &Service, targets: &[&str]) -> String {
    let post = |target: &&str| status(&service.post(target, "", "")).to_string();
    targets.iter().map(post).collect::<Vec<_>>().join(" ")
}

fn token(now: SystemTime, lifetime: Duration, claims: &[(String, String)]) -> String {
    token_for("chat", now, lifetime, claims)
}

fn token_for(
    hub: &str,
    now: SystemTime,
    lifetime: Duration,
    claims: &[(String, String)],
) -> String {
    let key = AccessKey::new(WELL_KNOWN_KEY);
    let mint = Mint::new(key, "http://localhost", now, lifetime).unwrap();
    mint.client(hub, None, claims).unwrap()
}

/// A WebSocket to a hub that no app server serves.
fn socket_without_server(service: &Service) -> Socket {
    let token = token_for("nowhere", SystemTime::now(), SOON, &[]);
    let target = format!("/client/?hub=nowhere&access_token={token}");
    service.socket(&target, &[]).unwrap()
}

fn ask_with(service: &Service, token: &str) -> String {
    let header = format!("Authorization: Bearer {token}\r\n");
    status(&service.post("/client/negotiate?hub=chat", &header, "")).to_string()
}

fn token_of_another_host(service: &Service) -> String {
    ask_with(service, &token(SystemTime::now(), SOON, &[]))
}

fn token_just_expired(service: &Service) -> String {
    let before = SystemTime::now() - Duration::from_secs(60);
    ask_with(service, &token(before, Duration::from_secs(10), &[]))
}

fn long_token(service: &Service) -> String {
    let claim = ("text".to_owned(), "x".repeat(300));
    ask_with(service, &token(SystemTime::now(), SOON, &[claim]))
}

fn large_header(service: &Service) -> String {
    let header = format!("X-Large: {}\r\n", "x".repeat(20_000));
    status(&service.get("/healthz", &header)).to_string()
}

fn three_negotiations(service: &Service) -> String {
    statuses(service, &["/chat/negotiate"; 3])
}

fn demo(service: &Service) -> String {
    let page = status(&service.get("/demo/", ""));
    format!("{page} {}", statuses(service, &["/chat/negotiate"]))
}

/// A client that does not poll while another one sends to all.
fn flood(service: &Service) -> String {
    const COUNT: usize = 100;
    let place = poll(service, "/bench");
    let mut sender = service.socket("/bench", &[]).unwrap();
    send(&mut sender, HANDSHAKE);
    assert_eq!(next(&mut sender), ACCEPTED);
    for _ in 0..COUNT {
        let broadcast = "{\"type\":1,\"target\":\"Broadcast\",\"arguments\":[\"a\"]}\u{1e}";
        send(&mut sender, broadcast);
        assert!(next(&mut sender).contains("\"target\":\"m\""));
    }
    let mut seen = 0;
    while seen < COUNT {
        let answer = service.get(&place, "");
        if status(&answer) != 200 {
            let closes = "signalr_server_connections_closed{hub=\"bench\",reason=\"slow_client\"}";
            service.wait_for_metric(closes, 1.0);
            return "too slow".to_owned();
        }
        seen += answer.matches("\"target\":\"m\"").count();
    }
    "all".to_owned()
}

/// A client that may resume its connection and acknowledges nothing until it is asked to.
fn unacknowledged(service: &Service) -> String {
    let target = "/bench/negotiate?negotiateVersion=1&useStatefulReconnect=true";
    let answer = service.post(target, "", "");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let answer: serde_json::Value = serde_json::from_str(body).unwrap();
    let id = answer["connectionToken"].as_str().unwrap();
    let mut socket = service.socket(&format!("/bench?id={id}"), &[]).unwrap();
    send(
        &mut socket,
        "{\"protocol\":\"json\",\"version\":2}\u{1e}{\"type\":6}\u{1e}",
    );
    let text = "x".repeat(1000);
    let echo = |id: u32| {
        format!(
            "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"Echo\",\"arguments\":[\"{text}\"]}}\u{1e}"
        )
    };
    for id in 0..10 {
        if id == 3 {
            // From here on nothing may come.
            let patience = Some(Duration::from_secs(3));
            socket.get_ref().set_read_timeout(patience).unwrap();
        }
        send(&mut socket, &echo(id));
        loop {
            match socket.read() {
                Ok(message) if message.to_text().unwrap().contains("\"type\":3") => break,
                Ok(_) => {}
                Err(_) => {
                    assert!(id >= 3, "held after {id} answers");
                    return "held".to_owned();
                }
            }
        }
    }
    "all".to_owned()
}

fn forwarded_origin(service: &Service) -> String {
    let headers = "Origin: https://public.test\r\nX-Forwarded-Proto: https\r\n\
                   X-Forwarded-Host: public.test\r\n";
    status(&service.post("/chat/negotiate", headers, "")).to_string()
}

fn stateful_is_granted(service: &Service) -> String {
    let target = "/chat/negotiate?negotiateVersion=1&useStatefulReconnect=true";
    let answer = service.post(target, "", "");
    answer.contains("\"useStatefulReconnect\":true").to_string()
}

fn large_message(service: &Service) -> String {
    let mut socket = service.socket("/chat", &[]).unwrap();
    send(&mut socket, HANDSHAKE);
    assert_eq!(next(&mut socket), ACCEPTED);
    let text = "x".repeat(3000);
    let call = "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Nothing\",\"arguments\":[\"";
    send(&mut socket, &format!("{call}{text}\"]}}\u{1e}"));
    loop {
        let answer = next(&mut socket);
        if answer.contains("\"type\":3") {
            return "answered".to_owned();
        }
        if answer.contains("\"type\":7") {
            return "closed".to_owned();
        }
    }
}

/// A broadcast of that size, with a small one behind it.
fn large_message_of_an_app_server(service: &Service) -> String {
    const HUB: &str = "served";
    let mut app = AppServer::connect(service, HUB);
    let token = token_for(HUB, SystemTime::now(), SOON, &[]);
    let target = format!("/client/?hub={HUB}&access_token={token}");
    let mut client = service.socket(&target, &[]).unwrap();
    send(&mut client, HANDSHAKE);
    let id = app.opened();
    app.send(&service::Message::ConnectionData {
        connection_id: &id,
        payload: ACCEPTED.as_bytes(),
        extensions: Extensions {
            data_type: Some(DataMessageType::Handshake),
            ..Extensions::default()
        },
    });
    assert_eq!(next(&mut client), ACCEPTED);
    for text in [&*"x".repeat(3000), "small"] {
        app.send(&service::Message::BroadcastData {
            excluded_connection_ids: vec![],
            payloads: Payloads::from(vec![("json", text.as_bytes())]),
            extensions: Extensions::default(),
        });
    }
    if next(&mut client) == "small" {
        service.wait_for_log("message of an app server not delivered");
        return "passed over".to_owned();
    }
    assert_eq!(next(&mut client), "small");
    "delivered".to_owned()
}

fn own_protocol(service: &Service) -> String {
    let mut socket = socket_without_server(service);
    send(&mut socket, "{\"protocol\":\"mine\",\"version\":1}\u{1e}");
    let answer = socket.read().unwrap().into_data();
    let answer = String::from_utf8_lossy(&answer);
    if answer.contains("protocol 'mine'") {
        return "no protocol".to_owned();
    }
    assert!(answer.contains("nowhere"), "{answer}");
    "no server".to_owned()
}

fn no_handshake(service: &Service) -> String {
    let start = Instant::now();
    let mut socket = service.socket("/chat", &[]).unwrap();
    let answer = next(&mut socket);
    assert_eq!(within(start), "soon");
    answer
}

fn no_server(service: &Service) -> String {
    let start = Instant::now();
    let mut socket = socket_without_server(service);
    send(&mut socket, HANDSHAKE);
    let answer = next(&mut socket);
    assert!(answer.contains("nowhere"), "{answer}");
    assert!(start.elapsed() < Duration::from_millis(4500));
    within(start).to_owned()
}

fn quiet_poll(service: &Service) -> String {
    let place = poll(service, "/bench");
    let start = Instant::now();
    let status = status(&service.get(&place, ""));
    format!("{} {status}", within(start))
}

fn only_negotiated(service: &Service) -> String {
    let start = Instant::now();
    let target = format!("/chat?id={}", negotiate(service, "/chat"));
    while status(&service.post(&target, "", "")) != 404 {
        std::thread::sleep(Duration::from_millis(20));
    }
    within(start).to_owned()
}

fn idle_connection(service: &Service) -> String {
    let start = Instant::now();
    let mut idle = service.connect();
    assert_eq!(idle.read(&mut [0; 8]).unwrap(), 0);
    within(start).to_owned()
}
