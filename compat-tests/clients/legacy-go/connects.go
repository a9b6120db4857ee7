package main

import (
	"slices"
	"time"

	"heliograph.invalid/compat-common/check"
)

// Beginnings and ends.
var connectScenarios = map[string]func(*scene){
	"connect-and-stop":    connectAndStop,
	"connect-start-again": connectStartAgain,
	"connect-id-visible":  connectIDVisible,
	"connect-two-hubs":    connectTwoHubs,
	"connect-three-hubs":  connectThreeHubs,
	"connect-no-hub":      connectNoHub,
	"connect-greeting":    connectGreeting,
	"connect-hub-fails":   func(s *scene) { fails(s, "failing") },
	"connect-many":        connectMany,
}

var stopScenarios = map[string]func(*scene){
	"stop-under-way": stopUnderWay,
	"stop-lost":      stopLost,
	"idle-stays-up":  idleStaysUp,
}

func all(string) bool { return true }

func connectAndStop(s *scene) {
	peer := s.connect(wish{})
	check.Equal("hello", peer.call("Echo", "hello"), "the answer")
	check.Equal(0, len(peer.ends), "the number of ends before the stop")
	peer.stop()
	peer.ended(step)
	check.Equal(0, len(peer.ends), "the number of further ends")
}

func connectStartAgain(s *scene) {
	peer := s.connect(wish{})
	first := peer.id
	peer.stop()
	peer.ended(step)
	peer.connect()
	check.That(peer.id != first, "the second start has the first one's id")
	check.Equal(peer.id, peer.call("ConnectionId"), "the id the hub sees")
	check.Equal("again", peer.call("Echo", "again"), "the answer")
	s.logged(peer.id, 5*time.Second, "connected")
}

func connectIDVisible(s *scene) {
	peer := s.connect(wish{})
	check.Equal(peer.client.ConnectionID, peer.call("ConnectionId"), "the id the hub sees")
}

func connectTwoHubs(s *scene) {
	peer := s.connect(wish{hubs: []string{"conformance", "second"}})
	text := s.name("text")
	check.Equal(text, peer.call("Echo", text), "the answer")
	check.Equal("second:"+text, peer.callAt("second", "Echo", text), "the answer of the second hub")
	peer.callAt("second", "Callback", text)
	peer.call("Callback", text)
	check.Equal(text, peer.next(), "the message")
	check.Equal("second:"+text, peer.nextAt("second"), "the message of the second hub")
	check.Equal([]int{0, 0}, []int{peer.waiting("conformance"), peer.waiting("second")}, "the numbers of further messages")
	equalInAnyOrder([]string{"connected", "second-connected"}, s.log(peer.id))
}

func connectThreeHubs(s *scene) {
	peer := s.connect(wish{hubs: []string{"second", "greeter", "conformance"}, hears: all})
	check.Equal("hello", peer.nextAt("greeter"), "the greeting")
	check.Equal("second:a", peer.call("Echo", "a"), "the answer")
	check.Equal("b", peer.callAt("greeter", "Echo", "b"), "the answer")
	check.Equal("c", peer.callAt("conformance", "Echo", "c"), "the answer")
	check.Equal(0, peer.waiting("greeter"), "the number of further greetings")
	equalInAnyOrder([]string{"connected", "second-connected"}, s.log(peer.id))
}

func equalInAnyOrder(wanted []string, got []any) {
	for _, event := range wanted {
		check.That(slices.Contains(got, any(event)), "%s is not among the events %v", event, got)
	}
	check.Equal(len(wanted), len(got), "the number of events")
}

func connectNoHub(s *scene) {
	peer := s.make(wish{hubs: []string{}})
	check.Must(peer.open(), "connecting")
	// Nobody can nudge it later.
	echo, sendEcho := peer.prepare("conformance", "Echo", "alone")
	id, sendID := peer.prepare("conformance", "ConnectionId")
	sendEcho()
	sendID()
	go peer.read()
	for wanted, call := range map[string]<-chan answer{"alone": echo, peer.id: id} {
		result, err := wait(call, "the call")
		check.Must(err, "the call")
		check.Equal(wanted, result, "the result")
	}
}

func connectGreeting(s *scene) {
	peer := s.connect(wish{hubs: []string{"greeter"}, hears: all})
	check.Equal("hello", peer.next(), "the greeting")
	check.Equal("echo", peer.call("Echo", "echo"), "the answer")
	check.Equal(0, peer.waiting("greeter"), "the number of further greetings")
}

// A client that listens to these hubs does not start.
func fails(s *scene, hubs ...string) {
	check.That(s.make(wish{hubs: hubs}).start() != nil, "it started")
}

func connectMany(s *scene) {
	ids := map[string]bool{}
	for round := range 3 {
		peers := s.several(4)
		for i, peer := range peers {
			ids[peer.id] = true
			check.Equal(i+round, peer.call("Add", i, round), "the sum")
		}
		for _, peer := range peers {
			peer.stop()
		}
		for _, peer := range peers {
			peer.ended(step)
		}
	}
	check.Equal(12, len(ids), "the number of ids")
}

func stopUnderWay(s *scene) {
	// A start lasts until the client is connected, so there is none to stop.
	peer := s.connect(wish{})
	peer.begin("Slow", 20_000)
	peer.call("PushLater", 0, 500, s.tag)
	peer.stop()
	peer.ended(step)
	check.Equal("others", s.connect(wish{}).call("Echo", "others"), "the answer")
}

func stopLost(s *scene) {
	way := s.way()
	peer := s.connect(wish{through: way})
	s.logged(peer.id, 0, "connected")
	way.Cut()
	s.logged(peer.id, time.Minute, "connected", "disconnected:false")
	peer.ended(75 * time.Second)
	check.Equal([]int{0, 0}, []int{len(peer.ends), peer.countOf(&peer.reconnects)}, "the numbers of further ends and of reconnects")
	s.logged(peer.id, 0, "connected", "disconnected:false")
}

func idleStaysUp(s *scene) {
	peers := s.several(2)
	time.Sleep(45 * time.Second)
	for _, peer := range peers {
		check.Equal([]int{0, 0}, []int{len(peer.ends), peer.countOf(&peer.reconnecting)}, "the numbers of ends and reconnects")
		check.Equal(peer.id, peer.call("ConnectionId"), "the id")
	}
	s.reaches(peers, peers, "after the silence", func(text string) { peers[1].call("Broadcast", text) })
	for _, peer := range peers {
		s.logged(peer.id, 0, "connected")
	}
}
