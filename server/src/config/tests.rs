use std::path::PathBuf;

use super::*;

/// A settings file that is gone with its test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let file = format!("heliograph-settings-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(file);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn load(&self, flags: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let flags = flags
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        Sources {
            file: Some(self.0.clone()),
            flags,
        }
        .load()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The single fault of a settings file, without the file's folder.
fn fault(name: &str, text: &str) -> String {
    let file = File::new(name, text);
    let ConfigError(faults) = file.load(&[]).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].replace(&*file.0.to_string_lossy(), "FILE")
}

fn flag_fault(name: &str, value: &str) -> String {
    Sources {
        file: None,
        flags: vec![(name.into(), value.into())],
    }
    .load()
    .unwrap_err()
    .to_string()
}

#[test]
fn no_settings_mean_development_on_loopback() {
    let settings = Sources::default().load().unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8888");
    assert_eq!(settings.primary_key(), WELL_KNOWN_KEY);
    assert!(settings.is_development());
    assert!(settings.demo_is_on());
}

#[test]
fn flags_win_over_the_file() {
    let file = File::new(
        "flags",
        "[keys]\nprimary = \"0123456789abcdef\"\n[limits]\ntoken_bytes = 5000\nconnections = 7\n\
         [hubs.chat]\nbackend = \"direct\"\nurl = \"http://127.0.0.1:5000/chat\"\n",
    );
    let settings = file
        .load(&[("limits.token_bytes", "6000"), ("log.level", "debug")])
        .unwrap();
    assert_eq!(settings.limits.token_bytes, 6000);
    assert_eq!(settings.limits.connections, 7);
    assert_eq!(settings.log.level, "debug");
    assert_eq!(settings.hubs["chat"].path("chat"), "/chat");
    assert!(!settings.is_development());
    assert!(!settings.demo_is_on());
}

#[test]
fn unknown_setting_names_the_nearest_one_and_its_line() {
    assert_eq!(
        fault(
            "unknown",
            "listen = \"127.0.0.1:1\"\n\n[limits]\ntoken_byte = 5000\n"
        ),
        "FILE:4: unknown setting 'limits.token_byte', did you mean 'limits.token_bytes'?"
    );
    assert_eq!(
        fault("table", "[limit]\ntoken_bytes = 5000\n"),
        "FILE:1: unknown setting 'limit', did you mean 'limits'?"
    );
    assert_eq!(
        fault("hub", "[hubs.chat]\nbackend = \"embedded\"\nurls = \"x\"\n"),
        "FILE:3: unknown setting 'hubs.chat.urls', did you mean 'hubs.chat.url'?"
    );
    assert_eq!(
        flag_fault("timeouts.drian", "1s"),
        "command line: unknown setting 'timeouts.drian', did you mean 'timeouts.drain'?"
    );
    assert!(flag_fault("log.qqqqqqqqqqqq", "1").contains("known here: level, format"));
}

#[test]
fn bad_value_names_its_setting_and_what_was_expected() {
    assert_eq!(
        fault("span", "[timeouts]\ndrain = \"soon\"\n"),
        "FILE:2: timeouts.drain: expected a length of time such as \"500ms\", \"15s\", \"5m\" or \
         \"1h\", found \"soon\""
    );
    assert_eq!(
        fault("variant", "[log]\nformat = \"xml\"\n"),
        "FILE:2: log.format: expected `text` or `json`, found \"xml\""
    );
    assert!(fault("number", "[limits]\nconnections = -1\n").starts_with("FILE:2: limits.conn"));
    assert!(flag_fault("listen", "nowhere").starts_with("command line: listen: "));
    assert!(
        flag_fault("limits.header_bytes", "100").contains("expected at least 16384, found 100")
    );
    assert!(flag_fault("trusted_proxies", "[\"10.0.0.0/99\"]").contains("trusted_proxies: "));
    assert!(flag_fault("tls.certificate", "x.pem").contains("both certificate and key"));
    assert!(flag_fault("allowed_origins", "[\"https://a.example/x\"]").contains("origins such as"));
    assert!(flag_fault("hubs.api.backend", "embedded").contains("the service's own"));
    assert!(flag_fault("hubs.a.backend", "direct").contains("hubs.a.url: expected the URL"));
    assert!(fault("syntax", "listen = \n").contains("FILE"));
}

#[test]
fn keys_are_in_no_message_and_no_debug_output() {
    assert_eq!(
        flag_fault("keys.primary", "918273645546372819"),
        "command line: keys.primary: expected a string (in quotes)"
    );
    assert_eq!(
        flag_fault("keys.primary", "shortkey"),
        "keys.primary: expected at least 16 characters"
    );
    let flags = vec![("keys.primary".into(), "a-secret-of-some-length".into())];
    let settings = Sources { file: None, flags }.load().unwrap();
    assert!(!format!("{settings:?}").contains("a-secret"));
}

#[test]
fn well_known_key_is_refused_off_loopback() {
    let text = flag_fault("listen", "\"0.0.0.0:8888\"");
    assert!(
        text.contains("everyone knows") && text.contains("keys.primary"),
        "{text}"
    );
    let flags = [
        ("listen", "\"0.0.0.0:8888\""),
        ("keys.primary", "a-secret-of-some-length"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert!(
        Sources {
            file: None,
            flags: flags.into()
        }
        .load()
        .is_ok()
    );
}

/// Names of all settings, dotted, with `NAME` for a hub's name.
fn names(prefix: &str, value: &serde_json::Value, names: &mut Vec<String>) {
    match value.as_object() {
        Some(table) if !table.is_empty() => {
            for (name, value) in table {
                let dotted = if prefix.is_empty() {
                    name.clone()
                } else {
                    format!("{prefix}.{name}")
                };
                self::names(&dotted, value, names);
            }
        }
        _ => names.push(prefix.to_owned()),
    }
}

#[test]
fn guide_has_every_setting_with_its_default_and_no_other() {
    let mut settings = Settings::default();
    settings.hubs.insert("NAME".into(), HubSettings::default());
    let value = serde_json::to_value(&settings).unwrap();
    let mut known = Vec::new();
    names("", &value, &mut known);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../www/guide/settings.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = guide
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            line.split('|')
                .map(|cell| cell.trim().trim_matches('`'))
                .collect()
        })
        .collect();
    for name in &known {
        let row = rows.iter().find(|row| row[1] == name);
        let row = row.unwrap_or_else(|| panic!("{name} is missing in www/guide/settings.md"));
        let pointer = format!("/{}", name.replace('.', "/"));
        let default = match value.pointer(&pointer).unwrap() {
            serde_json::Value::Null => "unset".to_owned(),
            value => value.to_string(),
        };
        assert_eq!(
            row[2], default,
            "the default of {name} in www/guide/settings.md"
        );
    }
    for row in &rows {
        assert!(
            known.iter().any(|name| name == row[1]),
            "{} is no setting",
            row[1]
        );
    }
}

#[test]
fn keys_of_the_guides_are_refused_as_they_stand_and_their_settings_are_good_otherwise() {
    let www = concat!(env!("CARGO_MANIFEST_DIR"), "/../www/guide");
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let pages = std::fs::read_dir(www).unwrap();
    let mut pages: Vec<PathBuf> = pages.map(|page| page.unwrap().path()).collect();
    pages.push(readme.into());
    let (mut keys, mut blocks) = (0, 0);
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let page = page.display();
        for rest in text.split("AccessKey=").skip(1) {
            let key = rest.split(';').next().unwrap();
            assert!(key.len() < 16 || key == WELL_KNOWN_KEY, "{page}: {key}");
            keys += 1;
        }
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            // Blocks within lists are indented, which TOML does not mind.
            let name = format!("guide-{blocks}");
            if block.contains("[keys]") {
                let text = fault(&name, block);
                assert!(text.contains("at least 16 characters"), "{page}: {text}");
            }
            let file = File::new(&name, &block.replace("<your key>", "0123456789abcdef"));
            assert!(file.load(&[]).is_ok(), "{page}: {:?}", file.load(&[]));
            blocks += 1;
        }
    }
    assert!(keys >= 3 && blocks >= 4, "{keys} keys, {blocks} blocks");
}
