//! What a hub delivers to whom.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heliograph_relay::{
    Client, ConnectionId, Dialect, Encode, Frame, FrameClass, FrameSet, Hub, Joined, Limits,
    Outbox, Relay, Send, Taken, Target,
};

static LIMITS: Limits = Limits {
    bytes: 1 << 20,
    frames: 1 << 10,
};
const JSON: Dialect = Dialect(0);
const OTHER: Dialect = Dialect(1);

/// A message that exists in two dialects and counts how often it is encoded.
#[derive(Default)]
struct Message {
    encoded: Cell<usize>,
}

impl Encode for Message {
    fn encode(&self, dialect: Dialect) -> Option<Frame> {
        self.encoded.set(self.encoded.get() + 1);
        (dialect == JSON || dialect == OTHER)
            .then(|| Frame::new(vec![dialect.0], 0, FrameClass::Counted))
    }
}

struct Scene {
    hub: Arc<Hub>,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        Self {
            hub: Relay::new().hub("Chat"),
            now: Instant::now(),
        }
    }

    fn client(&self, id: &str, user: Option<&str>) -> Arc<Client> {
        self.client_with(id, user, JSON)
    }

    fn client_with(&self, id: &str, user: Option<&str>, dialect: Dialect) -> Arc<Client> {
        let outbox = Arc::new(Outbox::new(&LIMITS));
        outbox.answer(Frame::new(vec![], 0, FrameClass::Handshake));
        _ = outbox.try_take(usize::MAX, &mut Vec::new());
        let client = Arc::new(Client::new(ConnectionId::new(id), user, dialect, outbox));
        assert!(self.hub.add(&client, self.now));
        client
    }

    fn send(&self, send: &Send<'_>) -> usize {
        self.hub.send(send, &mut FrameSet::new(&Message::default()))
    }
}

/// Frames that waited for a client.
fn received(client: &Client) -> usize {
    let mut frames = Vec::new();
    match client.outbox().try_take(usize::MAX, &mut frames) {
        None | Some(Taken::Frames) => frames.len(),
        Some(Taken::Last(_)) => usize::MAX,
    }
}

fn all(clients: &[&Arc<Client>]) -> Vec<usize> {
    clients.iter().map(|client| received(client)).collect()
}

#[test]
fn each_dialect_is_encoded_once_and_shared() {
    let scene = Scene::new();
    let clients: Vec<_> = (0..50)
        .map(|n| scene.client_with(&n.to_string(), None, if n % 2 == 0 { JSON } else { OTHER }))
        .collect();
    let message = Message::default();
    let sent = scene
        .hub
        .send(&Send::to(Target::All), &mut FrameSet::new(&message));
    assert_eq!((sent, message.encoded.get()), (50, 2));
    assert!(clients.iter().all(|client| received(client) == 1));
}

#[test]
fn a_receiver_whose_dialect_the_message_lacks_is_skipped() {
    let scene = Scene::new();
    let lacking = scene.client_with("a", None, Dialect(9));
    let reading = scene.client("b", None);
    assert_eq!(scene.send(&Send::to(Target::All)), 1);
    assert_eq!(all(&[&lacking, &reading]), [0, 1]);
}

#[test]
fn exclusions_hold_for_every_target() {
    let scene = Scene::new();
    let (a, b, c) = (
        scene.client("a", Some("u")),
        scene.client("b", Some("u")),
        scene.client("c", Some("v")),
    );
    for id in ["a", "b", "c"] {
        assert_eq!(scene.hub.join(id, "g"), Joined::Ok);
    }
    for target in [Target::All, Target::Groups(&["g"])] {
        scene.send(&Send {
            target,
            except: &["b", "unknown"],
            except_users: &["v"],
        });
        assert_eq!(all(&[&a, &b, &c]), [1, 0, 0]);
    }
}

#[test]
fn a_connection_in_several_groups_gets_one_copy() {
    let scene = Scene::new();
    let (a, b) = (scene.client("a", None), scene.client("b", None));
    scene.hub.join("a", "x");
    scene.hub.join("a", "y");
    scene.hub.join("b", "y");
    scene.send(&Send::to(Target::Groups(&["x", "y", "none"])));
    assert_eq!(all(&[&a, &b]), [1, 1]);
}

#[test]
fn users_and_connections_are_found_by_exact_name() {
    let scene = Scene::new();
    let (a, b) = (
        scene.client("a", Some("Ann")),
        scene.client("b", Some("ann")),
    );
    scene.send(&Send::to(Target::Users(&["Ann", "nobody"])));
    assert_eq!(all(&[&a, &b]), [1, 0]);
    scene.send(&Send::to(Target::Connections(&["b", "A"])));
    assert_eq!(all(&[&a, &b]), [0, 1]);
}

#[test]
fn who_is_named_twice_gets_a_message_once() {
    let scene = Scene::new();
    let a = scene.client("a", Some("ann"));
    scene.send(&Send::to(Target::Connections(&["a", "a"])));
    scene.send(&Send::to(Target::Users(&["ann", "bob", "ann"])));
    assert_eq!(received(&a), 2);
}

#[test]
fn a_taken_id_is_not_added_again() {
    let scene = Scene::new();
    let first = scene.client("a", None);
    let outbox = Arc::new(Outbox::new(&LIMITS));
    let second = Arc::new(Client::new(ConnectionId::new("a"), None, JSON, outbox));
    assert!(!scene.hub.add(&second, scene.now));
    scene.send(&Send::to(Target::All));
    assert_eq!((received(&first), scene.hub.len()), (1, 1));
}

#[test]
fn a_removed_connection_is_in_nothing_and_cannot_join_again() {
    let scene = Scene::new();
    let client = scene.client("a", Some("u"));
    scene.hub.join("a", "g");
    assert!(scene.hub.group_exists("g") && scene.hub.user_exists("u"));
    assert!(scene.hub.remove(&client));
    assert!(!scene.hub.remove(&client));
    assert!(!scene.hub.group_exists("g") && !scene.hub.user_exists("u"));
    assert!(scene.hub.is_empty() && scene.hub.connection("a").is_none());
    assert_eq!(scene.hub.join("a", "g"), Joined::NotFound);
    assert_eq!(scene.hub.leave("a", Some("g")), Joined::NotFound);
}

#[test]
fn leaving_without_a_name_leaves_every_group() {
    let scene = Scene::new();
    let client = scene.client("a", None);
    for group in ["x", "y"] {
        scene.hub.join("a", group);
    }
    assert_eq!(scene.hub.leave("a", None), Joined::Ok);
    assert_eq!(scene.send(&Send::to(Target::Groups(&["x", "y"]))), 0);
    assert_eq!(received(&client), 0);
}

#[test]
fn a_user_in_a_group_brings_present_and_future_connections_until_the_time_is_up() {
    let scene = Scene::new();
    let early = scene.client("early", Some("u"));
    scene
        .hub
        .user_join("u", "g", Some(Duration::from_secs(10)), scene.now);
    let late = scene.client("late", Some("u"));
    scene.send(&Send::to(Target::Groups(&["g"])));
    assert_eq!(all(&[&early, &late]), [1, 1]);
    assert!(scene.hub.user_in_group("u", "g", scene.now));

    // One of them is a member by its own right, too.
    scene.hub.join("late", "g");
    let over = scene.now + Duration::from_secs(11);
    scene.hub.expire(over);
    scene.send(&Send::to(Target::Groups(&["g"])));
    assert_eq!(all(&[&early, &late]), [0, 1]);
}

#[test]
fn a_user_who_is_not_connected_can_be_in_a_group() {
    let scene = Scene::new();
    scene.hub.user_join("u", "g", None, scene.now);
    assert!(!scene.hub.group_exists("g"));
    assert!(scene.hub.user_in_group("u", "g", scene.now));
    scene.client("a", Some("u"));
    assert!(scene.hub.group_exists("g"));
    scene.hub.user_leave("u", None);
    assert!(!scene.hub.group_exists("g"));
    assert!(!scene.hub.user_in_group("u", "g", scene.now));
}

#[test]
fn hub_names_ignore_case_and_group_names_do_not() {
    let relay = Relay::new();
    assert!(Arc::ptr_eq(&relay.hub("Chat"), &relay.hub("chat")));
    let scene = Scene::new();
    scene.client("a", None);
    scene.hub.join("a", "Group");
    assert!(scene.hub.group_exists("Group") && !scene.hub.group_exists("group"));
}

#[test]
fn joins_leaves_and_sends_from_many_threads_leave_nothing_behind() {
    let scene = Scene::new();
    let hub = &scene.hub;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..200 {
                    let id = format!("{thread}-{n}");
                    let outbox = Arc::new(Outbox::new(&LIMITS));
                    let client =
                        Arc::new(Client::new(ConnectionId::new(&id), Some("u"), JSON, outbox));
                    assert!(hub.add(&client, Instant::now()));
                    hub.join(&id, "g");
                    let message = Message::default();
                    hub.send(
                        &Send::to(Target::Groups(&["g"])),
                        &mut FrameSet::new(&message),
                    );
                    hub.leave(&id, (n % 2 == 0).then_some("g"));
                    assert!(hub.remove(&client));
                }
            });
        }
    });
    assert!(hub.is_empty() && !hub.group_exists("g") && !hub.user_exists("u"));
}

#[test]
fn a_client_whose_id_was_taken_does_not_take_the_other_along() {
    let scene = Scene::new();
    let first = scene.client("a", None);
    let outbox = Arc::new(Outbox::unheld(&LIMITS));
    let second = Arc::new(Client::new(ConnectionId::new("a"), None, JSON, outbox));
    assert!(!scene.hub.add(&second, scene.now));
    assert!(!scene.hub.remove(&second));
    assert_eq!(scene.hub.len(), 1);
    assert!(scene.hub.remove(&first));
}

#[test]
fn a_client_that_is_known_by_two_ids_is_one() {
    let scene = Scene::new();
    let outbox = Arc::new(Outbox::unheld(&LIMITS));
    let client = Client::new(ConnectionId::new("a_2"), None, JSON, Arc::clone(&outbox));
    let client = Arc::new(client.known_as(ConnectionId::new("a")));
    assert!(scene.hub.add(&client, scene.now));
    assert_eq!(scene.send(&Send::to(Target::Connections(&["a"]))), 1);
    assert_eq!(
        scene.send(&Send::to(Target::Connections(&["a", "a_2", "a"]))),
        1
    );
    assert_eq!(scene.hub.join("a", "g"), Joined::Ok);
    assert_eq!(scene.send(&Send::to(Target::Groups(&["g"]))), 1);
    for id in ["a", "a_2"] {
        let send = Send {
            except: &[id],
            ..Send::to(Target::All)
        };
        assert_eq!(scene.send(&send), 0, "{id}");
    }
    assert_eq!(scene.hub.leave("a", Some("g")), Joined::Ok);
    assert!(!scene.hub.group_exists("g"));
    assert_eq!(received(&client), 3);
    assert!(scene.hub.remove(&client));
    assert!(scene.hub.connection("a").is_none());
}

#[test]
fn an_alias_never_hides_an_id_and_goes_with_its_first_owner_alone() {
    let scene = Scene::new();
    let known_as = |id: &str, alias: &str| {
        let outbox = Arc::new(Outbox::unheld(&LIMITS));
        let client = Client::new(ConnectionId::new(id), None, JSON, outbox);
        let client = Arc::new(client.known_as(ConnectionId::new(alias)));
        assert!(scene.hub.add(&client, scene.now));
        client
    };
    let plain = scene.client("a", None);
    let (first, second) = (known_as("b", "a"), known_as("c", "x"));
    let third = known_as("d", "x");
    let found = |id: &str| scene.hub.connection(id).map(|client| client.id().clone());
    assert_eq!(found("a"), Some(plain.id().clone()));
    scene.hub.remove(&third);
    assert_eq!(found("x"), Some(second.id().clone()));
    scene.hub.remove(&plain);
    assert_eq!(found("a"), Some(first.id().clone()));
}
