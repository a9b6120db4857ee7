//! Values of the command line.

use heliograph::config::Span;

/// Reads `0` or `1`.
///
/// # Errors
///
/// What is expected.
pub fn switch(text: &str) -> Result<bool, String> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err("expected 0 or 1".to_owned()),
    }
}

/// Reads a time.
///
/// # Errors
///
/// What is expected.
pub fn time(text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| "expected a time such as 15s, 5m or 1h".to_owned())
}
