//! Where our server departs from the recorded one: by recording and request, why it may, and what it
//! says instead.

mod browsers;
mod dotnet;
mod http;

/// Stands for a request where what the hubs heard is compared.
pub(crate) const NOTES: u32 = 0;

/// One departure, at one or more places.
pub(crate) struct Departure {
    /// Recordings and their requests.
    at: &'static [(&'static str, &'static [u32])],
    why: &'static str,
    /// Lines as recorded, which follow each other.
    theirs: &'static [&'static str],
    /// What stands there here.
    ours: &'static [&'static str],
}

const SERVER_ERROR: [&str; 2] = ["500 Internal Server Error", "complete"];
const JSON: &str = "200 OK | application/json; charset=UTF-8";
/// What tells a client where it is.
const POSITION: &str = r#"{"C":"*","M":[]}"#;

const BAD_INPUT: &str = "[R] 1.2: what a client got wrong is 400 with a short text";
const DEAD: &str = "[R] 4.1: what was aborted, or could not start, is over";
const STATE: &str = "[R] 11: hubs of ASP.NET Core know no state of a client, so the methods that work \
                     with it are not there";
const BINDING: &str = "11: there are no overloads, and errors of arguments that do not bind are those \
                       of hubs of ASP.NET Core";

fn all() -> impl Iterator<Item = &'static Departure> {
    let all = [http::DEPARTURES, browsers::DEPARTURES, dotnet::DEPARTURES];
    all.into_iter().flatten()
}

/// What an exchange of ours is to come to.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) lines: Section,
    pub(crate) answers: Section,
    pub(crate) departures: usize,
    /// Departures that are not possible here.
    pub(crate) faults: Vec<String>,
}

/// Lines that follow each other.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) lines: Vec<String>,
    /// Where recorded lines were replaced: from, until, and by how many.
    replaced: Vec<(usize, usize, usize)>,
    /// Recorded lines that are still as they were.
    rest: Vec<String>,
}

impl Expected {
    pub(crate) fn of(
        recording: &str,
        request: u32,
        lines: Vec<String>,
        answers: Vec<String>,
    ) -> Self {
        let mut expected = Self {
            lines: Section::new(lines),
            answers: Section::new(answers),
            departures: 0,
            faults: Vec::new(),
        };
        for departure in all().filter(|departure| departure.is_at(recording, request)) {
            if expected.lines.replace(departure) || expected.answers.replace(departure) {
                expected.departures += 1;
            } else {
                let why = departure.why;
                let fault = format!("request {request}: nothing departs as the table says: {why}");
                expected.faults.push(fault);
            }
        }
        expected.lines.close();
        expected.answers.close();
        expected
    }

    /// How many lines and answers of ours stand where so many of theirs do.
    pub(crate) fn place(&self, theirs: [usize; 2]) -> [usize; 2] {
        [self.lines.place(theirs[0]), self.answers.place(theirs[1])]
    }

    /// Whether the last of so many of theirs is one that ours departs from.
    pub(crate) fn departs_at(&self, theirs: [usize; 2]) -> bool {
        self.lines.departs_at(theirs[0]) || self.answers.departs_at(theirs[1])
    }
}

impl Section {
    fn new(recorded: Vec<String>) -> Self {
        Self {
            lines: Vec::new(),
            replaced: Vec::new(),
            rest: recorded,
        }
    }

    /// False if the recorded lines of the departure are not there.
    fn replace(&mut self, departure: &Departure) -> bool {
        let [theirs, ours] = [departure.theirs, departure.ours].map(spelled_out);
        let length = theirs.len();
        let mut windows = self.rest.windows(length);
        let Some(place) = windows.position(|lines| lines == theirs) else {
            return false;
        };
        let before = self.replaced.last().map_or(0, |(_, until, _)| *until);
        let from = before + place;
        self.replaced.push((from, from + length, ours.len()));
        self.lines.extend(self.rest.drain(..place));
        self.lines.extend(ours);
        self.rest.drain(..length);
        true
    }

    fn close(&mut self) {
        self.lines.append(&mut self.rest);
    }

    fn departs_at(&self, theirs: usize) -> bool {
        let mut replaced = self.replaced.iter();
        replaced.any(|(from, until, _)| (*from + 1..=*until).contains(&theirs))
    }

    fn place(&self, theirs: usize) -> usize {
        let mut ours = theirs;
        for (from, until, by) in &self.replaced {
            if theirs >= *until {
                ours = ours + by - (until - from);
            } else if theirs > *from {
                ours -= theirs - from;
            }
        }
        ours
    }

    /// Which line of ours stands where this one of theirs does.
    pub(crate) fn counterpart(&self, theirs: usize) -> Option<usize> {
        let mut replaced = self.replaced.iter();
        let inside = replaced.find(|(from, until, _)| (*from..*until).contains(&theirs));
        match inside {
            None => Some(self.place(theirs)),
            Some((from, _, by)) => (theirs - from < *by).then(|| self.place(*from) + theirs - from),
        }
    }
}

/// Lines of the table: one with `<3-5>` in it stands for three, with these numbers.
fn spelled_out(lines: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for line in lines {
        let range = line.split_once('<').and_then(|(before, rest)| {
            let (range, after) = rest.split_once('>')?;
            let (from, to) = range.split_once('-')?;
            let numbers = from.parse::<u32>().ok()?..=to.parse().ok()?;
            Some(numbers.map(move |number| format!("{before}{number}{after}")))
        });
        match range {
            Some(range) => all.extend(range),
            None => all.push((*line).to_owned()),
        }
    }
    all
}

impl Departure {
    fn is_at(&self, recording: &str, request: u32) -> bool {
        let mut at = self.at.iter();
        at.any(|(name, requests)| *name == recording && requests.contains(&request))
    }
}

/// Departures that are none.
pub(crate) fn idle() -> Vec<&'static str> {
    let idle = all().filter(|departure| departure.theirs == departure.ours);
    idle.map(|departure| departure.why).collect()
}

/// Departures at places that no recording has.
pub(crate) fn nowhere(played: impl Fn(&str) -> Vec<u32>) -> Vec<String> {
    let places = all().flat_map(|departure| departure.at);
    let places = places.flat_map(|(name, requests)| requests.iter().map(move |id| (*name, *id)));
    let unknown = places.filter(|(name, id)| *id != NOTES && !played(name).contains(id));
    unknown.map(|(name, id)| format!("{name} {id}")).collect()
}
