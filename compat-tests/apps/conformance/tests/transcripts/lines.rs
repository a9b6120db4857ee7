//! What an exchange came to, line by line, in a form in which two servers can be compared.
//!
//! Tokens, ids and cursors become `*`, signs of life are counted and left out, and on streams each
//! message stands in an envelope of its own: how many share one is up to the server (3.1). Answers
//! to calls on a WebSocket are lines apart: whether they come before or after what the call sent to
//! its caller is not promised, except for its progress and its groups.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::recording::Request;

/// How the body of an answer is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Document,
    Poll,
    Events,
    ForeverFrame,
    Socket,
}

impl Form {
    /// What a request is answered with if it is granted.
    pub(crate) fn of(request: &Request) -> Self {
        const OTHERS: [&str; 7] = ["negotiate", "ping", "start", "send", "abort", "hubs", "js"];
        if request.method == "OPTIONS" || OTHERS.iter().any(|other| request.asks_for(other)) {
            return Self::Document;
        }
        let transport = request.parameter("transport").unwrap_or_default();
        match transport.to_ascii_lowercase().as_str() {
            "websockets" => Self::Socket,
            "serversentevents" => Self::Events,
            "foreverframe" => Self::ForeverFrame,
            "longpolling" => Self::Poll,
            _ => Self::Document,
        }
    }
}

/// Something that came from the server, or the end of it.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Head {
        status: u16,
        reason: String,
        headers: Headers,
    },
    Piece(String),
    Text(String),
    /// The code of a close frame.
    Close(Option<u16>),
    End(End),
}

/// Those headers that mean something to a client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers {
    values: Vec<String>,
    /// Whether a browser is told not to guess types. We say it in more places.
    nosniff: bool,
}

impl Headers {
    pub(crate) fn read<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Self {
        const COMPARED: [&str; 5] = [
            "content-type",
            "access-control-allow-origin",
            "access-control-allow-credentials",
            "access-control-allow-headers",
            "access-control-allow-methods",
        ];
        let values = COMPARED.iter().filter_map(|name| {
            let value = value(name)?;
            // Which others may be used is up to who answers.
            let is_known = *name == "access-control-allow-methods" && value.contains("GET, POST");
            Some(if is_known { "GET, POST" } else { value })
        });
        Self {
            values: values.map(str::to_owned).collect(),
            nosniff: value("x-content-type-options") == Some("nosniff"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    /// The server broke off what it had begun.
    BrokenOff,
    /// A WebSocket has ended by itself.
    Closed,
    /// The client, or the relay in its name, broke off.
    ByClient,
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// The cursor in it, as the server wrote it.
    pub(crate) cursor: Option<String>,
    /// The token of the groups in it.
    pub(crate) groups: Option<String>,
    /// Id and token of a connection.
    pub(crate) connection: Option<[String; 2]>,
}

impl Line {
    fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            cursor: None,
            groups: None,
            connection: None,
        }
    }
}

/// Turns the parts of an answer into lines.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    form: Form,
    /// A sign of life must not come before the first message.
    begins_with_message: bool,
    /// What has come of a body and is in no line yet.
    rest: String,
    pub(crate) lines: Vec<Line>,
    /// Answers to calls, with how many changes of groups and reports of progress came before.
    pub(crate) answers: Vec<String>,
    before_answers: usize,
    pub(crate) keep_alives: usize,
    pub(crate) nosniff: bool,
    pub(crate) ended: bool,
}

impl Lines {
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            form: Form::of(request),
            begins_with_message: request.asks_for("connect"),
            rest: String::new(),
            lines: Vec::new(),
            answers: Vec::new(),
            before_answers: 0,
            keep_alives: 0,
            nosniff: false,
            ended: false,
        }
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.lines.iter().map(|line| line.text.clone()).collect()
    }

    /// How many lines, and how many answers to calls.
    pub(crate) fn count(&self) -> [usize; 2] {
        [self.lines.len(), self.answers.len()]
    }

    pub(crate) fn add(&mut self, part: Part) {
        if self.ended {
            return;
        }
        match part {
            Part::Head {
                status,
                reason,
                headers,
            } => {
                let mut head = vec![format!("{status} {reason}")];
                head.extend(headers.values);
                self.nosniff = headers.nosniff;
                self.lines.push(Line::plain(head.join(" | ")));
                if status != 200 && status != 101 {
                    self.form = Form::Document;
                }
            }
            Part::Piece(text) => {
                self.rest.push_str(&text);
                self.cut();
            }
            Part::Text(text) if serde_json::from_str::<Answer>(&text).is_ok() => {
                let before = self.before_answers;
                self.answers.push(format!("{text} behind {before}"));
            }
            Part::Text(text) => self.message(&text, "", "", true),
            Part::Close(code) => {
                let code = code.map_or_else(|| "without code".to_owned(), |code| code.to_string());
                self.lines.push(Line::plain(format!("close {code}")));
            }
            Part::End(end) => self.end(end),
        }
    }

    fn end(&mut self, end: End) {
        let rest = std::mem::take(&mut self.rest);
        if self.form == Form::Poll && !rest.is_empty() {
            // Each space is a sign of life.
            let document = rest.trim_start_matches(' ');
            self.keep_alives += rest.len() - document.len();
            if !document.is_empty() {
                self.message(document, "", "", false);
            }
        } else if !rest.is_empty() {
            self.document(&rest);
        }
        let how = match end {
            End::Complete => "complete",
            End::BrokenOff => "broken off",
            End::Closed => "closed",
            End::ByClient => "left by the client",
        };
        self.lines.push(Line::plain(how));
        self.ended = true;
    }

    /// Cuts whole messages from the body of a stream.
    fn cut(&mut self) {
        match self.form {
            Form::Events => {
                while let Some((event, rest)) = self.rest.split_once("\n\n") {
                    let (event, rest) = (event.to_owned(), rest.to_owned());
                    self.rest = rest;
                    match event.strip_prefix("data: ") {
                        Some(payload) if payload != "initialized" => {
                            self.message(payload, "data: ", "", true);
                        }
                        _ => self.lines.push(Line::plain(event)),
                    }
                }
            }
            Form::ForeverFrame => self.cut_frame(),
            Form::Document | Form::Poll | Form::Socket => {}
        }
    }

    fn cut_frame(&mut self) {
        const BODY: &str = "<body>\r\n";
        const START: &str = "<script>r(c, ";
        const KEEP_ALIVE: &str = "<script>r(c, {});</script>\n\n";
        loop {
            if let Some(rest) = self.rest.strip_prefix(KEEP_ALIVE) {
                self.rest = rest.to_owned();
                self.message("{}", START, ");</script>", true);
            } else if let Some(message) = self.rest.strip_prefix(START)
                && let Some((payload, rest)) = message.split_once(");</script>\r\n")
            {
                let (payload, rest) = (payload.to_owned(), rest.to_owned());
                self.rest = rest;
                self.message(&payload, START, ");</script>", true);
            } else if let Some(at) = self.rest.find(BODY) {
                let rest = self.rest.split_off(at + BODY.len());
                let head = std::mem::replace(&mut self.rest, rest);
                self.lines.push(Line::plain(head));
            } else {
                break;
            }
        }
    }

    /// A message that stands between `before` and `after`.
    fn message(&mut self, payload: &str, before: &str, after: &str, splits: bool) {
        let is_stream = !matches!(self.form, Form::Document | Form::Poll);
        if is_stream && payload == "{}" && (self.lines.len() > 1 || !self.begins_with_message) {
            self.keep_alives += 1;
            return;
        }
        let (start, payload, end) = unwrapped(payload);
        let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(payload) else {
            let text = format!("{before}{start}{payload}{end}{after}");
            return self.lines.push(Line::plain(text));
        };
        let mut head = payload.replacen(envelope.cursor, "*", 1);
        if let Some(groups) = envelope.groups {
            head = head.replacen(groups, "*", 1);
        }
        let mut line = |payload: &str, groups: Option<&str>| {
            if groups.is_some() || payload.contains(r#"{"I":"P|"#) {
                self.before_answers += 1;
            }
            self.lines.push(Line {
                text: format!("{before}{start}{payload}{end}{after}"),
                cursor: Some(envelope.cursor.to_owned()),
                groups: groups.map(str::to_owned),
                connection: None,
            });
        };
        if !splits || envelope.messages.len() < 2 {
            return line(&head, envelope.groups);
        }
        let (head, _) = head.split_once("\"M\":[").unwrap();
        let mut head = head.to_owned();
        let mut groups = envelope.groups;
        for message in envelope.messages {
            line(&format!("{head}\"M\":[{message}]}}"), groups.take());
            head = "{\"C\":\"*\",".to_owned();
        }
    }

    fn document(&mut self, text: &str) {
        let (_, payload, _) = unwrapped(text);
        let Ok(negotiated) = serde_json::from_str::<Negotiated>(payload) else {
            // An envelope, if the answer to a poll stands in a callback.
            return self.message(text, "", "", false);
        };
        let mut line = Line::plain(text);
        for private in [&negotiated.id, &negotiated.token] {
            line.text = line.text.replacen(private.as_str(), "*", 1);
        }
        line.connection = Some([negotiated.id, negotiated.token]);
        self.lines.push(line);
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "C")]
    cursor: &'a str,
    #[serde(rename = "G")]
    groups: Option<&'a str>,
    #[serde(rename = "M", borrow)]
    messages: Vec<&'a RawValue>,
}

/// An answer to a call, outside of an envelope.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "I")]
    _id: IgnoredAny,
}

#[derive(Deserialize)]
struct Negotiated {
    #[serde(rename = "ConnectionId")]
    id: String,
    #[serde(rename = "ConnectionToken")]
    token: String,
}

/// What stands in a callback, and what stands around it (JSONP).
fn unwrapped(text: &str) -> (&str, &str, &str) {
    let inside = text.strip_suffix(");").and_then(|text| {
        let at = text.find('(')?;
        text.get(at + 1..)
    });
    match inside {
        Some(inside) if !text.starts_with('{') => {
            let at = text.len() - inside.len() - ");".len();
            (&text[..at], inside, ");")
        }
        _ => ("", text, ""),
    }
}
