//! Reading vectors and requests.

use std::collections::HashMap;

use heliograph_protocol::legacy::Cursor;
use serde_json::Value;

/// The place that all envelopes of these tests are written at; what was recorded has places of
/// another form.
pub(crate) const HERE: Cursor = Cursor {
    epoch: 0x1a2b,
    number: 0x1f,
};

/// A vector file of this crate.
pub(crate) fn read(name: &str) -> Value {
    let path = format!("{}/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// The names of all files of a folder of vectors, for [`read`].
pub(crate) fn files(folder: &str) -> Vec<String> {
    let path = format!("{}/vectors/{folder}", env!("CARGO_MANIFEST_DIR"));
    let names = std::fs::read_dir(&path).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| format!("{folder}/{name}"))
        .collect();
    names.sort();
    names
}

/// The rows of a section.
pub(crate) fn rows(section: &Value) -> &[Value] {
    section.as_array().unwrap()
}

/// A text of a row.
pub(crate) fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {row}"))
}

/// Path and query of a request's target, decoded; of a name that comes twice the first counts.
pub(crate) fn target(target: &str) -> (&str, HashMap<String, String>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (path, form(query))
}

/// The fields of a form.
pub(crate) fn form(text: &str) -> HashMap<String, String> {
    let mut fields = HashMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        fields
            .entry(name.into_owned())
            .or_insert_with(|| value.into_owned());
    }
    fields
}

/// What a writer appends.
pub(crate) fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}
