//! Plays the client's part of a recording to our server.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;

use crate::departures::{Expected, NOTES};
use crate::exchange::{Exchange, Sending};
use crate::lines::{Form, Lines};
use crate::names::Names;
use crate::observer;
use crate::polls::Polls;
use crate::program::Program;
use crate::recording::{Direction, Event, Frame, Kind, Recording, Request};
use crate::theirs::{EVENT, LOG, Theirs, exchanges, notes, parts};
use crate::verdict::{self, Pair, Report};

/// How long our server may take longer than the recorded one.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what departs is waited for: it need not come at the same moment.
const DEPARTURE: Duration = Duration::from_millis(200);
/// How long what must not come is waited for at the end.
const REST: Duration = Duration::from_millis(100);
/// How much sooner than there an event may come that waits for time to pass: as long as between
/// two looks at the clock.
const EARLY: Duration = Duration::from_millis(1500);
/// Part of the names of recordings in which an app sends its clients to a service.
const REDIRECTED: &str = "-redirect";
/// Where a recording's server was stopped.
const STOP: &str = "the host disposes the application";

struct Player<'r> {
    recording: &'r Recording,
    theirs: BTreeMap<u32, Theirs<'r>>,
    notes: Expected,
    programs: HashMap<String, Program>,
    ours: BTreeMap<u32, Exchange>,
    noted: Vec<String>,
    /// Lines of theirs, by exchange and place, from which nothing was learnt yet.
    heard: Vec<(u32, usize)>,
    names: Names,
    report: Report,
}

/// Plays one recording.
pub(crate) async fn play(name: &str) -> Report {
    let recording = Recording::load(name);
    let theirs = exchanges(&recording);
    let mut programs = HashMap::new();
    for exchange in theirs.values() {
        let base = exchange.request.base();
        if !programs.contains_key(base) {
            programs.insert(base.to_owned(), Program::start(name, base).await);
        }
    }
    let mut access_token = None;
    if name.contains(REDIRECTED) {
        let address = programs.values().next().unwrap().address;
        access_token = Some(observer::redirected(address, "carol").await);
    }
    let mut player = Player {
        notes: Expected::of(name, NOTES, notes(&recording), Vec::new()),
        recording: &recording,
        theirs,
        programs,
        ours: BTreeMap::new(),
        noted: Vec::new(),
        heard: Vec::new(),
        names: Names::new(access_token),
        report: Report::default(),
    };
    player.run().await;
    player.finish()
}

impl Player<'_> {
    async fn run(&mut self) {
        let recording = self.recording;
        let begin = Instant::now();
        let first = recording.events.first().map_or(0, |event| event.t);
        let (mut before, mut came) = (first, begin);
        for event in &recording.events {
            let gap = Duration::from_millis(event.t.saturating_sub(before));
            let happened = match &event.kind {
                Kind::Note { text } => {
                    let at = begin + Duration::from_millis(event.t.saturating_sub(first));
                    self.note(text, gap, at).await
                }
                kind if is_of_client(kind) => {
                    sleep_until(came + gap).await;
                    self.act(kind).await
                }
                _ => self.hear(event, gap).await,
            };
            if happened {
                (before, came) = (event.t, Instant::now());
            }
        }
        sleep(REST).await;
        self.learn();
    }

    /// Does what the recorded client did.
    async fn act(&mut self, kind: &Kind) -> bool {
        self.learn();
        match kind {
            Kind::Request(request) => {
                let Some(theirs) = self.theirs.get(&request.id) else {
                    self.report.left_out += 1;
                    return false;
                };
                let program = &self.programs[theirs.request.base()];
                let lines = Lines::new(request);
                let exchange = Exchange::begin(program.address, self.sending(request), lines);
                self.ours.insert(request.id, exchange);
                self.report.requests += 1;
            }
            Kind::Frame(frame) => {
                let message = self.message(frame);
                if let Some(exchange) = self.ours.get(&frame.id) {
                    exchange.send(message).await;
                    self.report.frames += 1;
                }
            }
            Kind::End { id, .. } => {
                if let Some(exchange) = self.ours.get(id) {
                    exchange.leave();
                }
            }
            _ => {}
        }
        true
    }

    fn sending(&self, request: &Request) -> Sending {
        const OF_THE_LINK: [&str; 2] = ["connection", "content-length"];
        let mut headers = vec![("host".to_owned(), "server.test".to_owned())];
        if request.headers.contains_key("upgrade") {
            headers.push(("connection".to_owned(), "Upgrade".to_owned()));
            let key = "dGhlIHNhbXBsZSBub25jZQ==".to_owned();
            headers.push(("sec-websocket-key".to_owned(), key));
        }
        for (name, value) in &request.headers {
            if !OF_THE_LINK.contains(&name.as_str()) {
                headers.push((name.clone(), self.names.header(name, value)));
            }
        }
        Sending {
            method: request.method.clone(),
            target: self.names.target(&request.target),
            headers,
            body: self.names.form(&request.body),
        }
    }

    fn message(&self, frame: &Frame) -> Message {
        let text = self
            .names
            .with_ids(frame.data.as_deref().unwrap_or_default());
        match &*frame.op {
            "text" => Message::text(text),
            "binary" => Message::binary(text.into_bytes()),
            "close" => Message::Close(None),
            other => panic!("a client sent a frame of an unknown kind: {other}"),
        }
    }

    /// Waits for what the recorded server said here. False if it was nothing but a sign of life.
    async fn hear(&mut self, event: &Event, gap: Duration) -> bool {
        let Some(id) = id_of(&event.kind) else {
            return false;
        };
        let Some(theirs) = self.theirs.get_mut(&id) else {
            return false;
        };
        let known = theirs.lines.count();
        for part in parts(event, id, &theirs.lines) {
            theirs.lines.add(part);
        }
        let heard = theirs.lines.count();
        if heard == known {
            return false;
        }
        if matches!(event.kind, Kind::Frame(_)) {
            self.report.frames += 1;
        }
        let exchange = &self.ours[&id];
        let place = theirs.expected.place(heard);
        let departs = theirs.expected.departs_at(heard);
        let patience = if departs { DEPARTURE } else { gap + PATIENCE };
        exchange.reach(place, patience).await;
        self.heard.extend((known[0]..heard[0]).map(|at| (id, at)));
        true
    }

    /// Learns from what both servers have said.
    fn learn(&mut self) {
        let heard = std::mem::take(&mut self.heard);
        for (id, at) in heard {
            let theirs = &self.theirs[&id];
            let ours = self.ours[&id].lines();
            let our = theirs.expected.lines.counterpart(at);
            match our.and_then(|our| ours.lines.get(our)) {
                Some(our) => self.names.learn(&theirs.lines.lines[at], our),
                // It may come yet.
                None if !ours.ended => self.heard.push((id, at)),
                None => {}
            }
        }
    }

    /// Looks for what the recording's hubs heard.
    async fn note(&mut self, text: &str, gap: Duration, at: Instant) -> bool {
        if text == STOP {
            self.programs.values_mut().for_each(Program::stop);
            return true;
        }
        let is_event = match (text.strip_prefix(LOG), text.strip_prefix(EVENT)) {
            (None, None) => return false,
            (log, _) => log.is_none(),
        };
        if !is_event {
            sleep(gap).await;
        }
        self.learn();
        let number = self.noted.len();
        let expected = self.notes.lines.lines.get(number).cloned();
        let expected = expected.unwrap_or_default();
        let id = self.names.last_id().unwrap().to_owned();
        let program = self.programs.values().next().unwrap();
        let until = Instant::now() + gap + PATIENCE;
        let found = loop {
            let log = observer::log(program.address, self.base(), &id).await;
            let found = if is_event {
                log.get(number).cloned().unwrap_or_default()
            } else {
                serde_json::to_string(&log).unwrap()
            };
            if found == expected || Instant::now() > until {
                break found;
            }
            sleep(REST).await;
        };
        if is_event && Instant::now() + EARLY < at {
            let late = at - Instant::now();
            let difference = format!("hubs heard {found:?} {late:?} too soon");
            self.report.differences.push(difference);
        }
        self.noted.push(found);
        true
    }

    /// Compares what was said.
    fn finish(mut self) -> Report {
        let mut polls = Polls::default();
        for (id, theirs) in &self.theirs {
            let ours = self.ours[id].lines();
            let expected = &theirs.expected;
            let lines = expected.lines.lines.iter().chain(&expected.answers.lines);
            let pair = Pair {
                request: theirs.request,
                expected: lines.map(|line| self.names.with_ids(line)).collect(),
                found: [ours.texts(), ours.answers.clone()].concat(),
            };
            self.report.lines += pair.expected.len();
            self.report.departures += expected.departures;
            self.report.differences.extend(expected.faults.clone());
            if expected.departures == 0 {
                let faults = verdict::beside(&theirs.lines, &ours).into_iter();
                let faults = faults.map(|fault| format!("request {id}: {fault}"));
                self.report.differences.extend(faults);
            }
            if Form::of(theirs.request) == Form::Poll {
                polls.add(pair);
            } else if !pair.is_same(&self.recording.name) {
                self.report.differences.push(pair.to_string());
            }
        }
        let (regrouped, differing) = polls.compare(&self.recording.name);
        self.report.regrouped += regrouped;
        let differing = differing.iter().map(ToString::to_string);
        self.report.differences.extend(differing);
        self.report.departures += self.notes.departures;
        self.report.differences.extend(self.notes.faults.clone());
        if self.noted != self.notes.lines.lines {
            let difference = verdict::side_by_side(&self.notes.lines.lines, &self.noted);
            self.report
                .differences
                .push(format!("hubs heard:\n{difference}"));
        }
        self.report
    }

    fn base(&self) -> &str {
        let first = self.theirs.values().next();
        first.map_or("", |exchange| exchange.request.base())
    }
}

fn is_of_client(kind: &Kind) -> bool {
    match kind {
        Kind::Request(_) => true,
        Kind::Frame(frame) => frame.dir == Direction::ToServer,
        Kind::End { how, .. } => {
            matches!(
                &**how,
                "client broke off" | "cut by the recorder" | "client closed the socket"
            )
        }
        _ => false,
    }
}

fn id_of(kind: &Kind) -> Option<u32> {
    match kind {
        Kind::Response(response) => Some(response.id),
        Kind::Chunk { id, .. } | Kind::End { id, .. } => Some(*id),
        Kind::Frame(frame) => Some(frame.id),
        _ => None,
    }
}
