//! Which web pages may call, as the settings say.

use crate::program::{Service, status};

const PAGE: &str = "https://page.test";

/// What a page of this origin is answered at negotiate and at the WebSocket.
fn asked_by(service: &Service, path: &str, origin: &str) -> (u16, u16) {
    let header = format!("Origin: {origin}\r\n");
    let negotiated = service.post(&format!("{path}/negotiate"), &header, "");
    let socket = service.socket(path, &[("Origin", origin)]);
    (
        status(&negotiated),
        socket.map_or_else(|status| status, |_| 101),
    )
}

const REFUSED: (u16, u16) = (403, 403);
const TAKEN: (u16, u16) = (200, 101);

#[test]
fn a_hub_without_tokens_takes_its_own_page_and_listed_ones() {
    // The hub behind the direct one takes every page.
    let behind = Service::start(&[], &[]);
    let url = format!("hubs.far.url=http://{}/chat", behind.address);
    let embedded = ["--set", "hubs.chat.backend=embedded"];
    let direct = ["--set", &url];
    for (hub, settings) in [("chat", embedded), ("far", direct)] {
        let path = format!("/{hub}");
        let service = Service::start(&settings, &[]);
        let own = format!("http://{}", service.address);
        assert_eq!(asked_by(&service, &path, PAGE), REFUSED, "{hub}");
        assert_eq!(asked_by(&service, &path, "null"), REFUSED, "{hub}");
        assert_eq!(asked_by(&service, &path, &own), TAKEN, "{hub}");
        service.wait_for_log(&format!("hubs.{hub}.allowed_origins"));
        service.wait_for_log(PAGE);

        let listed = format!("hubs.{hub}.allowed_origins=[\"{PAGE}\"]");
        let settings = [&settings[..], &["--set", &listed]].concat();
        let service = Service::start(&settings, &[]);
        assert_eq!(asked_by(&service, &path, PAGE), TAKEN, "{hub}");
        let own = format!("http://{}", service.address);
        assert_eq!(asked_by(&service, &path, &own), TAKEN, "{hub}");
        let other = "https://other.test";
        assert_eq!(asked_by(&service, &path, other), REFUSED, "{hub}");
    }
}

#[test]
fn at_the_services_own_path_the_general_list_counts() {
    let ask = |service: &Service| {
        let header = format!("Origin: {PAGE}\r\n");
        status(&service.post("/client/negotiate?hub=chat", &header, ""))
    };
    let service = Service::start(&[], &[]);
    assert_eq!(ask(&service), 401);
    let service = Service::start(&["--set", "allowed_origins=[\"https://a.test\"]"], &[]);
    assert_eq!(ask(&service), 403);
    service.wait_for_log("allowed_origins");
}

#[test]
fn the_log_names_the_setting_that_lets_a_page_in() {
    // These hubs have no settings of their own.
    let listed = "allowed_origins=[\"https://a.test\"]";
    for path in ["/chat", "/bench"] {
        let service = Service::start(&["--set", listed, "--set", "bench=true"], &[]);
        assert_eq!(asked_by(&service, path, PAGE), REFUSED, "{path}");
        service.wait_for_log("setting=\"allowed_origins\"");
    }
}

#[test]
fn cors_headers_can_be_left_to_a_proxy() {
    let ask = |service: &Service, method: &str, target: &str| {
        let page = format!("Origin: {PAGE}\r\nAccess-Control-Request-Method: POST\r\n");
        let answer = service.request(method, target, &page, "");
        (
            status(&answer),
            answer.to_ascii_lowercase().contains("access-control-"),
        )
    };
    let listed = format!("legacy.allowed_origins=[\"{PAGE}\"]");
    let hubs = format!("hubs.chat.allowed_origins=[\"{PAGE}\"]");
    let both = [
        "--set",
        &listed,
        "--set",
        &hubs,
        "--set",
        "hubs.chat.backend=embedded",
    ];
    let left = [&both[..], &["--set", "cors_headers=false"]].concat();
    let (ours, left) = (Service::start(&both, &[]), Service::start(&left, &[]));
    for (method, target, expected) in [
        ("GET", "/signalr/negotiate?clientProtocol=2.1", 200),
        ("OPTIONS", "/signalr/negotiate", 204),
        ("GET", "/aspnetclient/negotiate", 401),
        ("OPTIONS", "/chat/negotiate", 204),
    ] {
        assert_eq!(ask(&ours, method, target), (expected, true), "{target}");
        assert_eq!(ask(&left, method, target), (expected, false), "{target}");
    }
}
