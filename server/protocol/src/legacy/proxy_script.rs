//! The script that gives a page its hubs as objects (section 9).
//!
//! It does what pages expect of `/signalr/hubs`: `$.connection.chatHub.server.send(…)` calls the
//! hub, and functions that a page puts into `$.connection.chatHub.client` before it starts are
//! called by the hub.

use std::borrow::Cow;

use super::framing::is_identifier;
use super::json::write_string;

/// A hub for pages to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubProxy<'a> {
    /// The property of `$.connection`, and the hub as calls name it, whatever the case.
    pub name: Cow<'a, str>,
    /// Its methods. Of several for one property the one with the fewest parameters counts.
    pub methods: Vec<MethodProxy<'a>>,
}

/// A method of a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodProxy<'a> {
    /// The method as calls name it.
    pub called: &'a str,
    /// The property of `server`.
    pub property: Cow<'a, str>,
    /// What its parameters are called; a help for readers alone.
    pub parameters: Vec<&'a str>,
}

/// The property of a hub that is named after its class: each part between dots begins with a lower
/// case letter, and the number of type parameters is left out.
#[must_use]
pub fn hub_property(class_name: &str) -> String {
    let name = class_name
        .split_once('`')
        .map_or(class_name, |(name, _)| name);
    camel_case(name)
}

/// The property of a method that is named after itself: each part between dots begins with a lower
/// case letter.
#[must_use]
pub fn method_property(name: &str) -> String {
    camel_case(name)
}

fn camel_case(name: &str) -> String {
    let mut is_start = true;
    let lowered = name.chars().map(|character| {
        let mut lower = character.to_lowercase();
        let is_lowered = std::mem::replace(&mut is_start, character == '.') && lower.len() == 1;
        lower.next().filter(|_| is_lowered).unwrap_or(character)
    });
    lowered.collect()
}

/// The script where proxies are not to be had.
pub const DISABLED: &str =
    "throw new Error(\"SignalR: JavaScript Hub proxy generation has been disabled.\");\n";

const BEGINNING: &str = r#"(function ($) {
    "use strict";

    if (typeof $.signalR !== "function") {
        throw new Error("SignalR: jquery.signalR has to be loaded before its hubs.");
    }

    $.hubConnection.prototype.createHubProxies = function () {
        var connection = this, proxies = {};

        // Tells every proxy to listen, or not to listen any more, for what its page can answer.
        function eachHandler(verb) {
            Object.keys(proxies).forEach(function (name) {
                var proxy = proxies[name];
                Object.keys(proxy.client).forEach(function (event) {
                    var handler = proxy.client[event];
                    if (typeof handler === "function") {
                        proxy[verb](event, function () {
                            handler.apply(proxy, arguments);
                        }, handler);
                    }
                });
            });
        }

        function add(name, methods) {
            var proxy = connection.createHubProxy(name);
            proxy.client = {};
            proxy.server = methods(function (method, values) {
                return proxy.invoke.apply(proxy, [method].concat([].slice.call(values)));
            });
            proxies[name] = proxy;
        }

        connection.starting(function () {
            eachHandler("on");
            connection._registerSubscribedHubs();
        }).disconnected(function () {
            eachHandler("off");
        });

"#;

/// Appends the script for the hubs of an endpoint, which lies at `service_url`.
pub fn write(out: &mut Vec<u8>, service_url: &str, hubs: &[HubProxy<'_>]) {
    out.extend_from_slice(BEGINNING.as_bytes());
    let mut hubs: Vec<_> = hubs.iter().collect();
    hubs.sort_by_key(|hub| &hub.name);
    for hub in hubs {
        write_hub(out, hub);
    }
    out.extend_from_slice(
        b"        return proxies;\n    };\n\n    $.signalR.hub = $.hubConnection(",
    );
    write_string(out, service_url);
    out.extend_from_slice(
        b", { useDefaultPath: false });\n    \
          $.extend($.signalR, $.signalR.hub.createHubProxies());\n}(window.jQuery));\n",
    );
}

fn write_hub(out: &mut Vec<u8>, hub: &HubProxy<'_>) {
    out.extend_from_slice(b"        add(");
    write_string(out, &hub.name);
    out.extend_from_slice(b", function ($invoke) {\n            return {");
    let mut methods: Vec<_> = hub.methods.iter().collect();
    methods.sort_by_key(|method| (&method.property, method.parameters.len()));
    methods.dedup_by_key(|method| &method.property);
    for (place, method) in methods.into_iter().enumerate() {
        out.extend_from_slice(if place == 0 { b"\n" } else { b",\n" });
        write_method(out, method);
    }
    out.extend_from_slice(b"\n            };\n        });\n\n");
}

fn write_method(out: &mut Vec<u8>, method: &MethodProxy<'_>) {
    out.extend_from_slice(b"                ");
    write_string(out, &method.property);
    out.extend_from_slice(b": function (");
    if are_parameters(&method.parameters) {
        out.extend_from_slice(method.parameters.join(", ").as_bytes());
    }
    out.extend_from_slice(b") {\n                    return $invoke(");
    write_string(out, method.called);
    out.extend_from_slice(b", arguments);\n                }");
}

/// Whether a function can list these parameters; a call works without the list too.
fn are_parameters(parameters: &[&str]) -> bool {
    let is_fit = |name: &&str| is_identifier(name) && name.is_ascii() && !name.contains('$');
    let is_repeated = |(place, name)| parameters.iter().take(place).any(|other| *other == name);
    parameters.iter().all(is_fit) && !parameters.iter().copied().enumerate().any(is_repeated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method<'a>(called: &'a str, parameters: &[&'a str]) -> MethodProxy<'a> {
        MethodProxy {
            called,
            property: method_property(called).into(),
            parameters: parameters.to_vec(),
        }
    }

    #[test]
    fn names_begin_with_a_lower_case_letter() {
        assert_eq!(hub_property("ChatHub"), "chatHub");
        assert_eq!(hub_property("My.Deep.Hub`2"), "my.deep.hub");
        assert_eq!(hub_property("ÄHub"), "äHub");
        assert_eq!(method_property("SendAll"), "sendAll");
        assert_eq!(method_property("İ"), "İ");
        assert_eq!(method_property(""), "");
    }

    #[test]
    fn hubs_and_methods_are_sorted_and_quoted() {
        let chat = HubProxy {
            name: "chat\"Hub".into(),
            methods: vec![
                method("Zoom", &[]),
                method("Send-All", &["text", "count"]),
                method("Get", &["id", "default"]),
                method("Get", &["class"]),
            ],
        };
        let empty = HubProxy {
            name: "a".into(),
            methods: Vec::new(),
        };
        let mut out = Vec::new();
        write(&mut out, "/sig\u{2028}nalr", &[chat, empty]);
        let script = String::from_utf8(out).unwrap();
        let hubs = script.strip_prefix(BEGINNING).unwrap();
        let expected = r#"        add("a", function ($invoke) {
            return {
            };
        });

        add("chat\"Hub", function ($invoke) {
            return {
                "get": function () {
                    return $invoke("Get", arguments);
                },
                "send-All": function (text, count) {
                    return $invoke("Send-All", arguments);
                },
                "zoom": function () {
                    return $invoke("Zoom", arguments);
                }
            };
        });

        return proxies;
    };

    $.signalR.hub = $.hubConnection("/sig\u2028nalr", { useDefaultPath: false });
    $.extend($.signalR, $.signalR.hub.createHubProxies());
}(window.jQuery));
"#;
        assert_eq!(hubs, expected);
    }

    #[test]
    fn parameters_are_listed_only_where_a_script_can() {
        for (parameters, fit) in [
            (["a", "b"], true),
            (["a", "a"], false),
            (["a", "arguments"], false),
            (["a", "$invoke"], false),
            (["a", "b) {} //"], false),
            (["a", "let"], false),
            (["a", ""], false),
        ] {
            assert_eq!(are_parameters(&parameters), fit, "{parameters:?}");
        }
    }
}
