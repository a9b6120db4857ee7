//! Keys that are changed while the service runs.

use std::time::Instant;

use crate::program::{PATIENCE, Service, Settings, run, status, text};

const FIRST: &str = "the first key, which is long";
const SECOND: &str = "the second key, which is long";
const KEPT: &str = "keys stay as they are";

/// What the service answers to a client whose token is made with this key.
fn negotiate(service: &Service, key: &str) -> u16 {
    let variables = [("HELIOGRAPH_KEYS__PRIMARY", key)];
    let token = run(&["token", "client", "--hub", "chat"], &variables);
    let header = format!("Authorization: Bearer {}\r\n", text(&token.stdout).trim());
    status(&service.post("/client/negotiate?hub=chat", &header, ""))
}

fn start(file: &Settings) -> Service {
    file.write(&format!("[keys]\nprimary = \"{FIRST}\"\n"));
    Service::start(&["--config", file.path()], &[])
}

#[test]
fn hang_up_reads_keys_again() {
    let file = Settings::new("hang-up");
    let service = start(&file);
    assert_eq!(
        (negotiate(&service, FIRST), negotiate(&service, SECOND)),
        (200, 401)
    );
    // Another address is for the next start.
    file.write(&format!(
        "listen = \"0.0.0.0:9\"\n[keys]\nprimary = \"Endpoint=http://x;AccessKey={SECOND};\"\n"
    ));
    service.signal("HUP");
    let deadline = Instant::now() + PATIENCE;
    while negotiate(&service, SECOND) != 200 {
        assert!(Instant::now() < deadline, "the new key is not in force");
    }
    assert_eq!(negotiate(&service, FIRST), 401);
}

#[test]
fn keys_stay_when_the_settings_have_no_own_key_any_more() {
    let known = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
    for (name, changed, reason) in [
        ("empty", String::new(), "no access key of your own"),
        ("half", "[keys]\nprimary = \"the fir".to_owned(), "TOML"),
        (
            "known",
            format!("[keys]\nprimary = \"Endpoint=http://localhost;AccessKey={known};\"\n"),
            "everyone knows",
        ),
        (
            "known-second",
            format!("[keys]\nprimary = \"{FIRST}\"\nsecondary = \"{known}\"\n"),
            "everyone knows",
        ),
        (
            "short",
            "[keys]\nprimary = \"short\"\n".to_owned(),
            "16 characters",
        ),
    ] {
        let file = Settings::new(name);
        let service = start(&file);
        file.write(&changed);
        service.signal("HUP");
        service.wait_for_log(KEPT);
        assert_eq!(negotiate(&service, FIRST), 200, "{name}");
        assert_eq!(negotiate(&service, known), 401, "{name}");
        service.signal("TERM");
        let (_, log) = service.wait();
        assert!(
            log.contains("ERROR") && log.contains(reason),
            "{name}: {log}"
        );
    }
}

#[test]
fn development_mode_may_get_a_key_of_its_own() {
    let file = Settings::new("own");
    file.write("");
    let service = Service::start(&["--config", file.path()], &[]);
    file.write(&format!("[keys]\nprimary = \"{FIRST}\"\n"));
    service.signal("HUP");
    service.wait_for_log("keys were read again");
    assert_eq!(negotiate(&service, FIRST), 200);
    // And it does not go back.
    file.write("");
    service.signal("HUP");
    service.wait_for_log(KEPT);
    assert_eq!(negotiate(&service, FIRST), 200);
}
