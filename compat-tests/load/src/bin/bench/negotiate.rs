//! As much HTTP as it takes to be sent from an app to the service.

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest answer that is read.
const LONGEST: u64 = 64 * 1024;

/// Where the app sends clients of its hub: path and query at the service, with the token.
pub(crate) async fn redirect(app: &str, hub: &str) -> Result<String> {
    let path = format!("{hub}/negotiate?negotiateVersion=1");
    let answer = request(app, "POST", &path).await?;
    target(&answer).context("the app does not send clients to the service")
}

/// The status of an answer.
pub(crate) async fn status(address: &str, method: &str, path: &str) -> Result<u16> {
    let answer = request(address, method, path).await?;
    let status = answer.split(' ').nth(1).context("no status")?;
    status.parse().context("no status")
}

/// HTTP/1.0, so that the answer comes in one piece and ends with the connection.
async fn request(address: &str, method: &str, path: &str) -> Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
    socket.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    socket.take(LONGEST).read_to_string(&mut answer).await?;
    Ok(answer)
}

fn target(answer: &str) -> Option<String> {
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let body: Value = serde_json::from_str(body).ok()?;
    let (_, after_scheme) = body["url"].as_str()?.split_once("://")?;
    let (_, path) = after_scheme.split_once('/')?;
    let token = body["accessToken"].as_str()?;
    let separator = if path.contains('?') { '&' } else { '?' };
    Some(format!("/{path}{separator}access_token={token}"))
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn a_redirect_gives_path_query_and_token() {
        let answer = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n{\"url\":\"http://h:1/client/?hub=bench\",\
                      \"accessToken\":\"t\",\"availableTransports\":[]}";
        let found = target(answer);
        assert_eq!(found.as_deref(), Some("/client/?hub=bench&access_token=t"));
        assert_eq!(target("HTTP/1.1 503 Service Unavailable\r\n\r\n"), None);
    }
}
