//! What an app server is told of a client that comes or goes.

use heliograph_protocol::service::{
    DataMessageType, Extensions, Message, encode, write_connection_data,
};

use super::linked::LinkedClient;

/// Headers of OpenConnection and CloseConnection: a name and its values.
pub(super) type HeaderList<'a> = Vec<(&'a str, Vec<&'a str>)>;

/// Appends OpenConnection and, right behind it, the client's handshake record (service protocol,
/// 5.1 and 5.2). `migrated_from` names the app server that the client comes from.
pub(super) fn write_open(
    out: &mut Vec<u8>,
    client: &LinkedClient,
    instance_id: &str,
    migrated_from: Option<&str>,
) {
    let identity = &client.request.identity;
    let claims = identity
        .claims
        .iter()
        .map(|(kind, value)| (kind.as_str(), value.as_str()));
    let remote = client.request.remote.map(|address| address.to_string());
    let mut headers = headers(client, remote.as_deref());
    headers.push(("Asrs-Instance-Id", vec![instance_id]));
    let diagnostic = if identity.service.diagnostic {
        "true"
    } else {
        "false"
    };
    headers.push(("Asrs-Is-Diagnostic-Client", vec![diagnostic]));
    if let Some(server) = migrated_from {
        headers.push(("Asrs-Migrate-From", vec![server]));
    }
    let query = match &*client.request.query {
        "" => String::new(),
        query => format!("?{query}"),
    };
    let open = Message::OpenConnection {
        connection_id: client.id(),
        claims: claims.collect(),
        headers,
        query_string: &query,
        extensions: Extensions {
            protocol: Some(&*client.protocol).filter(|_| !client.is_classic()),
            ..Extensions::default()
        },
    };
    encode(&open, out);
    if client.is_classic() {
        return;
    }
    write_connection_data(
        out,
        client.id(),
        &client.handshake,
        Some(DataMessageType::Handshake),
    );
}

/// Appends CloseConnection (service protocol, 5.4).
pub(super) fn write_close(out: &mut Vec<u8>, id: &str, error: &str, headers: &[(&str, Vec<&str>)]) {
    let close = Message::CloseConnection {
        connection_id: id,
        error,
        headers: headers.to_vec(),
        extensions: Extensions::default(),
    };
    encode(&close, out);
}

/// The client's headers, each name once: the app server takes a name that comes twice, in whatever
/// case, as an error. The client's token is ours and stays here.
fn headers<'a>(client: &'a LinkedClient, remote: Option<&'a str>) -> HeaderList<'a> {
    let mut headers: HeaderList<'a> = Vec::new();
    for (name, value) in client.request.headers.iter() {
        if name.eq_ignore_ascii_case("authorization") || is_ours(name) {
            continue;
        }
        match headers
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
        {
            Some((_, values)) => values.push(value),
            None => headers.push((name, vec![value])),
        }
    }
    if let Some(remote) = remote {
        // The app server takes the first address for the client's.
        let is_forwarded = |name: &str| name.eq_ignore_ascii_case("x-forwarded-for");
        let first = headers.iter().find(|(name, _)| is_forwarded(name));
        let first = first.and_then(|(_, values)| values.first()?.split(',').next());
        if first.is_none_or(|first| first.trim() != remote) {
            headers.retain(|(name, _)| !is_forwarded(name));
            headers.push(("X-Forwarded-For", vec![remote]));
        }
    }
    headers
}

/// Whether only the service may set a header: the app server believes these.
fn is_ours(name: &str) -> bool {
    let begins = |with: &str| {
        name.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    begins("asrs-") || begins("x-asrs-")
}
