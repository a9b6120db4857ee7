//! Values of the methods.

use serde::{Deserialize, Serialize};

/// The person of `EchoPerson`. Names are written as .NET declares them, and read in that form and
/// in camel case.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Person {
    #[serde(alias = "name")]
    name: Option<String>,
    #[serde(alias = "age")]
    age: i32,
    #[serde(alias = "tags")]
    tags: Option<Vec<String>>,
    /// A date, as it came.
    #[serde(alias = "born")]
    born: Option<String>,
    #[serde(alias = "friend")]
    friend: Option<Box<Self>>,
}

/// The arguments of `Types`.
pub type TypesArguments = (bool, i32, i64, f64, String, Vec<i32>);

/// The result of `Types`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Types {
    b: bool,
    i: i32,
    l: i64,
    d: f64,
    s: String,
    list: Vec<i32>,
    sum: i32,
}

impl Types {
    /// The result for these arguments.
    #[must_use]
    pub fn of((b, i, l, d, s, list): TypesArguments) -> Self {
        let sum = list.iter().fold(0_i32, |sum, n| sum.wrapping_add(*n));
        Self {
            b,
            i,
            l,
            d,
            s,
            list,
            sum,
        }
    }
}

/// What .NET makes of values that share a name.
#[must_use]
pub fn joined(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

/// What the second hub makes of a text.
#[must_use]
pub fn marked(text: &str) -> String {
    format!("second:{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_read_in_both_cases_and_written_in_one() {
        let text = r#"{"Name":"Ann","age":7,"Tags":["a"],"friend":{"name":"Bob"}}"#;
        let person: Person = serde_json::from_str(text).unwrap();
        assert_eq!(
            serde_json::to_string(&person).unwrap(),
            r#"{"Name":"Ann","Age":7,"Tags":["a"],"Born":null,"Friend":{"Name":"Bob","Age":0,"Tags":null,"Born":null,"Friend":null}}"#
        );
    }
}
