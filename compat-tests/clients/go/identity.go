package main

import (
	"net/http"
	"net/url"
	"strings"

	"heliograph.invalid/compat-common/check"
)

var identityScenarios = []scenario{
	{name: "who-anonymous", run: func(s *scene) { check.Equal(nil, s.connect(wish{}).call("UserId"), "the user id") }},
	{name: "who-user", run: whoUser},
	{name: "who-query", run: whoQuery},
	{name: "who-headers", run: whoHeaders},
	{name: "who-transport", run: whoTransport},
	{name: "auth-refused", run: authRefused},
	{name: "auth-token", run: authToken},
	{name: "auth-query", run: authQuery},
	{name: "auth-role", run: authRole},
}

// The member of an answer: camel case in JSON, as declared in MessagePack.
func member(answer any, name string) any {
	object, _ := check.Plain(answer).(map[string]any)
	if value, ok := object[name]; ok {
		return value
	}
	value, ok := object[strings.ToUpper(name[:1])+name[1:]]
	check.That(ok, "no member %s in %s", name, check.Shown(answer))
	return value
}

func whoUser(s *scene) {
	user := s.name("ü&ser ")
	peer := s.connect(wish{token: "user=" + url.QueryEscape(user) + "&role=admin&claim=dept:r%26d"})
	check.Equal(user, peer.call("UserId"), "the user id")
	seen := peer.call("WhoAmI")
	check.Equal(user+"-name", member(seen, "name"), "the name")
	dept := []any{}
	claims, _ := member(seen, "claims").([]any)
	for _, claim := range claims {
		if pair, ok := claim.([]any); ok && len(pair) == 2 && pair[0] == "dept" {
			dept = append(dept, pair[1])
		}
	}
	check.Equal([]string{"r&d"}, dept, "the claim")
}

func whoQuery(s *scene) {
	peer := s.connect(wish{query: "tenant=r%26d%20%C3%BC&list=1&list=2"})
	check.Equal("r&d ü", peer.call("Query", "tenant"), "tenant")
	check.Equal("1,2", peer.call("Query", "list"), "list")
	check.Equal("", peer.call("Query", "missing"), "a parameter that was not given")
}

func whoHeaders(s *scene) {
	peer := s.connect(wish{headers: http.Header{"X-First": {`one, two; three="4"`}}})
	check.Equal(`one, two; three="4"`, peer.call("Header", "X-First"), "X-First")
	check.Equal("", peer.call("Header", "X-Third"), "a header that was not sent")
}

func whoTransport(s *scene) {
	peer := s.connect(wish{})
	seen := peer.call("WhoAmI")
	check.Equal(peer.id, member(seen, "connectionId"), "the connection id")
	if s.app.mode == "self" {
		check.Equal(s.transport, member(seen, "transport"), "the transport")
		check.Equal("/testhub", member(seen, "path"), "the path")
	}
}

func authRefused(s *scene) {
	_, err := s.try(wish{hub: "secret"})
	check.That(err != nil, "an anonymous client was let in")
	check.That(strings.Contains(err.Error(), "401"), "the refusal is: %v", err)
}

func authToken(s *scene) {
	user := s.name("user")
	peer := s.connect(wish{hub: "secret", token: "user=" + user + "&role=admin&role=ops&claim=dept:r%26d"})
	check.Equal(user+"|"+user+"-name|admin,ops|r&d", peer.call("Summary"), "what the hub knows")
}

func authQuery(s *scene) {
	user := s.name("user")
	peer := s.connect(wish{hub: "secret", query: "user=" + user + "&role=admin"})
	check.Equal(user+"|"+user+"-name|admin|", peer.call("Summary"), "what the hub knows")
}

func authRole(s *scene) {
	plain := s.connect(wish{hub: "secret", token: "user=plain&role=guest"})
	check.Equal("in", plain.call("Echo", "in"), "the answer")
	plain.refused("Failed to invoke 'AdminOnly' because user is unauthorized", "AdminOnly")
	check.Equal("ok", s.connect(wish{hub: "secret", token: "user=chief&role=admin"}).call("AdminOnly"), "the answer")
}
