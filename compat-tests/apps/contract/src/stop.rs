//! When a program ends.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// Done when the program is to end: by a signal, by `stop`, or at the end of the standard input if
/// that counts.
///
/// # Errors
///
/// When signals cannot be had.
pub fn stopped(at_end_of_input: bool, stop: Arc<Notify>) -> io::Result<impl Future<Output = ()>> {
    if at_end_of_input {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            // An input that cannot be read has ended too.
            _ = io::copy(&mut io::stdin(), &mut io::sink());
            stop.notify_one();
        });
    }
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    Ok(async move {
        tokio::select! {
            () = stop.notified() => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
