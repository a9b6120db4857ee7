//! Two hubs to begin with: a chat room, and one for loads.

use super::{Caller, EmbeddedHub, Options};

/// Longest name and text that the chat passes on, in characters.
const MAX_NAME: usize = 40;
const MAX_TEXT: usize = 2_000;

/// The demo's hub: `Send(user, text)` calls `receive(user, text)` at all clients; `Join(room)`,
/// `Leave(room)` and `SendTo(room, user, text)` do the same for rooms.
#[must_use]
pub fn chat(options: Options) -> EmbeddedHub {
    EmbeddedHub::builder("chat")
        .options(options)
        .method(
            "Send",
            |caller: Caller, (user, text): (String, String)| async move {
                let message = (cut(&user, MAX_NAME), cut(&text, MAX_TEXT));
                caller.clients().all().send("receive", message).await
            },
        )
        .method(
            "SendTo",
            |caller: Caller, (room, user, text): (String, String, String)| async move {
                let message = (cut(&user, MAX_NAME), cut(&text, MAX_TEXT));
                let room = cut(&room, MAX_NAME);
                caller.clients().group(room).send("receive", message).await
            },
        )
        .method("Join", |caller: Caller, (room,): (String,)| async move {
            caller.join(cut(&room, MAX_NAME));
            Ok(())
        })
        .method("Leave", |caller: Caller, (room,): (String,)| async move {
            caller.leave(cut(&room, MAX_NAME));
            Ok(())
        })
        .build()
}

/// A hub for loads: `Echo(text)` returns the text, `Broadcast(text)` calls `m(text)` at all.
#[must_use]
pub fn bench(options: Options) -> EmbeddedHub {
    EmbeddedHub::builder("bench")
        .options(options)
        .method(
            "Echo",
            |_: Caller, (text,): (String,)| async move { Ok(text) },
        )
        .method(
            "Broadcast",
            |caller: Caller, (text,): (String,)| async move {
                caller.clients().all().send("m", (text,)).await
            },
        )
        .build()
}

/// The first characters of a text.
fn cut(text: &str, characters: usize) -> &str {
    text.char_indices()
        .nth(characters)
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or(text)
}
