package main

import (
	"net/http"
	"net/url"
	"strings"
)

var identityScenarios = []scenario{
	{name: "who-anonymous", run: func(s *scene) { equal(nil, s.connect(wish{}).call("UserId"), "the user id") }},
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
	object, _ := plain(answer).(map[string]any)
	if value, ok := object[name]; ok {
		return value
	}
	value, ok := object[strings.ToUpper(name[:1])+name[1:]]
	check(ok, "no member %s in %s", name, shown(answer))
	return value
}

func whoUser(s *scene) {
	user := s.name("ü&ser ")
	peer := s.connect(wish{token: "user=" + url.QueryEscape(user) + "&role=admin&claim=dept:r%26d"})
	equal(user, peer.call("UserId"), "the user id")
	seen := peer.call("WhoAmI")
	equal(user+"-name", member(seen, "name"), "the name")
	dept := []any{}
	claims, _ := member(seen, "claims").([]any)
	for _, claim := range claims {
		if pair, ok := claim.([]any); ok && len(pair) == 2 && pair[0] == "dept" {
			dept = append(dept, pair[1])
		}
	}
	equal([]string{"r&d"}, dept, "the claim")
}

func whoQuery(s *scene) {
	peer := s.connect(wish{query: "tenant=r%26d%20%C3%BC&list=1&list=2"})
	equal("r&d ü", peer.call("Query", "tenant"), "tenant")
	equal("1,2", peer.call("Query", "list"), "list")
	equal("", peer.call("Query", "missing"), "a parameter that was not given")
}

func whoHeaders(s *scene) {
	peer := s.connect(wish{headers: http.Header{"X-First": {`one, two; three="4"`}}})
	equal(`one, two; three="4"`, peer.call("Header", "X-First"), "X-First")
	equal("", peer.call("Header", "X-Third"), "a header that was not sent")
}

func whoTransport(s *scene) {
	peer := s.connect(wish{})
	seen := peer.call("WhoAmI")
	equal(peer.id, member(seen, "connectionId"), "the connection id")
	if s.app.mode == "self" {
		equal(s.transport, member(seen, "transport"), "the transport")
		equal("/testhub", member(seen, "path"), "the path")
	}
}

func authRefused(s *scene) {
	_, err := s.try(wish{hub: "secret"})
	check(err != nil, "an anonymous client was let in")
	check(strings.Contains(err.Error(), "401"), "the refusal is: %v", err)
}

func authToken(s *scene) {
	user := s.name("user")
	peer := s.connect(wish{hub: "secret", token: "user=" + user + "&role=admin&role=ops&claim=dept:r%26d"})
	equal(user+"|"+user+"-name|admin,ops|r&d", peer.call("Summary"), "what the hub knows")
}

func authQuery(s *scene) {
	user := s.name("user")
	peer := s.connect(wish{hub: "secret", query: "user=" + user + "&role=admin"})
	equal(user+"|"+user+"-name|admin|", peer.call("Summary"), "what the hub knows")
}

func authRole(s *scene) {
	plain := s.connect(wish{hub: "secret", token: "user=plain&role=guest"})
	equal("in", plain.call("Echo", "in"), "the answer")
	plain.refused("Failed to invoke 'AdminOnly' because user is unauthorized", "AdminOnly")
	equal("ok", s.connect(wish{hub: "secret", token: "user=chief&role=admin"}).call("AdminOnly"), "the answer")
}
