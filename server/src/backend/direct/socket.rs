//! Opening the WebSocket to a hub.

use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::Direct;
use super::place::Place;
use crate::backend::ClientRequest;
use crate::backend::asking::Failure;

/// Read buffer of one connection.
const READ_BUFFER_BYTES: usize = 4 << 10;
/// A silent hub is probed after this long, so that one whose machine is gone is found out.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
/// Time between probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Direct {
    /// Opens the WebSocket of a connection. Dropping the future gives up.
    pub(super) async fn dial(
        &self,
        request: &ClientRequest,
        place: &Place,
    ) -> Result<Socket, Failure> {
        let limit = self.options.connect_timeout;
        timeout(limit, Box::pin(self.dial_unbounded(request, place))).await?
    }

    async fn dial_unbounded(
        &self,
        request: &ClientRequest,
        place: &Place,
    ) -> Result<Socket, Failure> {
        let trip = self.trip(request, place)?;
        let address = &trip.address;
        let mut upgrade = address
            .socket_url(trip.query(), place.id.as_deref())
            .into_client_request()?;
        let stream = TcpStream::connect((address.host(), address.port())).await?;
        stream.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE_AFTER)
            .with_interval(KEEPALIVE_INTERVAL);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        upgrade.headers_mut().extend(trip.headers);
        let limit = Some(self.options.max_hub_message_bytes);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(limit)
            .max_frame_size(limit);
        let tls = Connector::Rustls(Arc::clone(self.http.tls()));
        let (socket, _) =
            client_async_tls_with_config(upgrade, stream, Some(config), Some(tls)).await?;
        Ok(socket)
    }
}
