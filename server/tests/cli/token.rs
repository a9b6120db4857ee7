use std::time::SystemTime;

use heliograph::auth::{AccessKey, KeyPair, Keys, Options, Route, TokenError, Verifier};
use heliograph::config::WELL_KNOWN_KEY;

use crate::program::{run, text};

fn verifier(key: &str) -> Verifier {
    Verifier::new(
        Keys::new(KeyPair::single(AccessKey::new(key))),
        Options::default(),
    )
}

fn token(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = run(&[&["token"], arguments].concat(), variables);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

#[test]
fn client_token_speaks_for_its_user() {
    let token = token(
        &[
            "client", "--hub", "Chat", "--user", "amy", "--claim", "role=a", "--claim", "role=b",
        ],
        &[],
    );
    let identity = verifier(WELL_KNOWN_KEY)
        .client(&token, "chat", SystemTime::now())
        .unwrap();
    assert_eq!(identity.user.as_deref(), Some("amy"));
    let roles = identity
        .claims
        .iter()
        .filter(|(name, _)| name == "role")
        .count();
    assert_eq!(roles, 2);
}

#[test]
fn tokens_are_signed_with_the_configured_key() {
    let key = "a key of some length that is ours";
    let token = token(
        &["server", "--hub", "chat", "--server-id", "app_1"],
        &[("HELIOGRAPH_KEYS__PRIMARY", key)],
    );
    let now = SystemTime::now();
    let server = verifier(key)
        .server(&token, "chat", Route::Server, now)
        .unwrap();
    assert_eq!(&*server.server_id, "app_1");
    assert_eq!(
        verifier(WELL_KNOWN_KEY).server(&token, "chat", Route::Server, now),
        Err(TokenError::Signature)
    );
}

#[test]
fn audience_can_be_given_whole() {
    let token = token(
        &[
            "rest",
            "--audience",
            "https://signalr.example/client/?hub=chat",
            "--ttl",
            "5m",
        ],
        &[],
    );
    assert!(
        verifier(WELL_KNOWN_KEY)
            .client(&token, "chat", SystemTime::now())
            .is_ok()
    );
}

#[test]
fn bad_endpoint_is_an_error() {
    let output = run(
        &[
            "token",
            "client",
            "--hub",
            "chat",
            "--endpoint",
            "localhost",
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("http or https URL"));
    assert_eq!(run(&["token", "rest"], &[]).status.code(), Some(2));
}

#[test]
fn what_would_make_no_good_token_is_refused() {
    for arguments in [
        &["client", "--hub", ""][..],
        &["client", "--hub", "a&b"],
        &["client", "--hub", "a b"],
        &["client", "--hub", "chat", "--claim", "exp=1"],
        &["client", "--hub", "chat", "--claim", "aud=x"],
        &["client", "--hub", "chat", "--claim", "iat=1"],
        &["client", "--hub", "chat", "--claim", "nbf=1"],
        &["client", "--hub", "chat", "--ttl", "0s"],
        &["client", "--hub", "chat", "--ttl", "999ms"],
        &["server", "--hub", ""],
        &["rest", "--path", "api/hubs/chat"],
        &["rest", "--path", ""],
    ] {
        let output = run(&[&["token"], arguments].concat(), &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
    }
    let long = "x".repeat(513);
    let output = run(&["token", "client", "--hub", &long], &[]);
    assert_eq!(output.status.code(), Some(2));
    token(&["client", "--hub", "My.App_chat`1"], &[]);
}

#[test]
fn settings_may_be_given_before_and_behind_the_kind_of_token() {
    let key = "keys.primary=a key of some length that is ours";
    let other = "keys.primary=another key that is long enough";
    for arguments in [
        &[
            "--set", other, "token", "client", "--hub", "chat", "--set", key,
        ][..],
        &[
            "--set", other, "token", "--set", key, "client", "--hub", "chat",
        ],
        &["--set", key, "token", "client", "--hub", "chat"],
    ] {
        let output = run(arguments, &[]);
        let token = text(&output.stdout);
        let verifier = verifier("a key of some length that is ours");
        let now = SystemTime::now();
        assert!(
            verifier.client(token.trim(), "chat", now).is_ok(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}
