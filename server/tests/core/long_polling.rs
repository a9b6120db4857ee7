//! Long polling beyond what the recordings show.

use std::time::Duration;

use heliograph::front::core::Options;
use heliograph_relay::CloseReason;

use crate::http::Exchange;
use crate::hub::{Rule, Welcome};
use crate::stage::{ACCEPTED, CLOSE_AND_RECONNECT, HANDSHAKE, PING, Stage, echo, echoed};

fn quick() -> Options {
    Options {
        poll_timeout: Duration::from_millis(200),
        disconnect_timeout: Duration::from_millis(500),
        ..Options::default()
    }
}

#[tokio::test]
async fn a_poll_without_data_ends_in_time_and_the_next_one_goes_on() {
    let stage = Stage::start_with(quick(), Rule::default());
    let (ids, opened) = stage.polling().await;
    for _ in 0..2 {
        let answer = stage.get(&ids.target()).await;
        assert_eq!((answer.status, answer.text()), (200, ""));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.header("cache-control"), Some("no-cache, no-store"));
    }
    opened.push(&echoed(1, "a"));
    opened.push(&echoed(2, "b"));
    let answer = stage.get(&ids.target()).await;
    assert_eq!(answer.text(), echoed(1, "a") + &echoed(2, "b"));
    assert_eq!(
        answer.header("content-type"),
        Some("application/octet-stream")
    );
}

#[tokio::test]
async fn a_client_that_polls_no_more_is_gone_though_it_posts() {
    let stage = Stage::start_with(quick(), Rule::default());
    let (ids, _) = stage.polling().await;
    crate::soon("the end", async {
        while stage.post(&ids.target(), PING).await.status == 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(stage.post(&ids.target(), PING).await.status, 404);
    assert_eq!(stage.get(&ids.target()).await.status, 404);
    assert_eq!(stage.hub.end().await, CloseReason::TransportLost);
    stage.empty().await;
}

#[tokio::test]
async fn a_client_whose_poll_breaks_is_gone_in_the_end() {
    let options = Options {
        poll_timeout: Duration::from_secs(90),
        ..quick()
    };
    let stage = Stage::start_with(options, Rule::default());
    let (ids, _) = stage.polling().await;
    stage.begin(&ids.target(), &[]).await.reset();
    assert_eq!(stage.hub.end().await, CloseReason::TransportLost);
    stage.empty().await;
}

#[tokio::test]
async fn after_the_end_a_client_reads_its_last_bytes_then_204_then_404() {
    let stage = Stage::start();
    let (ids, opened) = stage.polling().await;
    opened.push(&echoed(1, "last"));
    opened.close(CloseReason::BackendLost);
    let answer = stage.get(&ids.target()).await;
    assert_eq!(answer.text(), echoed(1, "last") + CLOSE_AND_RECONNECT);
    assert_eq!(stage.post(&ids.target(), PING).await.status, 404);
    let answer = stage.get(&ids.target()).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (204, Some("text/plain"))
    );
    assert_eq!(stage.get(&ids.target()).await.status, 404);
    assert_eq!(stage.hub.end().await, CloseReason::BackendLost);
    stage.empty().await;
}

#[tokio::test]
async fn the_hub_learns_of_an_end_though_the_client_does_not_poll() {
    let stage = Stage::start();
    let (ids, opened) = stage.polling().await;
    opened.close(CloseReason::BackendLost);
    assert_eq!(stage.hub.end().await, CloseReason::BackendLost);
    assert_eq!(stage.get(&ids.target()).await.text(), CLOSE_AND_RECONNECT);
    assert_eq!(stage.get(&ids.target()).await.status, 204);
    stage.empty().await;
}

#[tokio::test]
async fn delete_ends_the_connection_once() {
    let stage = Stage::start();
    let (ids, _) = stage.polling().await;
    let answer = stage.delete(&ids.target()).await;
    assert_eq!((answer.status, answer.text()), (202, ""));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(stage.delete(&ids.target()).await.status, 404);
    stage.hub.end().await;
    stage.empty().await;
    assert_eq!(stage.hub.closed().len(), 1);
}

#[tokio::test]
async fn of_many_polls_the_newest_stays() {
    let stage = Stage::start();
    let (ids, opened) = stage.polling().await;
    let mut older = stage.begin(&ids.target(), &[]).await;
    for index in 0..5 {
        let newer = stage.begin(&ids.target(), &[]).await;
        // Only one of two is answered; which one stays is up to the order of their arrival.
        let mut polls = [older, newer];
        let answered = first_answer(&mut polls).await;
        let [first, second] = polls;
        older = if answered == 0 { second } else { first };
        opened.push(&echoed(index, "x"));
        assert_eq!(older.answer("GET").await.text(), echoed(index, "x"));
        older = stage.begin(&ids.target(), &[]).await;
    }
}

/// Which of two polls is answered with 204.
async fn first_answer(polls: &mut [Exchange; 2]) -> usize {
    let [first, second] = polls;
    let (which, status) = tokio::select! {
        (status, _) = first.head() => (0, status),
        (status, _) = second.head() => (1, status),
    };
    assert_eq!(status, 204);
    which
}

#[tokio::test]
async fn parallel_posts_are_taken_one_after_another() {
    let stage = Stage::start();
    let (ids, _) = stage.polling().await;
    let target = ids.target();
    let message = echo(1, "first");
    let (half, rest) = message.split_at(20);
    // The first POST has its turn when its half record was taken, and holds it until its end.
    let mut first = Exchange::connect(stage.address).await;
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: hub.test\r\nContent-Length: {}\r\n\r\n",
        message.len()
    );
    first.write((head + half).as_bytes()).await;
    let mut others = Vec::new();
    crate::soon("the turn", async {
        // An empty POST passes at once as long as nobody has the turn.
        while stage_is_free(&stage, &target).await {}
    })
    .await;
    for index in 2..6 {
        let body = echo(index, "x");
        let headers: [(&str, &str); 0] = [];
        others.push(
            Exchange::send(
                stage.address,
                "POST",
                &target,
                &headers,
                Some(body.as_bytes()),
            )
            .await,
        );
    }
    first.write(rest.as_bytes()).await;
    assert_eq!(first.answer("POST").await.status, 200);
    for other in &mut others {
        assert_eq!(other.answer("POST").await.status, 200);
    }
    let fed = stage.hub.fed();
    assert_eq!(fed.len(), 5);
    assert_eq!(fed[0], message);
}

async fn stage_is_free(stage: &Stage, target: &str) -> bool {
    let mut probe = Exchange::send(stage.address, "POST", target, &[], Some(b"")).await;
    let wait = Duration::from_millis(100);
    tokio::time::timeout(wait, probe.answer("POST"))
        .await
        .is_ok()
}

#[tokio::test]
async fn a_post_that_is_cut_short_is_refused() {
    let stage = Stage::start();
    let (ids, _) = stage.polling().await;
    let mut exchange = Exchange::connect(stage.address).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: hub.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzzz\r\n",
        ids.target()
    );
    exchange.write(head.as_bytes()).await;
    assert_eq!(exchange.answer("POST").await.status, 400);
}

#[tokio::test]
async fn a_post_that_never_ends_does_not_outlive_its_connection() {
    let stage = Stage::start();
    let (ids, _) = stage.polling().await;
    let mut exchange = Exchange::connect(stage.address).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: hub.test\r\nContent-Length: 100\r\n\r\n{{",
        ids.target()
    );
    exchange.write(head.as_bytes()).await;
    assert_eq!(stage.delete(&ids.target()).await.status, 202);
    stage.hub.end().await;
    stage.empty().await;
    assert_eq!(exchange.answer("POST").await.status, 404);
}

#[tokio::test]
async fn a_post_to_a_stalled_hub_waits_and_ends_with_its_connection() {
    let stage = Stage::start();
    let (ids, _) = stage.polling().await;
    stage.hub.stall(true);
    let body = echo(1, "a");
    let mut waits = Exchange::send(
        stage.address,
        "POST",
        &ids.target(),
        &[],
        Some(body.as_bytes()),
    )
    .await;
    let mut behind = Exchange::send(
        stage.address,
        "POST",
        &ids.target(),
        &[],
        Some(body.as_bytes()),
    )
    .await;
    assert_eq!(stage.delete(&ids.target()).await.status, 202);
    assert_eq!(waits.answer("POST").await.status, 404);
    assert_eq!(behind.answer("POST").await.status, 404);
    stage.hub.end().await;
    stage.empty().await;
    assert!(stage.hub.fed().is_empty());
}

#[tokio::test]
async fn a_post_whose_sender_is_gone_is_passed_on_all_the_same() {
    let stage = Stage::start();
    let (ids, _) = stage.polling().await;
    stage.hub.stall(true);
    let body = echo(1, "a");
    let waits = Exchange::send(
        stage.address,
        "POST",
        &ids.target(),
        &[],
        Some(body.as_bytes()),
    )
    .await;
    crate::soon("the turn", async {
        while stage_is_free(&stage, &ids.target()).await {}
    })
    .await;
    waits.reset();
    stage.hub.stall(false);
    assert_eq!(stage.get(&ids.target()).await.text(), echoed(1, "a"));
}

#[tokio::test]
async fn a_stalled_hub_does_not_keep_what_was_posted_early() {
    let options = quick();
    let stage = Stage::start_with(options, Rule::default());
    stage.hub.set(|rule| rule.welcome = Welcome::Never);
    let ids = stage.negotiate().await;
    assert_eq!(stage.post(&ids.target(), HANDSHAKE).await.status, 200);
    assert_eq!(stage.get(&ids.target()).await.status, 200);
    crate::until("an open", || stage.hub.open_count() == 1).await;
    stage.empty().await;
    assert!(stage.hub.closed().is_empty());
}

#[tokio::test]
async fn a_post_behind_a_handshake_that_is_refused_is_answered() {
    let stage = Stage::with_rule(|rule| rule.welcome = Welcome::Refused);
    stage.hub.stall(true);
    let ids = stage.negotiate().await;
    let target = ids.target();
    assert_eq!(stage.post(&target, HANDSHAKE).await.status, 200);
    assert_eq!(stage.get(&target).await.status, 200);
    crate::until("an open", || stage.hub.open_count() == 1).await;
    let mut behind =
        Exchange::send(stage.address, "POST", &target, &[], Some(PING.as_bytes())).await;
    let wait = Duration::from_millis(100);
    assert!(tokio::time::timeout(wait, behind.head()).await.is_err());
    stage.hub.stall(false);
    let (status, _) = behind.head().await;
    assert!(matches!(status, 200 | 404), "{status}");
    let answer = stage.get(&target).await;
    assert!(answer.text().contains("not supported"), "{answer:?}");
    assert_eq!(stage.get(&target).await.status, 204);
    stage.empty().await;
}

#[tokio::test]
async fn what_was_posted_before_the_transport_is_kept_and_too_much_of_it_waits() {
    let stage = Stage::start();
    let ids = stage.negotiate().await;
    let target = ids.target();
    let early = HANDSHAKE.to_owned() + &echo(1, "a");
    assert_eq!(stage.post(&target, &early).await.status, 200);
    let text = "x".repeat(1000);
    let large: String = (0..100).map(|id| echo(id, &text)).collect();
    let mut waits =
        Exchange::send(stage.address, "POST", &target, &[], Some(large.as_bytes())).await;
    let wait = Duration::from_millis(100);
    assert!(tokio::time::timeout(wait, waits.head()).await.is_err());
    assert_eq!(stage.get(&target).await.status, 200);
    assert_eq!(waits.answer("POST").await.status, 200);
    let answers: String = (0..100).map(|id| echoed(id, &text)).collect();
    let expected = ACCEPTED.to_owned() + &echoed(1, "a") + &answers;
    let mut text = String::new();
    while text.len() < expected.len() {
        text += stage.get(&target).await.text();
    }
    assert_eq!(text, expected);
}
