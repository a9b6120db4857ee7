//! A chat room in one file: `cargo run --example hub`, then open the URL that it prints in two
//! tabs. The hub is at `/chat`, for any SignalR client.
#![allow(clippy::print_stdout, reason = "the example says where it listens")]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use futures_util::stream;
use heliograph::backend::embedded::{Caller, EmbeddedHub, HubError, Upload};
use heliograph::edge::listener::{self, Listener};
use heliograph::embed::HubServer;

/// The name that a caller gave itself.
#[derive(Clone)]
struct Nickname(String);

#[tokio::main]
async fn main() -> io::Result<()> {
    let room = room();
    // Another part of the program that talks to the room.
    let handle = room.handle();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            let count = handle.connections();
            if let Err(error) = handle.clients().all().send("count", (count,)).await {
                println!("nobody was told: {error}");
            }
        }
    });

    let address = SocketAddr::from(([127, 0, 0, 1], 5000));
    let listener = Listener::bind(address, listener::Options::default())?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("Open {url}/ in two tabs, or connect a SignalR client to {url}/chat");
    let stop = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            println!("cannot wait for ctrl-c: {error}");
        }
    };
    let page = Router::new().route("/", get(async || Html(include_str!("hub.html"))));
    let server = HubServer::builder()
        .hub("/chat", &room)
        .routes(page)
        .build();
    server.serve(listener, stop).await;
    Ok(())
}

fn room() -> EmbeddedHub {
    EmbeddedHub::builder("chat")
        .on_connected(|caller: Caller| async move {
            caller
                .clients()
                .caller()
                .send("receive", ("room", "Who are you?"))
                .await
        })
        .on_disconnected(|caller: Caller, _error| async move {
            if let Some(Nickname(name)) = caller.kept() {
                // There is nobody to tell that telling failed.
                _ = caller.clients().all().send("left", (name,)).await;
            }
        })
        .method("SetName", |caller: Caller, (name,): (String,)| async move {
            if name.trim().is_empty() {
                return Err(HubError::visible("A name must not be empty."));
            }
            caller.keep(Nickname(name));
            Ok(())
        })
        .method("Say", |caller: Caller, (text,): (String,)| async move {
            let Nickname(name) = caller
                .kept()
                .ok_or_else(|| HubError::visible("Call SetName first."))?;
            caller
                .clients()
                .others()
                .send("receive", (name, text))
                .await
        })
        .stream("Count", |_: Caller, (to,): (u32,)| async move {
            Ok(stream::iter((1..=to).map(Ok)))
        })
        .method(
            "Sum",
            |_: Caller, (mut numbers,): (Upload<i64>,)| async move {
                let mut sum = 0_i64;
                while let Some(number) = numbers.next().await {
                    sum = sum.saturating_add(number?);
                }
                Ok(sum)
            },
        )
        .build()
}
