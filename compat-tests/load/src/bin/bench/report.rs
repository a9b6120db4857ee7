//! The figures, as a person reads them.

use std::fmt;

use anyhow::Result;

use crate::figures::median;
use crate::rounds::Round;
use crate::{app_server, legacy};

/// What a figure has to keep to.
#[derive(Clone, Copy)]
enum Target {
    /// Heliograph's own figure.
    AtMost(f64),
    /// Heliograph's figure by the bare relay's.
    Ratio(f64),
}

/// Whether the run was long and large enough for its figures to be held to the targets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Full,
    Trial,
}

/// Two figures side by side.
struct Row {
    name: &'static str,
    figures: [f64; 2],
    target: Option<(Target, Size)>,
}

impl Row {
    fn ratio(&self) -> f64 {
        let [left, right] = self.figures;
        right / left
    }

    /// Whether there is a target that it had to keep to and did not.
    fn is_missed(&self) -> bool {
        let Some((target, Size::Full)) = self.target else {
            return false;
        };
        let is_met = match target {
            Target::AtMost(limit) => self.figures[1] <= limit,
            Target::Ratio(limit) => self.ratio() <= limit,
        };
        !is_met
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [left, right] = self.figures;
        let ratio = self.ratio();
        if left > 0.0 {
            write!(f, "{:36}{left:12.2}{right:12.2}{ratio:8.2}", self.name)?;
        } else {
            write!(f, "{:36}{:>12}{right:12.2}{:>8}", self.name, "-", "-")?;
        }
        let Some((target, size)) = self.target else {
            return Ok(());
        };
        let (kind, limit) = match target {
            Target::AtMost(limit) => ("", limit),
            Target::Ratio(limit) => ("ratio ", limit),
        };
        let verdict = match size {
            Size::Trial => "(not judged: a trial run)",
            Size::Full if self.is_missed() => "MISSED",
            Size::Full => "met",
        };
        write!(f, "   {kind}<= {limit:.2} {verdict}")
    }
}

/// A table, and how many of its targets were missed.
pub(crate) struct Table {
    pub(crate) text: String,
    pub(crate) missed: usize,
}

/// The table of Heliograph beside the bare relay.
pub(crate) fn beside_relay(
    size: Size,
    rounds: &[Vec<Round>; 2],
    instructions: Result<[f64; 2]>,
) -> Table {
    let row = |name, figure: fn(&Round) -> f64, target: Option<Target>| Row {
        name,
        figures: rounds.each_ref().map(|rounds| median(rounds, figure)),
        target: target.map(|target| (target, size)),
    };
    let rows = [
        row(
            "idle KiB per connection",
            |round| round.idle_kib,
            Some(Target::AtMost(8.0)),
        ),
        row(
            "CPU us per echo",
            |round| round.echo_us,
            Some(Target::Ratio(1.6)),
        ),
        row(
            "CPU us per broadcast delivery",
            |round| round.delivery_us,
            Some(Target::Ratio(1.4)),
        ),
        row(
            "connects per CPU second",
            |round| round.connects_per_s,
            None,
        ),
    ];
    let name = "user instructions per delivery";
    let instructions = match instructions {
        Ok(figures) => Row {
            name,
            figures,
            target: None,
        }
        .to_string(),
        Err(why) => skipped(name, &why),
    };
    let mut lines = vec![heading("", ["bare relay", "heliograph"]) + "   target"];
    lines.extend(rows.iter().map(Row::to_string));
    lines.push(instructions);
    Table {
        text: lines.join("\n"),
        missed: rows.iter().filter(|row| row.is_missed()).count(),
    }
}

/// The table of legacy clients beside Core clients.
pub(crate) fn legacy(size: Size, core: &[Round], legacy: &[legacy::Round]) -> Table {
    let row = |name, of_core: fn(&Round) -> f64, of_legacy: fn(&legacy::Round) -> f64| Row {
        name,
        figures: [median(core, of_core), median(legacy, of_legacy)],
        target: Some((Target::Ratio(1.3), size)),
    };
    let rows = [
        row(
            "idle KiB per connection",
            |round| round.idle_kib,
            |round| round.idle_kib,
        ),
        row(
            "CPU us per echo",
            |round| round.echo_us,
            |round| round.echo_us,
        ),
        row(
            "CPU us per broadcast delivery",
            |round| round.delivery_us,
            |round| round.delivery_us,
        ),
        row(
            "the same to half of each",
            |round| round.delivery_us,
            |round| round.mixed_us,
        ),
    ];
    let mut lines = vec![heading("legacy clients", ["core", "legacy"]) + "   target"];
    lines.extend(rows.iter().map(Row::to_string));
    Table {
        text: lines.join("\n"),
        missed: rows.iter().filter(|row| row.is_missed()).count(),
    }
}

/// The table of an app server behind Heliograph beside the same app asked directly.
pub(crate) fn app_server(rounds: Result<[Vec<app_server::Round>; 2]>) -> String {
    let name = "echo by a real app server";
    let rounds = match rounds {
        Ok(rounds) => rounds,
        Err(why) => return skipped(name, &why),
    };
    let row = |name, figure: fn(&app_server::Round) -> f64| {
        let figures = rounds.each_ref().map(|rounds| median(rounds, figure));
        Row {
            name,
            figures,
            target: None,
        }
        .to_string()
    };
    [
        heading(name, ["directly", "through us"]),
        row("CPU us per echo, heliograph", |round| round.service_us),
        row("CPU us per echo, app", |round| round.app_us),
        row("CPU us per echo, both", |round| {
            round.service_us + round.app_us
        }),
        row("round trip us, 1 caller", |round| round.round_trip_us),
        row("echoes per second, 32 callers", |round| round.echoes_per_s),
    ]
    .join("\n")
}

fn heading(name: &str, columns: [&str; 2]) -> String {
    let [left, right] = columns;
    format!("{name:36}{left:>12}{right:>12}{:>8}", "ratio")
}

fn skipped(name: &str, why: &anyhow::Error) -> String {
    format!("{name:36}skipped: {why:#}")
}

#[cfg(test)]
mod tests {
    use super::{Row, Size, Target, beside_relay};
    use crate::rounds::Round;

    fn row(target: Target, size: Size) -> String {
        Row {
            name: "x",
            figures: [2.0, 3.0],
            target: Some((target, size)),
        }
        .to_string()
    }

    #[test]
    fn a_row_says_whether_its_target_is_met() {
        let full = |target| row(target, Size::Full);
        assert!(full(Target::Ratio(1.6)).ends_with("1.50   ratio <= 1.60 met"));
        assert!(full(Target::Ratio(1.4)).ends_with("1.50   ratio <= 1.40 MISSED"));
        assert!(full(Target::AtMost(8.0)).ends_with("1.50   <= 8.00 met"));
        assert!(full(Target::AtMost(2.9)).ends_with("<= 2.90 MISSED"));
    }

    #[test]
    fn a_trial_run_is_not_judged() {
        assert!(row(Target::AtMost(2.9), Size::Trial).contains("<= 2.90 (not judged"));
    }

    #[test]
    fn targets_that_a_full_run_missed_are_counted() {
        let rounds = |echo_us, delivery_us| {
            vec![Round {
                idle_kib: 7.0,
                echo_us,
                delivery_us,
                connects_per_s: 1.0,
            }]
        };
        let missed = |size, echo_us, delivery_us| {
            let rounds = [rounds(1.0, 1.0), rounds(echo_us, delivery_us)];
            beside_relay(size, &rounds, Ok([1.0, 9.0])).missed
        };
        assert_eq!(missed(Size::Full, 1.5, 1.3), 0);
        assert_eq!(missed(Size::Full, 1.7, 1.3), 1);
        assert_eq!(missed(Size::Full, f64::NAN, 1.5), 2);
        assert_eq!(missed(Size::Trial, 1.7, 1.5), 0);
    }
}
