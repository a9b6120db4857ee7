//! What passes for a good Autobahn run.

#![allow(
    clippy::unwrap_used,
    reason = "a failed test may panic in its helpers too"
)]

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use harness::places;
use serde_json::{Map, json};

/// How a case behaved, and how it closed.
type Case = (&'static str, &'static str);

/// Lets the verdict judge a run of such cases; `None` without Python.
fn is_good(name: &str, cases: &[Case], number: Option<&str>) -> Option<bool> {
    let folder = format!("heliograph-verdict-{}-{name}", std::process::id());
    let reports = std::env::temp_dir().join(folder);
    fs::create_dir_all(&reports).unwrap();
    let report = json!({"description": "", "expectation": "", "result": "", "resultClose": ""});
    fs::write(reports.join("case.json"), report.to_string()).unwrap();
    let mut index = Map::new();
    for (at, (behaviour, close)) in cases.iter().enumerate() {
        let case =
            json!({"behavior": behaviour, "behaviorClose": close, "reportfile": "case.json"});
        index.insert(format!("1.{at}"), case);
    }
    let index = json!({"heliograph": index});
    fs::write(reports.join("index.json"), index.to_string()).unwrap();
    let done = Command::new("python3")
        .arg(places::root().join("compat-tests/autobahn/verdict.py"))
        .arg(&reports)
        .args(number)
        .output();
    fs::remove_dir_all(&reports).unwrap();
    match done {
        Ok(output) => {
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(printed.contains(" passed, "), "{output:?}");
            Some(output.status.success())
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            None
        }
    }
}

#[test]
fn a_run_is_good_when_all_cases_were_run_and_passed() {
    let good = ("OK", "OK");
    let informational = ("INFORMATIONAL", "INFORMATIONAL");
    let rows: [(&str, &[Case], Option<&str>, bool); 8] = [
        ("whole", &[good, informational], Some("2"), true),
        ("any", &[good], None, true),
        ("some-missing", &[good], Some("2"), false),
        ("none-of-some", &[], Some("2"), false),
        ("none", &[], None, false),
        (
            "not-done",
            &[good, ("UNIMPLEMENTED", "OK")],
            Some("2"),
            false,
        ),
        (
            "non-strict",
            &[good, ("NON-STRICT", "OK")],
            Some("2"),
            false,
        ),
        ("closed-badly", &[good, ("OK", "FAILED")], Some("2"), false),
    ];
    for (name, cases, number, expected) in rows {
        let Some(found) = is_good(name, cases, number) else {
            return println!("skipped: no python3");
        };
        assert_eq!(found, expected, "{name}");
    }
}
