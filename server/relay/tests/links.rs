//! Which link a client gets.

use std::sync::Arc;

use heliograph_relay::{Link, LinkKind, Links, Sticky};

fn link(links: &Links, id: &str, server: &str, kind: LinkKind) -> Arc<Link> {
    let link = Arc::new(Link::new(id, server, kind, 1024));
    links.add(&link);
    link
}

#[test]
fn clients_spread_over_the_least_loaded_links() {
    let links = Links::default();
    let all: Vec<_> = ["1", "2", "3"]
        .map(|id| link(&links, id, "s", LinkKind::Default))
        .into();
    for _ in 0..30 {
        assert!(links.choose(Sticky::Any).is_some());
    }
    assert_eq!(
        all.iter().map(|link| link.clients()).collect::<Vec<_>>(),
        [10, 10, 10]
    );
    all[0].client_removed();
    assert_eq!(links.choose(Sticky::Any).unwrap().id(), "1");
}

#[test]
fn weak_leaving_and_closed_links_get_no_client() {
    let links = Links::default();
    link(&links, "weak", "s", LinkKind::Weak);
    let leaving = link(&links, "leaving", "s", LinkKind::Default);
    leaving.leave();
    let closed = link(&links, "closed", "s", LinkKind::Default);
    closed.queue().close();
    assert!(links.choose(Sticky::Any).is_none());
    link(&links, "asked", "s", LinkKind::OnDemand);
    assert_eq!(links.choose(Sticky::Any).unwrap().id(), "asked");
}

#[test]
fn a_sticky_client_keeps_to_its_server() {
    let links = Links::default();
    link(&links, "a", "one", LinkKind::Default);
    let busy = link(&links, "b", "two", LinkKind::Default);
    (0..5).for_each(|_| busy.client_added());
    assert_eq!(links.choose(Sticky::Preferred("two")).unwrap().id(), "b");
    assert_eq!(links.choose(Sticky::Required("two")).unwrap().id(), "b");
    assert_eq!(links.choose(Sticky::Preferred("gone")).unwrap().id(), "a");
    assert!(links.choose(Sticky::Required("gone")).is_none());
    assert_eq!(
        links.servers(),
        ["one".into(), "two".into()] as [Box<str>; 2]
    );
}

#[test]
fn a_full_queue_makes_its_feeders_wait_and_an_overfull_one_closes() {
    use std::task::{Context, Waker};
    let link = Link::new("a", "s", LinkKind::Default, 10);
    let mut cx = Context::from_waker(Waker::noop());
    let queue = link.queue();
    assert!(queue.poll_ready(&mut cx).is_ready());
    assert!(queue.append(|bytes| bytes.extend([0; 10])));
    assert!(queue.poll_ready(&mut cx).is_pending());
    let mut taken = Vec::new();
    assert!(queue.poll_take(&mut cx, &mut taken).is_ready());
    assert_eq!((taken.len(), queue.is_empty()), (10, true));
    assert!(queue.poll_ready(&mut cx).is_ready());
    assert!(queue.append(|bytes| bytes.extend([0; 100])));
    assert!(queue.is_closed());
    assert!(!queue.append(|_| ()));
}
