//! Departures in the recordings of npm `signalr` in a browser.

use super::{BAD_INPUT, BINDING, DEAD, Departure, POSITION, SERVER_ERROR, STATE};

macro_rules! overload {
    () => {
        r#"{"I":"4","E":"'Overload' method could not be resolved. Potential candidates are: \nOverload():String\nOverload(n:Int32):String"}"#
    };
}
macro_rules! no_overload {
    () => {
        r#"{"I":"4","E":"'Overload' method could not be resolved. No method found with that name."}"#
    };
}
macro_rules! conversion {
    () => {
        r#"{"I":"5","E":"Could not convert string to integer: x. Path '', line 1, position 3."}"#
    };
}
macro_rules! no_binding {
    () => {
        r#"{"I":"5","E":"Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked."}"#
    };
}
macro_rules! candidates {
    () => {
        r#"{"I":"6","E":"'Add' method could not be resolved. Potential candidates are: \nAdd(a:Int32, b:Int32):Int32"}"#
    };
}
macro_rules! argument_count {
    () => {
        r#"{"I":"6","E":"Invocation provides 1 argument(s) but target expects 2."}"#
    };
}
macro_rules! no_method {
    ($id:literal, $method:literal) => {
        concat!(
            r#"{"I":""#,
            $id,
            r#"","E":"There was an error invoking Hub method 'conformance."#,
            $method,
            r#"'."}"#
        )
    };
}
macro_rules! with_state {
    () => {
        r#"{"C":"*","M":[{"H":"Conformance","M":"received","A":["with state"],"S":{"pushed":"with state"}}]}"#
    };
}

pub(super) const DEPARTURES: &[Departure] = &[
    Departure {
        at: &[("js-lp-unknown-hub", &[1]), ("js-ws-unknown-hub", &[1])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request",
            "There is no hub 'nosuchhub'.",
            "complete",
        ],
    },
    // State.
    Departure {
        at: &[
            ("js-ff-hub", &[22]),
            ("js-lp-hub", &[33]),
            ("js-sse-hub", &[22]),
        ],
        why: STATE,
        theirs: &[r#"{"S":{"counter":6},"R":6,"I":"18"}"#],
        ours: &[no_method!("18", "NextCount")],
    },
    Departure {
        at: &[
            ("js-ff-hub", &[23]),
            ("js-lp-hub", &[34]),
            ("js-sse-hub", &[23]),
        ],
        why: STATE,
        theirs: &[r#"{"S":{"counter":7},"R":7,"I":"19"}"#],
        ours: &[no_method!("19", "NextCount")],
    },
    Departure {
        at: &[
            ("js-ff-hub", &[24]),
            ("js-lp-hub", &[35]),
            ("js-sse-hub", &[24]),
        ],
        why: STATE,
        theirs: &[r#"{"S":{"pushed":"with state"},"I":"20"}"#],
        ours: &[no_method!("20", "PushState")],
    },
    Departure {
        at: &[("js-ff-hub", &[2])],
        why: STATE,
        theirs: &[concat!("<script>r(c, ", with_state!(), ");</script>")],
        ours: &[],
    },
    Departure {
        at: &[("js-sse-hub", &[2])],
        why: STATE,
        theirs: &[concat!("data: ", with_state!())],
        ours: &[],
    },
    Departure {
        at: &[("js-lp-hub", &[32])],
        why: STATE,
        theirs: &[with_state!()],
        ours: &[POSITION],
    },
    Departure {
        at: &[("js-lp-hub", &[36])],
        why: "its cursor is that of a message that has not come, for want of state: from now",
        theirs: &["left by the client"],
        ours: &[POSITION, "complete"],
    },
    Departure {
        at: &[("js-ws-hub", &[2])],
        why: STATE,
        theirs: &[with_state!()],
        ours: &[],
    },
    Departure {
        at: &[("js-ws-hub", &[2])],
        why: STATE,
        theirs: &[
            r#"{"S":{"counter":6},"R":6,"I":"18"} behind 6"#,
            r#"{"S":{"counter":7},"R":7,"I":"19"} behind 6"#,
            r#"{"S":{"pushed":"with state"},"I":"20"} behind 6"#,
        ],
        ours: &[
            concat!(no_method!("18", "NextCount"), " behind 6"),
            concat!(no_method!("19", "NextCount"), " behind 6"),
            concat!(no_method!("20", "PushState"), " behind 6"),
        ],
    },
    // Errors with details.
    Departure {
        at: &[("js-lp-detailed", &[9])],
        why: BINDING,
        theirs: &[overload!()],
        ours: &[no_overload!()],
    },
    Departure {
        at: &[("js-lp-detailed", &[10])],
        why: BINDING,
        theirs: &[conversion!()],
        ours: &[no_binding!()],
    },
    Departure {
        at: &[("js-lp-detailed", &[11])],
        why: BINDING,
        theirs: &[candidates!()],
        ours: &[argument_count!()],
    },
    Departure {
        at: &[("js-lp-detailed", &[14])],
        why: BAD_INPUT,
        theirs: &SERVER_ERROR,
        ours: &[
            "400 Bad Request | http://server.test | true",
            "The message cannot be used: there is no hub 'ghost'.",
            "complete",
        ],
    },
    Departure {
        at: &[("js-ws-detailed", &[2])],
        why: BINDING,
        theirs: &[
            concat!(overload!(), " behind 0"),
            concat!(conversion!(), " behind 0"),
            concat!(candidates!(), " behind 0"),
        ],
        ours: &[
            concat!(no_overload!(), " behind 0"),
            concat!(no_binding!(), " behind 0"),
            concat!(argument_count!(), " behind 0"),
        ],
    },
    Departure {
        at: &[("js-ws-detailed", &[2])],
        why: "[R] 4.4: a call that cannot be made is answered if it has an id",
        theirs: &[
            r#"{"I":"8","E":"Caller is not authorized to invoke the AdminOnly method on Conformance."} behind 0"#,
        ],
        ours: &[
            r#"{"I":"8","E":"Caller is not authorized to invoke the AdminOnly method on Conformance."} behind 0"#,
            r#"{"I":"9","E":"there is no hub 'ghost'"} behind 0"#,
        ],
    },
    // A start that fails.
    Departure {
        at: &[("js-lp-failing-start", &[4])],
        why: DEAD,
        theirs: &["left by the client"],
        ours: &[r#"{"E":"This connection is over."}"#, "complete"],
    },
    Departure {
        at: &[("js-ws-failing-start", &[2])],
        why: "[R] 11: the end of a hub is told to clients that know {\"E\":…}",
        theirs: &["close 1000"],
        ours: &[r#"{"E":"Connection closed with an error."}"#, "close 1000"],
    },
    // Limits.
    Departure {
        at: &[("js-ws-large", &[2])],
        why: "[R] 4.4: a message above the limit is closed with 1009",
        theirs: &["close 1000"],
        ours: &["close 1009"],
    },
    Departure {
        at: &[("js-smallbuffer", &[4])],
        why: "what no channel has taken yet waits beside the buffer, so that nothing is lost",
        theirs: &[r#"{"C":"*","M":[{"H":"Conformance","M":"received","A":["m<167-199>"]}]}"#],
        ours: &[r#"{"C":"*","M":[{"H":"Conformance","M":"received","A":["m<0-199>"]}]}"#],
    },
];
