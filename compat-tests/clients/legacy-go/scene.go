package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"heliograph.invalid/compat-common/check"
	"heliograph.invalid/compat-common/relay"
)

const lookAgain = 100 * time.Millisecond

// What a scenario may want of a connection beyond the command line.
type wish struct {
	hubs           []string
	query, headers map[string]string
	through        *way
	hears          func(string) bool
}

// A relay and the address that leads through it.
type way struct {
	*relay.Relay
	address string
}

// One run of one scenario: its clients, which end with it, and names that no other run uses.
type scene struct {
	server  *server
	tag     string
	lock    sync.Mutex
	peers   []*peer
	ways    []*way
	names   int
	witness *peer
}

func newScene(server *server) *scene {
	random := make([]byte, 5)
	_, _ = rand.Read(random)
	return &scene{server: server, tag: "t" + hex.EncodeToString(random) + "."}
}

func (s *scene) close() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, peer := range s.peers {
		peer.stop()
	}
	for _, way := range s.ways {
		way.Close()
	}
}

// A text, group or user name that nobody else uses.
func (s *scene) name(what string) string {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.names++
	return fmt.Sprintf("%s%s%d", s.tag, what, s.names)
}

func (s *scene) way() *way {
	opened := relay.Open()
	address, err := opened.LeadTo(s.server.url)
	check.Must(err, "a relay")
	s.lock.Lock()
	defer s.lock.Unlock()
	s.ways = append(s.ways, &way{opened, address})
	return s.ways[len(s.ways)-1]
}

// A client that is not started.
func (s *scene) make(w wish) *peer {
	if w.hubs == nil {
		w.hubs = []string{"conformance"}
	}
	if w.headers == nil {
		w.headers = map[string]string{}
	}
	if w.hears == nil {
		w.hears = func(text string) bool { return strings.Contains(text, s.tag) }
	}
	address := s.server.url
	if w.through != nil {
		address = w.through.address
	}
	peer := newPeer(s.server, address+s.server.path, w, s.name("peer"), w.hears)
	s.lock.Lock()
	defer s.lock.Unlock()
	s.peers = append(s.peers, peer)
	return peer
}

func (s *scene) connect(w wish) *peer { return s.make(w).connect() }

func (s *scene) several(count int) []*peer {
	all := make([]*peer, count)
	for i := range all {
		all[i] = s.connect(wish{})
	}
	return all
}

// What a client wishes who is a user.
func as(user string) wish { return wish{query: map[string]string{"as": user}} }

// Sends a text and looks who gets it: each receiver once, the others not before a marker sent after it.
func (s *scene) reaches(all, receivers []*peer, what string, send func(text string)) {
	text, marker := s.name("text"), s.name("marker")
	send(text)
	for _, peer := range receivers {
		check.Equal(text, peer.next(), fmt.Sprintf("%s: the message at receiver %d", what, slices.Index(all, peer)))
	}
	for i, peer := range all {
		s.watch().call("SendConnection", peer.id, marker)
		more := peer.before(marker, step)
		check.That(len(more) == 0, "%s: client %d got %v in addition or though it should not", what, i, more)
	}
}

// The events of a connection, as a client that is not part of anything else is told.
func (s *scene) log(id string) []any {
	events, _ := s.watch().call("Log", id).([]any)
	return events
}

// Waits until the events of a connection are these.
func (s *scene) logged(id string, limit time.Duration, events ...any) {
	for end := time.Now().Add(limit); ; time.Sleep(lookAgain) {
		log := s.log(id)
		if slices.Equal(log, events) {
			return
		}
		check.That(time.Now().Before(end), "the events of the connection are %v, not %v, after %v", log, events, limit)
	}
}

func (s *scene) watch() *peer {
	s.lock.Lock()
	witness := s.witness
	s.lock.Unlock()
	if witness == nil {
		witness = s.connect(wish{})
		s.lock.Lock()
		s.witness = witness
		s.lock.Unlock()
	}
	return witness
}
