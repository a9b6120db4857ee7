//! Departures in the recordings of requests made by hand.

use super::{BAD_INPUT, DEAD, Departure, JSON, NOTES, POSITION, SERVER_ERROR};

const UNKNOWN_CURSOR: &str = "[R] 1.2, 3.3, 4.1: a cursor that is none of ours means from now, and \
                              the client gets one at once; its groups are remembered [R] 6";
const GROUPS: &str = "[R] 6: the groups of a connection that stands are remembered, so what was sent \
                      to them meanwhile is kept for it, and so is the token that it gets for them";
const INIT_FIRST: &str = "[R] 0 rule 3, 4.1: the init message comes first, then what OnConnected \
                          sent; [R] 1.6: /start runs no second one";

const GONE: [&str; 3] = ["404 Not Found", "This connection is over.", "complete"];

macro_rules! message {
    ($text:literal) => {
        batch!($text)
    };
}
macro_rules! batch {
    (G: $first:literal $(, $text:literal)*) => {
        concat!(r#"{"C":"*","G":"*","M":["#, elements!($first $(, $text)*), "]}")
    };
    ($first:literal $(, $text:literal)*) => {
        concat!(r#"{"C":"*","M":["#, elements!($first $(, $text)*), "]}")
    };
}
macro_rules! elements {
    ($first:literal $(, $text:literal)*) => {
        concat!(element!($first) $(, ",", element!($text))*)
    };
}
macro_rules! element {
    ($text:literal) => {
        concat!(
            r#"{"H":"Conformance","M":"received","A":[""#,
            $text,
            r#""]}"#
        )
    };
}
macro_rules! event {
    ($text:literal) => {
        concat!("data: ", message!($text))
    };
}

pub(super) const DEPARTURES: &[Departure] = &[
    // Bad input.
    Departure {
        at: &[("http-errors", &[19, 20, 53])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "There is no hub 'nosuchhub'.",
            "complete",
        ],
    },
    Departure {
        at: &[("http-errors", &[21])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "The connection data cannot be used: a hub stands twice in connectionData.",
            "complete",
        ],
    },
    Departure {
        at: &[("http-errors", &[22, 23])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "The connection data cannot be used: connectionData is not a JSON array.",
            "complete",
        ],
    },
    Departure {
        at: &[("http-errors", &[28, 29])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "The callback is no name of a function.",
            "complete",
        ],
    },
    Departure {
        at: &[("http-errors", &[31, 32, 33])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "The parameter 'frameId' is missing or no number.",
            "complete",
        ],
    },
    Departure {
        at: &[("http-errors", &[37])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "The parameter 'data' is missing.",
            "complete",
        ],
    },
    Departure {
        at: &[("http-errors", &[38])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "The message cannot be used: the call is not a JSON object.",
            "complete",
        ],
    },
    Departure {
        at: &[("http-errors", &[39])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "The message cannot be used: there is no hub 'ghost'.",
            "complete",
        ],
    },
    Departure {
        at: &[("http-errors", &[40])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "The message cannot be used: the call has no M.",
            "complete",
        ],
    },
    Departure {
        at: &[("http-errors", &[44])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "The message cannot be used: the state of the call has more than 4096 characters.",
            "complete",
        ],
    },
    Departure {
        at: &[("http-errors", &[47])],
        why: "[R] 1.3: 'data' is taken from the form and from the query, on every transport",
        theirs: &SERVER_ERROR,
        ours: &[JSON, r#"{"R":"g","I":"1"}"#, "complete"],
    },
    Departure {
        at: &[("http-errors", &[34, 35, 36])],
        why: UNKNOWN_CURSOR,
        theirs: &["left by the client"],
        ours: &[POSITION, "complete"],
    },
    // After an abort.
    Departure {
        at: &[("http-errors", &[56])],
        why: DEAD,
        theirs: &[JSON, r#"{"R":"u","I":"4"}"#, "complete"],
        ours: &GONE,
    },
    Departure {
        at: &[
            ("http-abort-lp", &[6]),
            ("http-abort-sse", &[5]),
            ("http-abort-ws", &[5]),
        ],
        why: DEAD,
        theirs: &[JSON, r#"{"R":"late","I":"0"}"#, "complete"],
        ours: &GONE,
    },
    Departure {
        at: &[("http-abort-lp", &[7])],
        why: DEAD,
        theirs: &["left by the client"],
        ours: &[r#"{"E":"This connection is over."}"#, "complete"],
    },
    Departure {
        at: &[("http-abort-sse", &[6])],
        why: DEAD,
        theirs: &["left by the client"],
        ours: &[r#"data: {"E":"This connection is over."}"#, "complete"],
    },
    Departure {
        at: &[("http-abort-ws", &[6])],
        why: DEAD,
        theirs: &["close 1000"],
        ours: &[r#"{"E":"This connection is over."}"#, "close 1000"],
    },
    Departure {
        at: &[
            ("http-abort-lp", &[NOTES]),
            ("http-abort-sse", &[NOTES]),
            ("http-abort-ws", &[NOTES]),
        ],
        why: DEAD,
        theirs: &[r#"["connected","disconnected:true","reconnected"]"#],
        ours: &[r#"["connected","disconnected:true"]"#],
    },
    Departure {
        at: &[("http-second-connect-lp", &[NOTES])],
        why: "[R] 1.6: an abort between two polls is one all the same, at once",
        theirs: &[r#"["connected"]"#],
        ours: &[r#"["connected","disconnected:true"]"#],
    },
    // Cursors.
    Departure {
        at: &[("http-cursors", &[6, 9, 12])],
        why: UNKNOWN_CURSOR,
        theirs: &["broken off"],
        ours: &[
            r#"data: {"C":"*","M":[]}"#,
            event!("later"),
            event!("to g"),
            "complete",
        ],
    },
    Departure {
        at: &[("http-cursors", &[15])],
        why: UNKNOWN_CURSOR,
        theirs: &[event!("later")],
        ours: &[r#"data: {"C":"*","M":[]}"#, event!("later"), event!("to g")],
    },
    Departure {
        at: &[("http-cursors", &[18])],
        why: "[R] 3.3 (c): a cursor ahead of the counter means from now",
        theirs: &[
            r#"data: {"C":"*","G":"*","M":[{"H":"Conformance","M":"received","A":["m1"]}]}"#,
            event!("later"),
            event!("later"),
            event!("later"),
            event!("later"),
        ],
        ours: &[r#"data: {"C":"*","M":[]}"#],
    },
    Departure {
        at: &[("http-cursors", &[21])],
        why: GROUPS,
        theirs: &[
            event!("later"),
            event!("later"),
            event!("later"),
            event!("later"),
            event!("later"),
            event!("later"),
        ],
        ours: &[
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
        ],
    },
    Departure {
        at: &[("http-cursors", &[24])],
        why: GROUPS,
        theirs: &[
            event!("later"),
            event!("later"),
            event!("later"),
            event!("later"),
            event!("later"),
            event!("later"),
            event!("later"),
        ],
        ours: &[
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
            event!("later"),
            event!("to g"),
        ],
    },
    // Reconnects.
    Departure {
        at: &[("http-reconnect-lp", &[20])],
        why: UNKNOWN_CURSOR,
        theirs: &[message!("hello")],
        ours: &[POSITION],
    },
    Departure {
        at: &[("http-reconnect-sse", &[19])],
        why: UNKNOWN_CURSOR,
        theirs: &[event!("hello")],
        ours: &[r#"data: {"C":"*","M":[]}"#, event!("hello")],
    },
    Departure {
        at: &[("http-reconnect-ws", &[19])],
        why: UNKNOWN_CURSOR,
        theirs: &[message!("hello")],
        ours: &[POSITION, message!("hello")],
    },
    Departure {
        at: &[("http-reconnect-sse", &[12, 14])],
        why: UNKNOWN_CURSOR,
        theirs: &[event!("to g")],
        ours: &[r#"data: {"C":"*","M":[]}"#, event!("to g")],
    },
    Departure {
        at: &[("http-reconnect-ws", &[12, 14])],
        why: UNKNOWN_CURSOR,
        theirs: &[message!("to g")],
        ours: &[POSITION, message!("to g")],
    },
    Departure {
        at: &[("http-reconnect-lp", &[9])],
        why: GROUPS,
        theirs: &[batch!("m1", "m2", "m3")],
        ours: &[batch!(G: "m1", "m2", "m3")],
    },
    Departure {
        at: &[("http-reconnect-lp", &[11])],
        why: GROUPS,
        theirs: &[batch!(G: "m1", "m2", "m3")],
        ours: &[batch!(G: "m1", "m2", "m3", "to g")],
    },
    Departure {
        at: &[("http-reconnect-lp", &[17])],
        why: GROUPS,
        theirs: &[batch!(G: "m1", "m2", "m3")],
        ours: &[batch!(G: "m1", "m2", "m3", "to g", "to g", "to g", "to g")],
    },
    Departure {
        at: &[("http-reconnect-sse", &[8])],
        why: GROUPS,
        theirs: &[event!("m1")],
        ours: &[r#"data: {"C":"*","G":"*","M":[]}"#, event!("m1")],
    },
    Departure {
        at: &[("http-reconnect-sse", &[10])],
        why: GROUPS,
        theirs: &[
            r#"data: {"C":"*","G":"*","M":[{"H":"Conformance","M":"received","A":["m1"]}]}"#,
            event!("m2"),
            event!("m3"),
            event!("to g"),
        ],
        ours: &[
            r#"data: {"C":"*","G":"*","M":[]}"#,
            event!("m1"),
            event!("m2"),
            event!("m3"),
            event!("to g"),
            event!("to g"),
        ],
    },
    Departure {
        at: &[("http-reconnect-sse", &[16])],
        why: GROUPS,
        theirs: &[
            r#"data: {"C":"*","G":"*","M":[{"H":"Conformance","M":"received","A":["m1"]}]}"#,
            event!("m2"),
            event!("m3"),
            event!("to g"),
        ],
        ours: &[
            r#"data: {"C":"*","G":"*","M":[]}"#,
            event!("m1"),
            event!("m2"),
            event!("m3"),
            event!("to g"),
            event!("to g"),
            event!("to g"),
            event!("to g"),
            event!("to g"),
        ],
    },
    Departure {
        at: &[("http-reconnect-ws", &[8])],
        why: GROUPS,
        theirs: &[message!("m1")],
        ours: &[r#"{"C":"*","G":"*","M":[]}"#, message!("m1")],
    },
    Departure {
        at: &[("http-reconnect-ws", &[10])],
        why: GROUPS,
        theirs: &[
            r#"{"C":"*","G":"*","M":[{"H":"Conformance","M":"received","A":["m1"]}]}"#,
            message!("m2"),
            message!("m3"),
            message!("to g"),
        ],
        ours: &[
            r#"{"C":"*","G":"*","M":[]}"#,
            message!("m1"),
            message!("m2"),
            message!("m3"),
            message!("to g"),
            message!("to g"),
        ],
    },
    Departure {
        at: &[("http-reconnect-ws", &[16])],
        why: GROUPS,
        theirs: &[
            r#"{"C":"*","G":"*","M":[{"H":"Conformance","M":"received","A":["m1"]}]}"#,
            message!("m2"),
            message!("m3"),
            message!("to g"),
        ],
        ours: &[
            r#"{"C":"*","G":"*","M":[]}"#,
            message!("m1"),
            message!("m2"),
            message!("m3"),
            message!("to g"),
            message!("to g"),
            message!("to g"),
            message!("to g"),
            message!("to g"),
        ],
    },
    // The host is gone.
    Departure {
        at: &[("http-shutdown", &[14])],
        why: "the program that served has ended; the recorded one lived on without its application",
        theirs: &[JSON, r#"{"C":"*","T":1,"M":[]}"#, "complete"],
        ours: &["broken off"],
    },
    Departure {
        at: &[("http-shutdown", &[15])],
        why: "the program that served has ended; the recorded one lived on without its application",
        theirs: &[
            "200 OK | text/event-stream",
            "data: initialized",
            "complete",
        ],
        ours: &["broken off"],
    },
    // Clients that know no /start.
    Departure {
        at: &[("http-start-1.2-lp", &[2]), ("http-start-1.3-lp", &[2])],
        why: INIT_FIRST,
        theirs: &[r#"{"C":"*","S":1,"M":[{"H":"greeter","M":"received","A":["hello"]}]}"#],
        ours: &[r#"{"C":"*","S":1,"M":[]}"#],
    },
    Departure {
        at: &[("http-start-1.2-sse", &[2])],
        why: INIT_FIRST,
        theirs: &[
            r#"data: {"C":"*","M":[{"H":"greeter","M":"received","A":["hello"]}]}"#,
            r#"data: {"C":"*","S":1,"M":[]}"#,
        ],
        ours: &[r#"data: {"C":"*","S":1,"M":[]}"#],
    },
    Departure {
        at: &[("http-start-1.3-sse", &[2])],
        why: INIT_FIRST,
        theirs: &[r#"data: {"C":"*","S":1,"M":[{"H":"greeter","M":"received","A":["hello"]}]}"#],
        ours: &[r#"data: {"C":"*","S":1,"M":[]}"#],
    },
    Departure {
        at: &[("http-start-1.2-ws", &[2]), ("http-start-1.3-ws", &[2])],
        why: INIT_FIRST,
        theirs: &[r#"{"C":"*","S":1,"M":[{"H":"greeter","M":"received","A":["hello"]}]}"#],
        ours: &[r#"{"C":"*","S":1,"M":[]}"#],
    },
    // Frames.
    Departure {
        at: &[("http-ws-frames", &[2])],
        why: "[R] 4.4: a call that cannot be made is answered if it has an id",
        theirs: &[r#"{"R":"no id","I":null} behind 0"#],
        ours: &[
            r#"{"I":"1","E":"there is no hub 'ghost'"} behind 0"#,
            r#"{"R":"no id","I":null} behind 0"#,
        ],
    },
    Departure {
        at: &[("http-ws-frames", &[2])],
        why: "[R] 4.4: a binary frame is closed with 1003",
        theirs: &["close 1000"],
        ours: &["close 1003"],
    },
];
