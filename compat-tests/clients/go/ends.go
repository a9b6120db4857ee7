package main

import (
	"time"

	"github.com/philippseith/signalr"
)

var endScenarios = []scenario{
	{name: "end-abort-by-hub", run: endAbortByHub},
	{name: "end-abort-from-outside", run: endAbortFromOutside},
	{name: "end-stop-seen-once", run: endStopSeenOnce},
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
	equal("here", all[1].call("Echo", "here"), "the answer")
	equal("again", s.connect(wish{}).call("Echo", "again"), "the answer")
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
		equal(user, one.User, "the user in the events")
	}
	equal([]string{"connected", "note", "disconnected"}, names, "the events")
}

func idleStaysUp(s *scene) {
	all := s.several(2)
	// Nothing must happen on these connections for longer than both sides' timeouts; a change of state would show.
	changes := make(chan signalr.ClientState, 10)
	cancel := all[0].client.ObserveStateChanged(changes)
	defer cancel()
	select {
	case state := <-changes:
		fail("the first connection went to state %d: %v", state, all[0].client.Err())
	case <-time.After(40 * time.Second):
	}
	for _, peer := range all {
		equal(int(signalr.ClientConnected), int(peer.client.State()), "the state")
		equal(peer.id, peer.call("GetCallerConnectionId"), "the id")
	}
	s.reaches(all, all, "after 40 s of silence", func(text string) { all[1].call("ToAll", text) })
}
