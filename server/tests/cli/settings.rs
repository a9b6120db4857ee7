use crate::program::{Service, run, status, text};

#[test]
fn help_and_version_end_well() {
    let help = run(&["--help"], &[]);
    assert_eq!(help.status.code(), Some(0));
    let help = text(&help.stdout);
    for word in [
        "--config",
        "--listen",
        "--set",
        "check-config",
        "token",
        "development mode",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
    let version = run(&["--version"], &[]);
    assert_eq!(
        text(&version.stdout).trim(),
        concat!("heliograph ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn bad_usage_ends_with_2() {
    for arguments in [
        &["--nonsense"][..],
        &["--listen", "here"],
        &["--set", "x"],
        &["token"],
    ] {
        assert_eq!(run(arguments, &[]).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn unknown_variable_is_an_error_that_names_the_nearest_setting() {
    let output = run(
        &["check-config"],
        &[("HELIOGRAPH_LIMITS__TOKEN_BYTE", "5000")],
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr).trim(),
        "heliograph: HELIOGRAPH_LIMITS__TOKEN_BYTE: unknown setting 'limits.token_byte', \
         did you mean 'limits.token_bytes'?"
    );
}

#[test]
fn bad_variable_names_itself_and_what_was_expected() {
    let output = run(&["check-config"], &[("HELIOGRAPH_TIMEOUTS__DRAIN", "soon")]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(
        error.contains("HELIOGRAPH_TIMEOUTS__DRAIN: timeouts.drain: expected a length of time"),
        "{error}"
    );
}

#[test]
fn variables_and_flags_are_layered() {
    let variables = [("HELIOGRAPH_LIMITS__HEADER_BYTES", "100")];
    let output = run(&["check-config"], &variables);
    assert_eq!(output.status.code(), Some(2), "the variable is read");
    let output = run(
        &["check-config", "--set", "limits.header_bytes=20000"],
        &variables,
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn missing_file_is_named() {
    let output = run(
        &["check-config", "--config", "/nowhere/heliograph.toml"],
        &[],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nowhere/heliograph.toml: there is no such file"));
}

#[test]
fn well_known_key_is_refused_off_loopback() {
    let output = run(&["--listen", "0.0.0.0:0"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("set keys.primary"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_folder_in_the_place_of_a_file_is_named() {
    let folder = std::env::temp_dir();
    let folder = folder.to_str().unwrap();
    let output = run(&["check-config", "--config", folder], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("this is a directory"));
}

#[test]
fn flags_may_stand_behind_the_command() {
    for arguments in [
        &["check-config", "--listen", "0.0.0.0:1"][..],
        &["--listen", "0.0.0.0:1", "check-config"],
        &["check-config", "--log-level", "loud"],
        &["check-config", "--demo-script", "/nowhere.js"],
        &["check-config", "--set", "bench=x"],
        &["--set", "bench=x", "check-config"],
        // Flags on both sides count.
        &["--set", "bench=x", "check-config", "--set", "demo=true"],
        &["--set", "demo=true", "check-config", "--set", "bench=x"],
    ] {
        assert_eq!(run(arguments, &[]).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_bad_address_is_told_with_an_example() {
    let output = run(&["--listen", "localhost"], &[]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(
        error.contains("'localhost'") && error.contains("127.0.0.1:8888"),
        "{error}"
    );
}

#[test]
fn variables_of_a_kubernetes_service_are_no_settings() {
    let variables = [
        ("HELIOGRAPH_SERVICE_HOST", "10.0.0.1"),
        ("HELIOGRAPH_SERVICE_PORT", "8888"),
        ("HELIOGRAPH_SERVICE_PORT_HTTP", "8888"),
        ("HELIOGRAPH_PORT", "tcp://10.0.0.1:8888"),
        ("HELIOGRAPH_PORT_8888_TCP", "tcp://10.0.0.1:8888"),
        ("HELIOGRAPH_PORT_8888_TCP_ADDR", "10.0.0.1"),
        ("HELIOGRAPH_PORT_8888_TCP_PORT", "8888"),
        ("HELIOGRAPH_PORT_8888_TCP_PROTO", "tcp"),
    ];
    let output = run(&["check-config"], &variables);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_url_alone_means_a_hub_elsewhere() {
    let service = Service::start(&["--set", "hubs.x.url=http://127.0.0.1:9/x"], &[]);
    // Nothing listens there: the hub is asked and does not answer.
    let answer = service.post("/x/negotiate", "", "");
    assert_eq!(status(&answer), 502, "{answer}");
}

#[test]
fn the_connection_string_names_the_address_for_clients() {
    // The SDK puts its own paths right behind a path.
    for (given, printed) in [
        (
            "https://signalr.example.org/x/",
            "https://signalr.example.org/x/",
        ),
        (
            "https://signalr.example.org/x",
            "https://signalr.example.org/x/",
        ),
        ("https://signalr.example.org", "https://signalr.example.org"),
    ] {
        let endpoint = format!("client_endpoint={given}");
        let service = Service::start(&["--set", &endpoint], &[]);
        let greeting = service.greeting.join("\n");
        let expected = format!("Version=1.0;ClientEndpoint={printed};");
        assert!(greeting.contains(&expected), "{greeting}");
    }
    let service = Service::start(&[], &[]);
    assert!(!service.greeting.join("\n").contains("ClientEndpoint"));
}

#[test]
fn a_connection_string_may_stand_for_its_key() {
    let key = "a key of some length that is ours";
    let whole = format!("Endpoint=http://localhost;Port=8888;AccessKey={key};Version=1.0;");
    let service = Service::start(
        &[],
        &[
            ("HELIOGRAPH_KEYS__SECONDARY", &whole),
            ("HELIOGRAPH_KEYS__PRIMARY", "another key of some length"),
        ],
    );
    let token = run(
        &["token", "client", "--hub", "chat"],
        &[("HELIOGRAPH_KEYS__PRIMARY", key)],
    );
    let header = format!("Authorization: Bearer {}\r\n", text(&token.stdout).trim());
    let answer = service.post("/client/negotiate?hub=chat", &header, "");
    assert_eq!(status(&answer), 200, "{answer}");
}

#[test]
fn a_verbose_log_is_about_the_service() {
    let service = Service::start(&["--log-level", "trace"], &[]);
    service.socket("/chat", &[]).unwrap();
    service.wait_for_log("connection ended");
    service.signal("TERM");
    let (_, log) = service.wait();
    for line in log.lines().filter(|line| !line.contains("INFO")) {
        assert!(line.contains("heliograph"), "{line}");
    }
}

#[test]
fn refusals_say_something() {
    let service = Service::start(&[], &[]);
    for (method, target, expected) in [
        ("POST", "/healthz", 405),
        ("POST", "/demo/", 405),
        ("POST", "/server/", 405),
        ("GET", "/chat/negotiate", 405),
        ("PUT", "/chat", 405),
        ("GET", "/demo/nothing.js", 404),
        ("GET", "/demo/signalr.js", 404),
        ("GET", "/nothing", 404),
    ] {
        let answer = service.request(method, target, "", "");
        assert_eq!(status(&answer), expected, "{method} {target}");
        assert!(!answer.ends_with("\r\n\r\n"), "{method} {target}: {answer}");
    }
}
