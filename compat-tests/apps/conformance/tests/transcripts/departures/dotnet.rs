//! Departures in the recordings of the .NET client.

use super::{Departure, POSITION, STATE};

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
macro_rules! pushed {
    () => {
        r#"{"C":"*","M":[{"H":"Conformance","M":"received","A":["pushed"],"S":{"pushed":"pushed"}}]}"#
    };
}

pub(super) const DEPARTURES: &[Departure] = &[
    Departure {
        at: &[("dotnet-lp-hub", &[33]), ("dotnet-sse-hub", &[26])],
        why: STATE,
        theirs: &[r#"{"S":{"counter":6},"R":6,"I":"0"}"#],
        ours: &[no_method!("0", "NextCount")],
    },
    Departure {
        at: &[("dotnet-lp-hub", &[34]), ("dotnet-sse-hub", &[27])],
        why: STATE,
        theirs: &[r#"{"S":{"counter":7},"R":7,"I":"1"}"#],
        ours: &[no_method!("1", "NextCount")],
    },
    Departure {
        at: &[("dotnet-lp-hub", &[35]), ("dotnet-sse-hub", &[28])],
        why: STATE,
        theirs: &[r#"{"R":"7","I":"2"}"#],
        ours: &[no_method!("2", "ReadCounter")],
    },
    Departure {
        at: &[("dotnet-lp-hub", &[36]), ("dotnet-sse-hub", &[29])],
        why: STATE,
        theirs: &[r#"{"S":{"pushed":"pushed"},"I":"3"}"#],
        ours: &[no_method!("3", "PushState")],
    },
    Departure {
        at: &[("dotnet-lp-hub", &[31])],
        why: STATE,
        theirs: &[pushed!()],
        ours: &[POSITION],
    },
    Departure {
        at: &[("dotnet-sse-hub", &[24])],
        why: STATE,
        theirs: &[concat!("data: ", pushed!())],
        ours: &[],
    },
    Departure {
        at: &[("dotnet-ws-hub", &[18])],
        why: STATE,
        theirs: &[pushed!()],
        ours: &[],
    },
    Departure {
        at: &[("dotnet-ws-hub", &[18])],
        why: STATE,
        theirs: &[
            r#"{"S":{"counter":6},"R":6,"I":"0"} behind 0"#,
            r#"{"S":{"counter":7},"R":7,"I":"1"} behind 0"#,
            r#"{"R":"7","I":"2"} behind 0"#,
            r#"{"S":{"pushed":"pushed"},"I":"3"} behind 0"#,
        ],
        ours: &[
            concat!(no_method!("0", "NextCount"), " behind 0"),
            concat!(no_method!("1", "NextCount"), " behind 0"),
            concat!(no_method!("2", "ReadCounter"), " behind 0"),
            concat!(no_method!("3", "PushState"), " behind 0"),
        ],
    },
];
