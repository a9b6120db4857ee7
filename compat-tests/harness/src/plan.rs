//! What the driver of a cell has to run, and what becomes of its outcomes by what is expected.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::backend::Backend;
use crate::cells::{Cell, Choice, Missing};
use crate::driver::{self, Driven, Listed, Order};
use crate::expected::{Expected, FILE, Judged};
use crate::places;
use crate::report::Outcome;
use crate::table::{Table, Tables};

/// How often a scenario that fails at times is repeated until it passes.
const REPEATS: usize = 3;
/// What stands for a cell that was not driven.
pub(crate) const START: &str = "start";
/// What stands for what a driver did not get to.
const END: &str = "end";

/// What is to run, and what is known of it.
pub(crate) struct Plan {
    choice: Choice,
    expected: Expected,
    tables: Tables,
    /// The scenarios of each client's driver, or why they are not known.
    lists: BTreeMap<&'static str, Result<Vec<Listed>, String>>,
}
impl Plan {
    /// The plan for these cells.
    ///
    /// # Errors
    ///
    /// When the list of what is expected, or of scenarios, cannot be read.
    pub(crate) async fn new(choice: &Choice, cells: &[Cell], missing: &Missing) -> Result<Self> {
        Ok(Self {
            choice: choice.clone(),
            expected: Expected::load(&places::root().join(FILE))?,
            tables: Tables::load()?,
            lists: list_all(cells, missing).await,
        })
    }

    /// Of how many drivers a cell takes the place.
    pub(crate) fn weight(&self, cell: &Cell) -> u32 {
        cell.weight(self.choice.jobs)
    }

    /// Whether one scenario stands for all of a cell.
    pub(crate) fn is_proof(&self, cell: &Cell) -> bool {
        self.expected.proof(cell).is_some()
    }

    /// Runs a cell. What keeps it from starting or from coming to its end is a failure, whatever is
    /// known of the client.
    pub(crate) async fn run(&self, cell: &Cell, backend: &Backend) -> Vec<(String, Judged)> {
        let failed_start = |why: String| vec![(START.to_owned(), Outcome::Failed(why).into())];
        let due = match self.due(cell) {
            Ok(due) if due.is_empty() => return Vec::new(),
            Ok(due) => due,
            Err(why) => return failed_start(why),
        };
        let proof = self.expected.proof(cell);
        let due = proof.map_or(due, |proof| vec![proof.to_owned()]);
        let order = Order {
            case: proof.or_else(|| self.choice.case_of(cell)),
            names: &due,
            is_slow: self.is_slow(cell),
        };
        let driven = match driver::drive(cell, backend, &order).await {
            Ok(driven) => driven,
            Err(error) => return failed_start(format!("{error:#}")),
        };
        let mut judged = self.judge(cell, &driven, &due);
        for (name, judged) in &mut judged {
            let has_failed = matches!(driven.outcome(name), Some(Outcome::Failed(_)));
            if has_failed && self.expected.must_pass_at_times(cell, name) {
                judged.outcome = self.repeat(cell, backend, name).await;
            }
        }
        self.look_for_rests(cell, &mut judged);
        judged
    }

    /// What may fail every time needs the scenario that checks the rest of it, if that has run.
    fn look_for_rests(&self, cell: &Cell, judged: &mut [(String, Judged)]) {
        let not_passed: Vec<String> = judged
            .iter()
            .filter(|(_, judged)| judged.outcome != Outcome::Passed)
            .map(|(name, _)| name.clone())
            .collect();
        for (name, judged) in judged {
            if let (Some(rest), Outcome::Skipped(_)) =
                (self.expected.rest(cell, name), &judged.outcome)
                && not_passed.iter().any(|name| name == rest)
            {
                *judged = Outcome::Failed(format!("known, but {rest} did not pass either")).into();
            }
        }
    }

    /// The scenarios of the cell's world.
    fn table(&self, cell: &Cell) -> &Table {
        self.tables.of(cell.client.world)
    }

    /// Whether the driver's slow scenarios run.
    fn is_slow(&self, cell: &Cell) -> bool {
        self.choice.slow && cell.has_slow()
    }

    /// What the driver of a cell has to run or to give a reason for: all that it has, and all of the
    /// table if it follows the table.
    fn due(&self, cell: &Cell) -> Result<Vec<String>, String> {
        let list = self.lists.get(cell.client.name);
        let list = list.ok_or("its scenarios are not known")?;
        let list = list.as_ref().map_err(Clone::clone)?;
        let case = self.choice.case_of(cell).unwrap_or_default();
        let mut due: Vec<String> = Vec::new();
        let listed = list.iter().map(|listed| (&listed.name, listed.is_slow));
        let table = self.table(cell);
        let common = table.common.iter().map(|row| (&row.name, row.slow));
        let follows = cell.client.follows_table();
        for (name, is_slow) in listed.chain(common.filter(|_| follows)) {
            let is_slow = is_slow || (follows && table.is_slow(name));
            if name.contains(case) && (!is_slow || self.is_slow(cell)) && !due.contains(name) {
                due.push(name.clone());
            }
        }
        let has = |name: &String| list.iter().any(|listed| listed.name == *name);
        if !due.iter().any(has) {
            // The driver would have nothing to run.
            due.clear();
        }
        Ok(due)
    }

    /// Judges what a driver gave; `due` is what it had to give.
    fn judge(&self, cell: &Cell, driven: &Driven, due: &[String]) -> Vec<(String, Judged)> {
        let mut all: Vec<(String, Judged)> = Vec::new();
        for (name, outcome) in &driven.outcomes {
            let mut judged = self.expected.judge(cell, name, outcome.clone());
            if cell.client.follows_table() && !self.table(cell).has(name) {
                judged = Outcome::Failed("it is in no table of scenarios".to_owned()).into();
            }
            all.push((name.clone(), judged));
        }
        if let Some(why) = &driven.trouble {
            all.push((END.to_owned(), Outcome::Failed(why.clone()).into()));
            return all;
        }
        for name in due {
            if driven.outcome(name).is_none() {
                let absent = self.expected.judge_absence(cell, name);
                all.push((name.clone(), absent.into()));
            }
        }
        all
    }

    /// Runs a scenario that fails at times until it passes.
    async fn repeat(&self, cell: &Cell, backend: &Backend, name: &str) -> Outcome {
        let mut why = String::new();
        println!("{}: once more by itself: {name}", cell.name());
        for _ in 0..REPEATS {
            let driven = self.drive_alone(cell, backend, name).await;
            match driven.as_ref().map(|driven| driven.outcome(name)) {
                Ok(Some(Outcome::Passed)) => return Outcome::Passed,
                Ok(Some(Outcome::Failed(text))) => why.clone_from(text),
                Ok(_) => "the driver broke off".clone_into(&mut why),
                Err(error) => why = format!("{error:#}"),
            }
        }
        Outcome::Failed(format!(
            "failed {} times in a row, though {FILE} says that it passes at times: {why}",
            REPEATS + 1
        ))
    }

    /// What a scenario gives by itself, if it does not fail again.
    pub(crate) async fn again(&self, cell: &Cell, backend: &Backend, name: &str) -> Option<Judged> {
        let driven = self.drive_alone(cell, backend, name).await.ok()?;
        let outcome = driven.outcome(name)?.clone();
        let judged = self.expected.judge(cell, name, outcome);
        let has_failed = matches!(judged.outcome, Outcome::Failed(_));
        (driven.trouble.is_none() && !has_failed).then_some(judged)
    }

    async fn drive_alone(&self, cell: &Cell, backend: &Backend, name: &str) -> Result<Driven> {
        let order = Order {
            case: Some(name),
            names: &[name.to_owned()],
            is_slow: self.is_slow(cell),
        };
        driver::drive(cell, backend, &order).await
    }

    /// Scenarios that are expected to do something and that no driver has.
    pub(crate) fn misspelled(&self) -> Vec<String> {
        self.expected.misspelled(|entry, name| {
            let drivers = self.lists.iter().filter(|(client, _)| entry.is_of(client));
            let mut lists = drivers
                .filter_map(|(_, list)| list.as_ref().ok())
                .peekable();
            if lists.peek().is_none() {
                // Not a client of this run.
                return true;
            }
            self.tables.has(name) || lists.any(|list| list.iter().any(|listed| listed.name == name))
        })
    }
}

async fn list_all(
    cells: &[Cell],
    missing: &Missing,
) -> BTreeMap<&'static str, Result<Vec<Listed>, String>> {
    let mut lists = BTreeMap::new();
    for client in cells.iter().map(|cell| cell.client) {
        if !missing.contains_key(client.name) && !lists.contains_key(client.name) {
            let list = driver::list(client).await;
            lists.insert(client.name, list.map_err(|error| format!("{error:#}")));
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the first cell of `client` is judged by the real lists.
    fn cell(client: &str) -> Cell {
        let mut cells = Choice::default().cells().into_iter();
        cells
            .find(|cell| cell.client.name == client && !cell.is_detailed)
            .unwrap()
    }

    fn plan(client: &'static str, names: &[&str]) -> Plan {
        let listed = |name: &&str| Listed {
            name: (*name).to_owned(),
            is_slow: false,
        };
        Plan {
            choice: Choice::default(),
            expected: Expected::load(&places::root().join(FILE)).unwrap(),
            tables: Tables::load().unwrap(),
            lists: BTreeMap::from([(client, Ok(names.iter().map(listed).collect()))]),
        }
    }

    fn failed(judged: &[(String, Judged)]) -> Vec<&str> {
        let failed = judged
            .iter()
            .filter(|(_, judged)| matches!(judged.outcome, Outcome::Failed(_)));
        failed.map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn a_driver_that_breaks_off_fails_whatever_is_known_of_its_client() {
        let plan = plan("go-signalr", &["order-down"]);
        let driven = Driven {
            outcomes: Vec::new(),
            trouble: Some("it broke off".to_owned()),
        };
        let mut cell = cell("go-signalr");
        cell.transport = "ServerSentEvents";
        assert_eq!(failed(&plan.judge(&cell, &driven, &[])), [END]);
    }

    #[test]
    fn a_scenario_of_the_table_that_a_driver_passes_over_fails() {
        let client = "java-signalr";
        let plan = plan(client, &["send-to-all", "send-to-others"]);
        let due = plan.due(&cell(client)).unwrap();
        assert!(due.len() > 90, "the table is due");
        assert!(
            !due.contains(&"idle-stays-up".to_owned()),
            "but not slow ones"
        );
        let driven = Driven {
            outcomes: vec![("send-to-all".to_owned(), Outcome::Passed)],
            trouble: None,
        };
        let judged = plan.judge(&cell(client), &driven, &due);
        assert!(failed(&judged).contains(&"send-to-others"));
        assert!(!failed(&judged).contains(&"send-to-all"));
        assert!(
            !failed(&judged).contains(&"reconnect-after-cut"),
            "known to be absent"
        );
    }

    #[test]
    fn a_scenario_with_a_rest_needs_the_rest() {
        let client = "go-signalr";
        let plan = plan(client, &["order-down", "count-down"]);
        let judge = |rest: Outcome| {
            let driven = Driven {
                outcomes: vec![
                    ("order-down".to_owned(), Outcome::Failed("x".to_owned())),
                    ("count-down".to_owned(), rest),
                ],
                trouble: None,
            };
            let mut judged = plan.judge(&cell(client), &driven, &[]);
            plan.look_for_rests(&cell(client), &mut judged);
            failed(&judged).len()
        };
        assert_eq!(judge(Outcome::Passed), 0);
        assert_eq!(judge(Outcome::Failed("y".to_owned())), 2);
    }

    #[test]
    fn a_filter_that_no_scenario_of_a_driver_fits_leaves_nothing_to_run() {
        let client = "java-signalr";
        let mut plan = plan(client, &["send-to-all"]);
        plan.choice.case = Some("no-such".to_owned());
        assert!(plan.due(&cell(client)).unwrap().is_empty());
        plan.choice.case = Some("send-to-all".to_owned());
        let due = plan.due(&cell(client)).unwrap();
        assert_eq!(due, ["send-to-all", "send-to-all-except"]);
    }

    #[test]
    fn a_name_that_no_driver_has_is_found() {
        let mut plan = plan("go-signalr", &["order-down"]);
        assert!(plan.misspelled().is_empty(), "{:?}", plan.misspelled());
        let extra = &mut plan.tables.core.extra;
        extra.retain(|row| row.name != "count-down");
        assert!(!plan.misspelled().is_empty());
    }
}
