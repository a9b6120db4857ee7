package main

import (
	"time"

	"github.com/philippseith/signalr"
	"heliograph.invalid/compat-common/check"
	"heliograph.invalid/compat-common/relay"
)

var endScenarios = []scenario{
	{name: "end-abort-by-hub", run: endAbortByHub},
	{name: "end-abort-from-outside", run: endAbortFromOutside},
	{name: "end-stop-seen-once", run: endStopSeenOnce},
	{name: "end-link-lost", limit: 60 * time.Second, run: endLinkLost},
	{name: "many-at-once", limit: 120 * time.Second, run: manyAtOnce},
	{name: "idle-stays-up", limit: 90 * time.Second, slow: true, run: idleStaysUp},
}

func endAbortByHub(s *scene) {
	peer := s.connect(wish{})
	peer.client.Send("AbortMe")
	peer.ends()
	s.app.disconnected(peer.id)
}

func endAbortFromOutside(s *scene) {
	all := s.several(2)
	s.app.abort(all[0].id)
	all[0].ends()
	s.app.disconnected(all[0].id)
	check.Equal("here", all[1].call("Echo", "here"), "the answer")
	check.Equal("again", s.connect(wish{}).call("Echo", "again"), "the answer")
}

func endStopSeenOnce(s *scene) {
	user := s.name("user")
	peer := s.connect(wish{query: "user=" + user})
	peer.call("Note", "hello")
	peer.client.Stop()
	s.app.disconnected(peer.id)
	var names []string
	for _, one := range s.app.reports(peer.id, "disconnected") {
		names = append(names, one.Event)
		check.Equal(user, one.User, "the user in the events")
	}
	check.Equal([]string{"connected", "note", "disconnected"}, names, "the events")
}

func endLinkLost(s *scene) {
	way := relay.Open()
	defer way.Close()
	peer := s.connect(wish{relay: way})
	way.Cut()
	peer.ends()
	s.app.disconnected(peer.id)
	check.That(peer.client.Err() != nil, "the client reports no error")
}

func manyAtOnce(s *scene) {
	const count = 200
	all, problems := make([]*peer, count), make(chan any, count)
	for i := range all {
		go func() {
			// A failure belongs to the scenario, not to this goroutine.
			defer func() { problems <- recover() }()
			all[i] = s.connect(wish{limit: 60 * time.Second})
		}()
	}
	for range all {
		if problem := <-problems; problem != nil {
			panic(problem)
		}
	}
	ids := map[string]bool{}
	for i, peer := range all {
		ids[peer.id] = true
		check.Equal(i+1, peer.call("Add", i, 1), "the sum")
	}
	check.Equal(count, len(ids), "the number of ids")
	group := s.name("group")
	for _, peer := range all {
		peer.call("Join", group)
	}
	s.reaches(all, all, "a group of all", func(text string) { all[0].call("ToGroup", group, text) })
	s.reaches(all, all, "All", func(text string) { all[count-1].call("ToAll", text) })
	for _, peer := range all {
		peer.client.Stop()
	}
	for _, peer := range all {
		s.app.disconnected(peer.id)
	}
}

func idleStaysUp(s *scene) {
	all := s.several(2)
	// Nothing must happen on these connections for longer than both sides' timeouts; a change of state would show.
	changes := make(chan signalr.ClientState, 10)
	cancel := all[0].client.ObserveStateChanged(changes)
	defer cancel()
	select {
	case state := <-changes:
		check.Fail("the first connection went to state %d: %v", state, all[0].client.Err())
	case <-time.After(40 * time.Second):
	}
	for _, peer := range all {
		check.Equal(int(signalr.ClientConnected), int(peer.client.State()), "the state")
		check.Equal(peer.id, peer.call("GetCallerConnectionId"), "the id")
	}
	s.reaches(all, all, "after 40 s of silence", func(text string) { all[1].call("ToAll", text) })
}
