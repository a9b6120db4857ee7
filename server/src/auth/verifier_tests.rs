use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;

use super::*;
use crate::auth::{AccessKey, KeyPair, Mint};

const NOW: Duration = Duration::from_secs(1_800_000_000);
const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + NOW
}

fn verifier() -> Verifier {
    Verifier::new(
        Keys::new(KeyPair::single(AccessKey::new(KEY))),
        Options::default(),
    )
}

fn token(algorithm: Algorithm, key: &str, header: &str, payload: &str) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let key = AccessKey::new(key).signing();
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

fn hs256(payload: &str) -> String {
    token(
        Algorithm::HS256,
        KEY,
        r#"{"alg":"HS256","typ":"JWT","kid":"-697698320"}"#,
        payload,
    )
}

fn client(token: &str) -> Result<Identity, TokenError> {
    verifier().client(token, "testhub", now())
}

fn payload(exp: u64, nbf: u64) -> String {
    format!(r#"{{"nbf":{nbf},"exp":{exp},"aud":"http://localhost/client/?hub=testhub"}}"#)
}

const SECS: u64 = NOW.as_secs();

#[test]
fn minted_tokens_are_accepted_at_their_own_door_only() {
    let mint = |endpoint| {
        let hour = Duration::from_secs(3600);
        Mint::new(AccessKey::new(KEY), endpoint, now(), hour).unwrap()
    };
    let mint = mint("http://localhost:8888");
    let claims = [("role", "a"), ("dept", "x"), ("role", "b")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let client_token = mint.client("TestHub", Some("alice"), &claims).unwrap();
    let identity = client(&client_token).unwrap();
    assert_eq!(identity.user.as_deref(), Some("alice"));
    let roles = identity.claims.iter().filter(|(name, _)| name == "role");
    assert_eq!(
        roles.map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(identity.claim("dept"), Some("x"));
    assert_eq!(identity.expires_at, Some(now() + Duration::from_secs(3600)));
    assert_eq!(
        verifier().server(&client_token, "testhub", Route::Server, now()),
        Err(TokenError::Audience)
    );
    let server_token = mint.server("testhub", "app_1").unwrap();
    let server = verifier()
        .server(&server_token, "testhub", Route::Server, now())
        .unwrap();
    assert_eq!(&*server.server_id, "app_1");
    assert_eq!(client(&server_token).unwrap_err(), TokenError::Audience);
    assert_eq!(
        verifier().server(&server_token, "other", Route::Server, now()),
        Err(TokenError::Audience)
    );
}

#[test]
fn server_token_without_name_is_refused() {
    let token = hs256(&format!(
        r#"{{"exp":{},"aud":"http://localhost/server/?hub=testhub"}}"#,
        SECS + 60
    ));
    assert_eq!(
        verifier().server(&token, "testhub", Route::Server, now()),
        Err(TokenError::NoServerId)
    );
}

#[test]
fn hs512_is_accepted() {
    let token = token(
        Algorithm::HS512,
        KEY,
        r#"{"alg":"HS512"}"#,
        &payload(SECS + 60, SECS),
    );
    assert!(client(&token).is_ok());
}

#[test]
fn unsigned_and_foreign_algorithms_are_refused() {
    let good = payload(SECS + 60, SECS);
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"HS384"}"#,
    ] {
        let signed = token(Algorithm::HS256, KEY, header, &good);
        assert_eq!(
            client(&signed).unwrap_err(),
            TokenError::Algorithm,
            "{header}"
        );
        let (unsigned, _) = signed.rsplit_once('.').unwrap();
        assert_eq!(
            client(&format!("{unsigned}.")).unwrap_err(),
            TokenError::Algorithm
        );
    }
    let mismatched = token(Algorithm::HS512, KEY, r#"{"alg":"HS256"}"#, &good);
    assert_eq!(client(&mismatched).unwrap_err(), TokenError::Signature);
}

#[test]
fn either_key_is_good_and_replaced_keys_are_not() {
    let keys = Keys::new(KeyPair {
        primary: AccessKey::new("another key of fair length"),
        secondary: Some(AccessKey::new(KEY)),
    });
    let verifier = Verifier::new(keys.clone(), Options::default());
    let token = hs256(&payload(SECS + 60, SECS));
    assert!(verifier.client(&token, "testhub", now()).is_ok());
    keys.replace(&KeyPair::single(AccessKey::new(
        "a third key of fair length",
    )));
    assert_eq!(
        verifier.client(&token, "testhub", now()).unwrap_err(),
        TokenError::RetiredKey
    );
}

#[test]
fn lifetime_is_checked_with_clock_skew() {
    let check = |exp, nbf| client(&hs256(&payload(exp, nbf))).map(|_| ());
    assert_eq!(check(SECS - 299, SECS - 3600), Ok(()));
    assert_eq!(check(SECS - 300, SECS - 3600), Err(TokenError::Expired));
    assert_eq!(check(SECS + 3600, SECS + 300), Ok(()));
    assert_eq!(check(SECS + 3600, SECS + 301), Err(TokenError::NotYetValid));
    assert_eq!(check(u64::MAX, 0), Err(TokenError::Malformed));
}

#[test]
fn a_legacy_client_that_was_let_in_shows_a_token_that_was_good_once() {
    let keys = Keys::new(KeyPair::single(AccessKey::new(KEY)));
    let verifier = Verifier::new(keys.clone(), Options::default());
    let mint = |key: &str, at: Duration| {
        let at = SystemTime::UNIX_EPOCH + at;
        let minute = Duration::from_secs(60);
        Mint::new(AccessKey::new(key), "http://localhost", at, minute).unwrap()
    };
    let hour = Duration::from_secs(3600);
    let known = |token: &str| {
        let identity = verifier.former_legacy_client(token, now());
        identity.map(|identity| identity.user)
    };
    let ended = mint(KEY, NOW - hour);
    let token = ended.legacy_client(Some("alice"), &[]).unwrap();
    let now_good = verifier.legacy_client(&token, now());
    assert_eq!(now_good.unwrap_err(), TokenError::Expired);
    assert_eq!(known(&token), Ok(Some("alice".into())));
    let elsewhere = ended.client("testhub", Some("alice"), &[]).unwrap();
    assert_eq!(known(&elsewhere), Err(TokenError::Audience));
    let forged = mint("nobody's", NOW - hour);
    let forged = forged.legacy_client(Some("alice"), &[]).unwrap();
    assert_eq!(known(&forged), Err(TokenError::Signature));
    let early = mint(KEY, NOW + hour).legacy_client(None, &[]).unwrap();
    assert_eq!(known(&early), Err(TokenError::NotYetValid));

    keys.replace(&KeyPair::single(AccessKey::new("another key")));
    assert_eq!(known(&token), Ok(Some("alice".into())));
}

#[test]
fn tokens_that_never_end_are_refused() {
    let token = hs256(r#"{"aud":"http://localhost/client/?hub=testhub"}"#);
    assert_eq!(client(&token).unwrap_err(), TokenError::NoExpiry);
}

#[test]
fn one_fitting_audience_of_several_is_enough() {
    let exp = SECS + 60;
    let many = format!(
        r#"{{"exp":{exp},"aud":["urn:app","http://localhost/client/?hub=testhub"],"iss":"app"}}"#
    );
    assert!(client(&hs256(&many)).is_ok());
    let none = format!(r#"{{"exp":{exp},"aud":["urn:app"]}}"#);
    assert_eq!(client(&hs256(&none)).unwrap_err(), TokenError::Audience);
    let absent = format!(r#"{{"exp":{exp}}}"#);
    assert_eq!(client(&hs256(&absent)).unwrap_err(), TokenError::Audience);
}

#[test]
fn length_is_limited() {
    let claim = "x".repeat(5000);
    let long = hs256(&format!(r#"{{"exp":{},"pad":"{claim}"}}"#, SECS + 60));
    assert_eq!(client(&long).unwrap_err(), TokenError::TooLong);
    assert_eq!(client("").unwrap_err(), TokenError::Missing);
}

#[test]
fn no_damage_to_a_token_passes_or_panics() {
    let good = hs256(&payload(SECS + 60, SECS));
    for end in 0..good.len() {
        assert!(client(good.get(..end).unwrap()).is_err(), "cut at {end}");
    }
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'Q' } else { b'A' };
        let damaged = String::from_utf8(bytes).unwrap();
        assert!(client(&damaged).is_err(), "changed at {at}");
    }
    for text in ["..", "a.b.c", "....", "é.é.é", "e30.e30.e30", "null", "."] {
        assert!(client(text).is_err(), "{text}");
    }
    for body in [
        "[]",
        "1",
        "{",
        "{\"exp\":\"soon\"}",
        "{\"exp\":-1}",
        "{\"exp\":1e400}",
    ] {
        assert_eq!(
            client(&hs256(body)).unwrap_err(),
            TokenError::Malformed,
            "{body}"
        );
    }
}

/// A token that the official emulator accepted (`vectors/emulator-live/session-json.json`).
#[test]
fn recorded_token_is_accepted_and_expanded() {
    let token = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
        "eyJhdWQiOiJodHRwOi8vbG9jYWxob3N0OjczOTgvY2xpZW50Lz9odWI9Y2hhdCIsImlhdCI6MTc5NTI0OTg5Nyw",
        "ibmJmIjoxNzk1MjQ5ODk3LCJleHAiOjE3OTUyNTM0OTcsImFzcnMucy51aWQiOiJhbXkiLCJyb2xlIjpbImFkbW",
        "luIiwieCJdLCJkZXB0IjoicixkIiwiYXNycy51LmF1ZCI6Im1pbmUifQ.",
        "gGdMpgxv4V-EcFb2-0Sqqx1UvYFFEP6PE0UHqLHzlU4"
    );
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_249_900);
    let identity = verifier().client(token, "Chat", now).unwrap();
    assert_eq!(identity.user.as_deref(), Some("amy"));
    let role = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
    let expected = [
        ("asrs.s.uid", "amy"),
        (role, "admin"),
        (role, "x"),
        ("role", "admin"),
        ("role", "x"),
        ("dept", "r,d"),
        ("asrs.u.aud", "mine"),
    ];
    let claims: Vec<_> = identity
        .claims
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(claims, expected);
}

/// A payload of the official SDK (`vectors/azure-sdk-1.34/negotiate.json`), signed anew.
#[test]
fn payload_of_the_official_sdk_is_read() {
    let token = hs256(concat!(
        r#"{"asrs.s.uid":"alice","asrs.s.sn":"app_24e6","asrs.s.ssticky":"Required","#,
        r#""asrs.s.cht":"20","asrs.s.ttl":"17","asrs.s.coae":"true","asrs.s.aeo":"1795249999","#,
        r#""nameid":"alice","role":["admin","ops"],"nbf":1795249399,"exp":1795252999,"#,
        r#""iat":1795249399,"iss":"azure-signalr","aud":"http://localhost/client/?hub=testhub"}"#
    ));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_249_400);
    let identity = verifier().client(&token, "testhub", now).unwrap();
    assert_eq!(identity.user.as_deref(), Some("alice"));
    assert_eq!(
        identity.service.max_poll_interval,
        Some(Duration::from_secs(17))
    );
    assert_eq!(identity.service.close_on_expiry_at, Some(1_795_249_999));
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_252_999);
    assert_eq!(identity.expires_at, Some(end));
}
