//! `check-config` finds what would keep the service from starting.

use crate::program::{Settings, run, text};

const KEY: &str = "a key of some length that is ours";

/// The exit code and the faults of these settings.
fn check(settings: &[&str]) -> (i32, String) {
    let mut arguments = vec!["check-config"];
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    let output = run(&arguments, &[]);
    (output.status.code().unwrap(), text(&output.stderr))
}

#[test]
fn every_fault_is_named_with_what_was_expected() {
    let folder = std::env::temp_dir();
    let folder = format!("demo_script={}", folder.display());
    for (settings, expected) in [
        (&["hubs.x.backend=embedded"][..], "no embedded hub 'x'"),
        (&["hubs.x.path=/y"], "hubs.x: expected url"),
        (
            &["hubs.x.url=http://a:b@c/"],
            "URL of hub 'x' cannot be used",
        ),
        (
            &["hubs.x.url=http://a/x", "hubs.x.forward_headers=[\"Host\"]"],
            "header 'Host' cannot be passed on",
        ),
        (
            &["hubs.x.backend=server"],
            "hubs.x.legacy_users: expected who its legacy clients are",
        ),
        (
            &["hubs.x.backend=server", "hubs.x.legacy_users=app"],
            "hubs.x.negotiate_url: expected the URL of the hub in its app",
        ),
        (
            &[
                "hubs.x.url=http://a/x",
                "hubs.x.negotiate_url=http://a/x",
                "hubs.x.legacy_users=anonymous",
            ],
            "hubs.x.negotiate_url: expected none",
        ),
        (
            &["hubs.x.url=http://a/x", "hubs.x.negotiate_url=a"],
            "hubs.x.negotiate_url: expected an http or https URL, found \"a\"",
        ),
        (
            &[
                "hubs.x.backend=server",
                "hubs.x.negotiate_url=http://a:b@c/",
            ],
            "cannot ask the app of hub 'x': expected a URL without a user name",
        ),
        (
            &[
                "hubs.x.backend=server",
                "hubs.x.legacy_users=token",
                "hubs.x.path=/x",
            ],
            "hubs.x.path: expected none, app servers come to /server",
        ),
        (
            &["hubs.x.url=http://a/x", "hubs.x.legacy_users=everyone"],
            "hubs.x.legacy_users: expected one of `app`, `token`, `anonymous`",
        ),
        (
            &["hubs.x.url=http://a/x", "hubs.x.legacy_name=a.b"],
            "hubs.x.legacy_name: expected a name such as \"ChatHub\" without dots",
        ),
        (
            &[
                "hubs.x.url=http://a/x",
                "hubs.y.url=http://a/y",
                "hubs.y.legacy_name=X",
            ],
            "hubs.y.legacy_name: hub 'x' has the same name for legacy clients",
        ),
        (
            &[
                "hubs.x.url=http://a/x",
                "hubs.x.legacy_methods={ a = \"\" }",
            ],
            "hubs.x.legacy_methods: expected names of methods",
        ),
        (
            &["hubs.x.url=http://a/x", "hubs.x.legacy_results=lower"],
            "expected one of `unchanged`, `pascal`, `camel`",
        ),
        (
            &["legacy.app_url=a"],
            "legacy.app_url: expected an http or https URL, found \"a\"",
        ),
        (
            &["legacy.app_url=http://a:b@c/"],
            "cannot ask the app of legacy.app_url: expected a URL without a user name",
        ),
        (
            &["legacy.app_url=http://a/signalr#top"],
            "legacy.app_url: expected a URL without a fragment, found '#top'",
        ),
        (
            &["legacy.app_url=http://a/", "legacy.manifest=/nowhere.toml"],
            "legacy.manifest: expected none",
        ),
        (
            &[
                "legacy.app_url=http://a/",
                "hubs.x.backend=server",
                "hubs.x.legacy_users=token",
            ],
            "hubs.x: legacy clients are served by the classic app alone",
        ),
        (
            &[
                "legacy.app_url=http://a/",
                "hubs.x.url=http://a/x",
                "hubs.x.legacy_name=ChatHub",
            ],
            "hubs.x.legacy_name: expected none, legacy clients are served by the classic app alone \
             (legacy.app_url)",
        ),
        (
            &[
                "legacy.app_url=http://a/",
                "hubs.chat.backend=embedded",
                "hubs.chat.legacy_results=pascal",
            ],
            "hubs.chat.legacy_results: expected none",
        ),
        (
            &["hubs.x.url=http://a/x", "hubs.x.path=/realtime/SignalR"],
            "hubs.x.path: '/signalr' is where legacy clients are served (legacy.path), whatever \
             stands before it",
        ),
        (
            &["hubs.x.url=http://a/x", "hubs.x.path=/x/aspnetclient"],
            "hubs.x.path: '/aspnetclient' is where legacy clients are served",
        ),
        (
            &["demo=false", "legacy.path=/negotiate"],
            "legacy.path: '/client/negotiate' is the service's own",
        ),
        (
            &["legacy.path=/chat"],
            "legacy.path: the hub of demo is at '/chat', but '/chat' is where legacy clients are \
             served (legacy.path)",
        ),
        (
            &["legacy.manifest=/nowhere.toml"],
            "legacy.manifest cannot be used: /nowhere.toml: there is no such file",
        ),
        (&["legacy.ask=0s"], "legacy.ask: expected more than 0s"),
        (
            &["legacy.ask=25h"],
            "legacy.ask: expected at most 24h, found 25h",
        ),
        (
            &["legacy.disconnect=400000d"],
            "legacy.disconnect: expected at most 24h, found 9600000h",
        ),
        (
            &["legacy.disconnect=5s", "legacy.keep_alive=0s"],
            "legacy.disconnect: expected at least 6s, found 5s",
        ),
        (
            &["legacy.long_poll=1ms"],
            "legacy.long_poll: expected at least 1s, found 1ms",
        ),
        (
            &["legacy.poll_delay=1h"],
            "legacy.poll_delay: expected at most legacy.disconnect (30s), found 1h",
        ),
        (
            &["demo_script=/nowhere.js"],
            "cannot read /nowhere.js: No such file",
        ),
        (&[&folder], "cannot read"),
        (
            &["tls.certificate=/nowhere.pem", "tls.key=/nowhere.pem"],
            "cannot read certificates from /nowhere.pem",
        ),
        (
            &["protocols=[\"json\"]"],
            "protocols: \"json\" is carried anyway",
        ),
        (
            &["protocols=[\"a b\"]"],
            "protocols: expected names such as \"blazorpack\", found \"a b\"",
        ),
        (&["protocols=[\"\"]"], "found \"\""),
        (
            &["protocols=[\"x\", \"X\"]"],
            "protocols: \"X\" is named twice",
        ),
        (
            &["keys.primary=\"has;a semicolon inside\""],
            "keys.primary: expected no ';'",
        ),
        (
            &["keys.primary=\" has a space before\""],
            "no space around the key",
        ),
        (
            &["keys.primary=Endpoint=http://a;Version=1.0;"],
            "keys.primary: expected a key, found a connection string without its AccessKey",
        ),
        (
            &["keys.primary=Endpoint=http://a;AccessKey=short;"],
            "keys.primary: expected at least 16 characters",
        ),
        (
            &["listen=0.0.0.0"],
            "listen: expected an address and a port such as 127.0.0.1:8888, found \"0.0.0.0\"",
        ),
        (
            &["limits.connections=many"],
            "expected a whole number, found \"many\"",
        ),
        (
            &["limits.connections=-1"],
            "expected a whole number, found -1",
        ),
        (
            &["limits.stateful_buffer_bytes=0"],
            "limits.stateful_buffer_bytes: expected at least 1024, found 0",
        ),
        (
            &["hubs.x.url=http://a/x", "hubs.x.max_message_bytes=0"],
            "hubs.x.max_message_bytes: expected at least 1024, found 0",
        ),
        (
            &["client_endpoint=https://a/x?y"],
            "client_endpoint: expected a URL such as",
        ),
        (
            &["bench=perhaps"],
            "expected true or false, found \"perhaps\"",
        ),
        (
            &["protocols=blazorpack"],
            "expected a list such as [\"a\", \"b\"]",
        ),
    ] {
        let (code, faults) = check(settings);
        assert_eq!(code, 2, "{settings:?}: {faults}");
        assert!(faults.contains(expected), "{settings:?}: {faults}");
        assert!(!faults.contains("usize"), "{faults}");
    }
}

#[test]
fn several_faults_are_told_at_once() {
    let (code, faults) = check(&[
        "protocols=[\"json\",\"a b\",\"\"]",
        "hubs.x.backend=embedded",
    ]);
    assert_eq!((code, faults.lines().count()), (2, 4), "{faults}");
    let (code, faults) = check(&[
        "demo_script=/nowhere.js",
        "tls.key=/k",
        "tls.certificate=/c",
    ]);
    assert_eq!((code, faults.lines().count()), (2, 2), "{faults}");
}

#[test]
fn a_start_with_faulty_settings_fails_as_well() {
    let output = run(
        &[
            "--listen",
            "127.0.0.1:0",
            "--set",
            "hubs.x.backend=embedded",
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no embedded hub 'x'"));
}

#[test]
fn tls_files_that_do_not_go_together_are_found() {
    let pem = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (one, other) = (pem(), pem());
    let certificate = Settings::new("certificate");
    certificate.write(&one.cert.pem());
    let key = Settings::new("key");
    let settings = [
        format!("tls.certificate={}", certificate.path()),
        format!("tls.key={}", key.path()),
    ];
    let check = || check(&[&settings[0], &settings[1]]);
    key.write("no key");
    assert!(check().1.contains("cannot read a private key from"));
    key.write(&other.signing_key.serialize_pem());
    assert!(check().1.contains("cannot be used"), "{:?}", check());
    key.write(&one.signing_key.serialize_pem());
    assert_eq!(check(), (0, String::new()));
}

#[test]
fn good_settings_are_good() {
    let address = "--listen=0.0.0.0:8888";
    let key = format!("keys.primary=Endpoint=http://a;AccessKey={KEY};Version=1.0;");
    let output = run(
        &[
            "check-config",
            address,
            "--log-level",
            "debug",
            "--demo-script",
            "/not/read/when/the/demo/is/off",
            "--set",
            &key,
            "--set",
            "hubs.x.url=http://127.0.0.1:5000/x",
            "--set",
            "legacy.app_url=http://127.0.0.1:5001/signalr",
            "--set",
            "legacy.path=/chat",
            "--set",
            "hubs.y.url=http://127.0.0.1:5000/y",
            "--set",
            "hubs.y.path=/chat2/signalr",
            "--set",
            "protocols=[\"blazorpack\", \"my.own-protocol_2\"]",
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "the settings are good\n");
}

#[test]
fn the_key_that_everyone_knows_is_found_in_a_connection_string_too() {
    let known = "keys.primary=Endpoint=http://localhost;Port=8888;\
                 AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;";
    let (code, faults) = check(&[known, "listen=0.0.0.0:8888"]);
    assert_eq!(code, 2);
    assert!(faults.contains("everyone knows"), "{faults}");
}
