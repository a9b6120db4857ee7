use crate::program::{run, text};

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
