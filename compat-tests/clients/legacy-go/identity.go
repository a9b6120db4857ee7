package main

import (
	"heliograph.invalid/compat-common/check"
)

// What the hub knows of its caller, and whom it lets in.
var identityScenarios = map[string]func(*scene){
	"context-query":        contextQuery,
	"context-header":       contextHeader,
	"context-cookie":       contextCookie,
	"auth-anonymous":       func(s *scene) { check.Equal(nil, s.connect(wish{}).call("UserName"), "the user") },
	"auth-query":           authQuery,
	"auth-cookie":          func(s *scene) { authNamed(s, "Cookie", "as=") },
	"auth-bearer":          func(s *scene) { authNamed(s, "Authorization", "Bearer as=") },
	"auth-method":          authMethod,
	"auth-role":            authRole,
	"auth-guarded-refused": func(s *scene) { fails(s, "guarded") },
	"auth-guarded-open":    authGuardedOpen,
	"auth-guarded-dropped": authGuardedDropped,
}

func contextQuery(s *scene) {
	probe := "a b&c=d+e %41 ü😀"
	peer := s.connect(wish{query: map[string]string{"probe": probe, "empty": ""}})
	check.Equal(probe, peer.call("Query", "probe"), "the parameter")
	check.Equal("", peer.call("Query", "empty"), "the empty parameter")
	check.Equal(nil, peer.call("Query", "missing"), "a parameter that is not there")
}

func contextHeader(s *scene) {
	peer := s.connect(wish{headers: map[string]string{"X-Probe": "seen"}})
	check.Equal("seen", peer.call("Header", "X-Probe"), "the header")
	check.Equal(nil, peer.call("Header", "X-Missing"), "a header that is not there")
}

func contextCookie(s *scene) {
	peer := s.connect(wish{headers: map[string]string{"Cookie": "probe=seen"}})
	check.Equal("seen", peer.call("CookieValue", "probe"), "the cookie")
	check.Equal(nil, peer.call("CookieValue", "missing"), "a cookie that is not there")
}

func authQuery(s *scene) {
	user := s.name("user ü+%")
	check.Equal(user, s.connect(as(user)).call("UserName"), "the user")
}

func authNamed(s *scene, header, value string) {
	user := s.name("user")
	peer := s.connect(wish{headers: map[string]string{header: value + user}})
	check.Equal(user, peer.call("UserName"), "the user")
	text := s.name("text")
	peer.call("SendUser", user, text)
	check.Equal(text, peer.next(), "the message to the user")
}

func authMethod(s *scene) {
	anonymous := s.connect(wish{})
	anonymous.hidden("Secret")
	check.Equal("still here", anonymous.call("Echo", "still here"), "the result")
	user := s.name("user")
	check.Equal(user, s.connect(as(user)).call("Secret"), "the user")
}

func authRole(s *scene) {
	user := s.name("user")
	with := func(role string) wish { return wish{query: map[string]string{"as": user, "role": role}} }
	for _, w := range []wish{{}, with("ops")} {
		s.connect(w).hidden("AdminOnly")
	}
	check.Equal(user, s.connect(with("admin")).call("AdminOnly"), "the user")
}

func authGuardedOpen(s *scene) {
	user := s.name("user")
	w := as(user)
	w.hubs = []string{"guarded"}
	peer := s.connect(w)
	check.Equal(user, peer.call("Who"), "the user")
	text := s.name("text")
	peer.call("Callback", text)
	check.Equal(text, peer.next(), "the message")
}

func authGuardedDropped(s *scene) {
	peer := s.connect(wish{hubs: []string{"conformance", "guarded"}})
	_, err := peer.askAt("guarded", "Who")
	check.That(err != nil, "a call of the guarded hub succeeded")
	s.server.send("guarded", "all", "", s.name("secret"))
	text := s.name("text")
	peer.call("Callback", text)
	check.Equal(text, peer.next(), "the message")
	check.Equal([]int{0, 0, 0}, []int{peer.waiting("guarded"), len(peer.ends), peer.countOf(&peer.reconnecting)}, "the numbers of messages of the guarded hub, ends and reconnects")
}
