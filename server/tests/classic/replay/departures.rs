//! Where the service does otherwise than the recorded one, which was a stub made to ask what the
//! app server does in each case.

use std::collections::BTreeMap;

use self::Departure::{
    AckOfAll, AckWithReason, DoorRefuses, EmptyError, IdOnce, LinkStays, NeverHere, NoCall,
    NoError, NoText, OnItsLink, OpenedAnew, RefusedByDoor, Status, ToldOnce,
};

/// A reason to do otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Departure {
    // Said in another form.
    /// A handshake without an error has an empty text and not nil: older SDKs were sent that.
    EmptyError,
    /// The status is the true one, with counts of clients and connections beside it.
    Status,
    /// The stub failed changes of groups to see what the app makes of that.
    AckWithReason,
    /// The end of a client has no text unless the service has one.
    NoText,

    // Not said.
    /// Clients without a connection token or a transport do not get past the door.
    DoorRefuses,
    /// Hubs for which the app has no connection are refused by the door, which asks no app.
    RefusedByDoor,
    /// A connection id is given to one client only.
    IdOnce,
    /// What a client says goes to the connection that it was opened on.
    OnItsLink,
    /// What names no hub of the app ends here, since the app would not answer it.
    NoCall,
    /// A client that is gone or was never here says nothing.
    NeverHere,
    /// The app is not told of the end of a client that it has ended, or never had.
    ToldOnce,
    /// Only app servers that send nonsense are told of an error.
    NoError,

    // Said beyond that.
    /// Every change of a group is acknowledged.
    AckOfAll,
    /// Clients of a connection that is lost are opened on another one of the app. The stub forgot
    /// them.
    OpenedAnew,

    // Not done.
    /// Connections of an app are not closed without need.
    LinkStays,
}

/// How often each is met.
const TIMES: [(Departure, usize); 15] = [
    (EmptyError, 26),
    (Status, 30),
    (AckWithReason, 3),
    (NoText, 1),
    (DoorRefuses, 3),
    (RefusedByDoor, 1),
    (IdOnce, 1),
    (OnItsLink, 1),
    (NoCall, 2),
    (NeverHere, 8),
    (ToldOnce, 8),
    (NoError, 1),
    (AckOfAll, 1),
    (OpenedAnew, 6),
    (LinkStays, 1),
];

impl Departure {
    /// Whether a message of the recorded service is not said.
    fn is_unsaid(self) -> bool {
        (DoorRefuses..=NoError).contains(&self)
    }
}

/// What was met.
#[derive(Debug, Default)]
pub(super) struct Met(BTreeMap<Departure, usize>);

impl Met {
    pub(super) fn note(&mut self, departure: Departure) {
        *self.0.entry(departure).or_default() += 1;
    }

    /// Messages of the recorded service that were not said.
    pub(super) fn unsaid(&self) -> usize {
        let unsaid = self.0.iter().filter(|(departure, _)| departure.is_unsaid());
        unsaid.map(|(_, times)| times).sum()
    }

    pub(super) fn check(&self) {
        assert_eq!(self.0, TIMES.into_iter().collect());
    }
}
