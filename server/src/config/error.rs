//! What is wrong with the settings, said so that it can be put right.

use std::path::Path;

use figment::error::{Actual, Kind, OneOf};
use figment::{Metadata, Source};

/// What is wrong with the settings: one line for each fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl ConfigError {
    pub(super) fn one(text: impl Into<String>) -> Self {
        Self(vec![text.into()])
    }
}

impl From<figment::Error> for ConfigError {
    fn from(error: figment::Error) -> Self {
        Self(error.into_iter().map(|error| explain(&error)).collect())
    }
}

fn explain(error: &figment::Error) -> String {
    let is_key = error.path.first().is_some_and(|first| first == "keys");
    let mut path = error.path.clone();
    let fault = match &error.kind {
        Kind::UnknownField(name, known) => {
            if path.last() != Some(name) {
                path.push(name.clone());
            }
            unknown(&path, known)
        }
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) if is_key => {
            let expected = expected.trim_start_matches("a ");
            format!("{}: expected a {expected} (in quotes)", path.join("."))
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            let expected = in_words(expected);
            format!(
                "{}: expected {expected}, found {}",
                path.join("."),
                shown(found)
            )
        }
        Kind::UnknownVariant(found, known) => {
            format!(
                "{}: expected {}, found {found:?}",
                path.join("."),
                OneOf(known)
            )
        }
        Kind::Message(text) if path.is_empty() => text.trim_end().to_owned(),
        kind => format!("{}: {kind}", path.join(".")),
    };
    match error.metadata.as_ref().and_then(|from| place(from, &path)) {
        Some(place) => format!("{place}: {fault}"),
        None => fault,
    }
}

/// The names that Rust has for types are not for those who write settings.
fn in_words(expected: &str) -> &str {
    match expected {
        "usize" | "u64" | "u32" | "u16" => "a whole number",
        "a boolean" | "bool" => "true or false",
        "a string" | "string" => "a text (in quotes)",
        "a sequence" => "a list such as [\"a\", \"b\"]",
        other => other,
    }
}

fn shown(found: &Actual) -> String {
    match found {
        Actual::Str(text) => format!("{text:?}"),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Float(number) => number.to_string(),
        Actual::Bool(value) => value.to_string(),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

fn unknown(path: &[String], known: &[&str]) -> String {
    let name = path.last().map_or("", String::as_str);
    let parents = path.split_last().map_or(&[][..], |(_, parents)| parents);
    let whole = |name: &str| {
        parents
            .iter()
            .map(String::as_str)
            .chain([name])
            .collect::<Vec<_>>()
            .join(".")
    };
    let nearest = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, name), *known))
        .filter(|(distance, known)| *distance <= known.len().max(name.len()) / 2)
        .min();
    match nearest {
        Some((_, nearest)) => format!(
            "unknown setting '{}', did you mean '{}'?",
            whole(name),
            whole(nearest)
        ),
        None => format!(
            "unknown setting '{}', known here: {}",
            whole(name),
            known.join(", ")
        ),
    }
}

/// Where a setting came from: file and line, variable, or flag.
fn place(from: &Metadata, path: &[String]) -> Option<String> {
    match &from.source {
        Some(Source::File(file)) => Some(match line(file, path) {
            Some(line) => format!("{}:{line}", file.display()),
            None => file.display().to_string(),
        }),
        _ if from.name.contains("environment") => {
            let name = path.join("__").to_uppercase();
            Some(format!("{}{name}", super::load::ENV_PREFIX))
        }
        _ if from.name == super::load::FLAGS => Some("command line".to_owned()),
        _ => None,
    }
}

/// The line of a TOML file where a setting stands, for files laid out in the plain way.
fn line(file: &Path, path: &[String]) -> Option<usize> {
    let text = std::fs::read_to_string(file).ok()?;
    let (name, table) = path.split_last()?;
    let (name, table) = (name.as_str(), table.join("."));
    let mut current = String::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            current = header
                .split(']')
                .next()
                .unwrap_or(header)
                .trim()
                .replace('"', "");
            if current == path.join(".") {
                return Some(at + 1);
            }
        } else if let Some((key, _)) = line.split_once('=') {
            let key = key.trim().replace('"', "");
            let dotted = if current.is_empty() {
                key
            } else {
                format!("{current}.{key}")
            };
            let wanted = if table.is_empty() {
                name.to_owned()
            } else {
                format!("{table}.{name}")
            };
            if dotted == wanted {
                return Some(at + 1);
            }
        }
    }
    None
}
