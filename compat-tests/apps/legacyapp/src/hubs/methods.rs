//! What the proxy script says of the hubs.

use heliograph_protocol::legacy::proxy_script::{MethodProxy, method_property};

use super::Hub;

/// The methods of a hub, with their parameters.
pub(crate) fn of(hub: Hub) -> Vec<MethodProxy<'static>> {
    let methods: &[(&str, &[&str])] = match hub {
        Hub::Conformance => &CONFORMANCE,
        Hub::Second => &[
            ("Echo", &["text"]),
            ("Callback", &["text"]),
            ("Broadcast", &["text"]),
        ],
        Hub::Greeter => &[("Echo", &["text"])],
        Hub::Failing => &[],
        Hub::Guarded => &[("Who", &[]), ("Callback", &["text"])],
    };
    let proxies = methods.iter().map(|(name, parameters)| MethodProxy {
        called: name,
        property: method_property(name).into(),
        parameters: parameters.to_vec(),
    });
    proxies.collect()
}

const CONFORMANCE: [(&str, &[&str]); 40] = [
    ("Echo", &["text"]),
    ("Add", &["a", "b"]),
    ("Types", &["b", "i", "l", "d", "s", "list"]),
    ("EchoPerson", &["person"]),
    ("Void", &[]),
    ("Null", &[]),
    ("Slow", &["ms"]),
    ("Large", &["n"]),
    ("Length", &["text"]),
    ("Throw", &["message"]),
    ("ThrowHub", &["message"]),
    ("ThrowHubData", &["message", "key", "value"]),
    ("Overload", &[]),
    ("Overload", &["n"]),
    ("renamedMethod", &[]),
    ("Callback", &["text"]),
    ("CallbackArgs", &[]),
    ("Burst", &["n", "prefix"]),
    ("PushLater", &["ms", "n", "prefix"]),
    ("Broadcast", &["text"]),
    ("BroadcastOthers", &["text"]),
    ("BroadcastExcept", &["text", "ids"]),
    ("SendConnection", &["id", "text"]),
    ("SendUser", &["user", "text"]),
    ("JoinGroup", &["group"]),
    ("LeaveGroup", &["group"]),
    ("SendGroup", &["group", "text"]),
    ("SendGroupExcept", &["group", "text", "ids"]),
    ("SendOthersInGroup", &["group", "text"]),
    ("ConnectionId", &[]),
    ("UserName", &[]),
    ("Query", &["name"]),
    ("Header", &["name"]),
    ("CookieValue", &["name"]),
    ("Log", &["id"]),
    ("Secret", &[]),
    ("AdminOnly", &[]),
    ("NextCount", &[]),
    ("ReadCounter", &[]),
    ("PushState", &["text"]),
];
