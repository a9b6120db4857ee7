use super::*;

fn request(peer: &str, headers: &[(&str, &str)]) -> Parts {
    let mut builder = http::Request::builder()
        .uri("/client/?hub=h")
        .header("host", "inside:8888");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let mut parts = builder.body(()).unwrap().into_parts().0;
    parts
        .extensions
        .insert(Peer(SocketAddr::new(peer.parse().unwrap(), 1234)));
    parts
}

fn read(peer: &str, headers: &[(&str, &str)]) -> Forwarded {
    let trusted = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap());
    Proxies::new(trusted.into()).read(&request(peer, headers))
}

const LIES: [(&str, &str); 4] = [
    ("x-forwarded-for", "6.6.6.6"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-prefix", "/evil"),
];

#[test]
fn strangers_are_not_believed() {
    let forwarded = read("203.0.113.9", &LIES);
    assert_eq!(forwarded.client, Some("203.0.113.9".parse().unwrap()));
    assert_eq!(forwarded.forwarded_for.as_deref(), Some("203.0.113.9"));
    assert_eq!(forwarded.scheme, Scheme::Http);
    assert_eq!(forwarded.host.as_deref(), Some("inside:8888"));
    assert_eq!(forwarded.prefix, None);
    assert!(!forwarded.by_trusted_proxy);
}

#[test]
fn what_strangers_say_of_proxies_is_not_passed_on() {
    let more = [("x-real-ip", "6.6.6.6"), ("forwarded", "for=6.6.6.6")];
    let said = [&LIES[..], &more, &[("x-test", "kept")]].concat();
    let passed = |peer| {
        let mut headers = request(peer, &said).headers;
        read(peer, &said).write(&mut headers);
        let text = |name| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        [
            "x-forwarded-for",
            "x-forwarded-prefix",
            "x-real-ip",
            "forwarded",
            "x-test",
        ]
        .map(text)
    };
    let texts = |texts: [&str; 5]| texts.map(|text| (!text.is_empty()).then(|| text.to_owned()));
    assert_eq!(
        passed("203.0.113.9"),
        texts(["203.0.113.9", "", "", "", "kept"])
    );
    let expected = [
        "6.6.6.6, 10.1.1.1",
        "/evil",
        "6.6.6.6",
        "for=6.6.6.6",
        "kept",
    ];
    assert_eq!(passed("10.1.1.1"), texts(expected));
}

#[test]
fn trusted_proxy_is_believed() {
    let forwarded = read(
        "10.1.1.1",
        &[
            ("x-forwarded-for", "198.51.100.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "hub.example:444"),
            ("x-forwarded-prefix", "/signalr/"),
        ],
    );
    assert_eq!(forwarded.client, Some("198.51.100.7".parse().unwrap()));
    assert_eq!(
        forwarded.forwarded_for.as_deref(),
        Some("198.51.100.7, 10.1.1.1")
    );
    assert_eq!(forwarded.scheme, Scheme::Https);
    assert_eq!(forwarded.host.as_deref(), Some("hub.example:444"));
    assert_eq!(forwarded.prefix.as_deref(), Some("/signalr"));
    assert!(forwarded.by_trusted_proxy);
}

#[test]
fn what_the_client_put_before_its_own_address_is_dropped() {
    let forwarded = read(
        "fd00::1",
        &[
            ("x-forwarded-for", "6.6.6.6, 198.51.100.7:5555"),
            ("x-forwarded-for", "10.2.2.2"),
            ("x-forwarded-proto", "http, https, http"),
        ],
    );
    assert_eq!(forwarded.client, Some("198.51.100.7".parse().unwrap()));
    assert_eq!(
        forwarded.forwarded_for.as_deref(),
        Some("198.51.100.7, 10.2.2.2, fd00::1")
    );
    assert_eq!(forwarded.scheme, Scheme::Https);
}

#[test]
fn nonsense_from_a_trusted_proxy_changes_nothing() {
    let forwarded = read(
        "10.1.1.1",
        &[
            ("x-forwarded-for", "unknown"),
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-host", "a b"),
            ("x-forwarded-prefix", "//evil.example"),
        ],
    );
    assert_eq!(forwarded.client, Some("10.1.1.1".parse().unwrap()));
    assert_eq!(forwarded.forwarded_for.as_deref(), Some("10.1.1.1"));
    assert_eq!(forwarded.host.as_deref(), Some("inside:8888"));
    assert_eq!(forwarded.prefix, None);
}

#[test]
fn networks_match_by_prefix() {
    let contains = |network: &str, address: &str| {
        network
            .parse::<Network>()
            .unwrap()
            .contains(address.parse().unwrap())
    };
    assert!(contains("10.1.2.3", "10.1.2.3"));
    assert!(!contains("10.1.2.3", "10.1.2.4"));
    assert!(contains("10.1.2.3/9", "10.127.0.1"));
    assert!(!contains("10.1.2.3/9", "10.128.0.1"));
    assert!(contains("0.0.0.0/0", "203.0.113.1"));
    assert!(contains("10.0.0.0/8", "::ffff:10.9.9.9"));
    assert!(contains("fd00::/8", "fdff::1"));
    assert!(!contains("::/0", "10.0.0.1"));
    for bad in [
        "",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "::/129",
        "host",
        "10.0.0.0/",
    ] {
        assert_eq!(bad.parse::<Network>(), Err(NetworkError), "{bad}");
    }
}
