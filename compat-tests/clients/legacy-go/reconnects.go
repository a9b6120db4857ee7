package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"heliograph.invalid/compat-common/check"
)

// Links that are cut, and one that is too slow.
var reconnectScenarios = map[string]func(*scene){
	"reconnect-after-cut":   reconnectAfterCut,
	"reconnect-replay":      reconnectReplay,
	"reconnect-groups":      reconnectGroups,
	"reconnect-many-groups": reconnectManyGroups,
	"reconnect-two-hubs":    reconnectTwoHubs,
	"reconnect-user":        reconnectUser,
	"reconnect-outage":      reconnectOutage,
	"reconnect-mid-frame":   reconnectMidFrame,
	"reconnect-mid-call":    reconnectMidCall,
	"reconnect-five-cuts":   reconnectFiveCuts,
	"slow-reader":           slowReader,
}

const (
	cutFor    = 1200 * time.Millisecond
	outageFor = 5 * time.Second
	// Servers and proxies take no more.
	longestTarget = 4096 - len(" HTTP/1.1\r\n") - len("POST ")
	groups        = 500
	messages      = 1000
	cuts          = 5
	// More than the sockets on the way hold, and fewer than any server keeps.
	slowMessages = 1500
	kept         = 100
)

// A client whose link leads through a relay, and one that is not cut off.
type pair struct {
	*scene
	way           *way
	witness, peer *peer
	texts         []string
}

func (s *scene) pair(w wish) *pair {
	way := s.way()
	w.through = way
	return &pair{scene: s, way: way, witness: s.connect(wish{}), peer: s.connect(w)}
}

// Closes all links for a while, does something meanwhile, and waits until the client is back. From a reset it does not come back.
func (p *pair) cut(down time.Duration, meanwhile func()) {
	p.way.CloseLinks(down)
	meanwhile()
	p.peer.returned()
}

func (p *pair) cutOnly() { p.cut(cutFor, func() {}) }

func (p *pair) reaches(send func(text string)) {
	text := p.name("text")
	send(text)
	check.Equal(text, p.peer.next(), "the message")
}

func (p *pair) toGroup(group string) func(text string) {
	return func(text string) { p.witness.call("SendGroup", group, text) }
}

// A text that the client must get.
func (p *pair) fresh(what string) string {
	p.texts = append(p.texts, p.name(what))
	return p.texts[len(p.texts)-1]
}

func (p *pair) gotAll() {
	check.Equal(p.texts, p.peer.take(len(p.texts), step), "the messages")
	p.nothingMore()
}

// Nothing else is on its way to the client.
func (p *pair) nothingMore() {
	marker := p.name("marker")
	p.peer.call("Callback", marker)
	check.Equal([]string{}, p.peer.before(marker, step), "further messages")
}

// Sends something now and then until the armed cut is done.
func (p *pair) untilCut(send func()) {
	for i := 0; i < 100 && !p.way.IsCut(100*time.Millisecond); i++ {
		send()
	}
	check.That(p.way.IsCut(time.Second), "the link was not cut")
}

// Something that the client does not listen to.
func (p *pair) sendUnheard() {
	p.witness.call("SendConnection", p.peer.id, strings.Repeat(".", 1000))
}

// The hub saw the connection come back that often.
func (p *pair) returned(count int) {
	events := []any{"connected"}
	p.logged(p.peer.id, 5*time.Second, append(events, slices.Repeat([]any{"reconnected"}, count)...)...)
}

func reconnectAfterCut(s *scene) {
	p := s.pair(wish{})
	p.cutOnly()
	check.Equal([]int{1, 0}, []int{p.peer.countOf(&p.peer.reconnects), len(p.peer.ends)}, "the numbers of reconnects and ends")
	check.Equal([]string{p.peer.id, p.peer.id}, []any{p.peer.client.ConnectionID, p.peer.call("ConnectionId")}, "the ids")
	p.reaches(func(text string) { p.peer.call("Callback", text) })
	p.reaches(func(text string) { p.peer.call("SendConnection", p.peer.id, text) })
	p.returned(1)
}

func reconnectReplay(s *scene) {
	user, group := s.name("user"), s.name("group")
	p := s.pair(as(user))
	p.peer.call("JoinGroup", group)
	later := s.name("later")
	p.texts = numbered(later, 5)
	p.peer.call("PushLater", 300, 5, later)
	p.cut(cutFor, func() {
		time.Sleep(600 * time.Millisecond)
		for range 5 {
			p.witness.call("SendConnection", p.peer.id, p.fresh("connection"))
			p.witness.call("SendUser", user, p.fresh("user"))
			p.witness.call("SendGroup", group, p.fresh("group"))
			p.witness.call("SendGroupExcept", group, p.fresh("group"), []string{p.witness.id})
			p.witness.call("Broadcast", p.fresh("all"))
			p.witness.call("BroadcastOthers", p.fresh("others"))
			p.witness.call("BroadcastExcept", p.fresh("except"), []string{p.witness.id})
		}
		s.server.send("conformance", "group", group, p.fresh("outside"))
		// Those are not for it.
		p.witness.call("SendGroupExcept", group, s.name("not"), []string{p.peer.id})
		p.witness.call("BroadcastExcept", s.name("not"), []string{p.peer.id})
	})
	p.gotAll()
}

func reconnectGroups(s *scene) {
	p := s.pair(wish{})
	kept, left, later := s.name("kept"), s.name("left"), s.name("later")
	p.peer.call("JoinGroup", kept)
	p.peer.call("JoinGroup", left)
	p.peer.call("LeaveGroup", left)
	p.cutOnly()
	p.reaches(p.toGroup(kept))
	p.toGroup(left)(s.name("not"))
	p.peer.call("JoinGroup", later)
	p.reaches(p.toGroup(later))
	p.peer.call("LeaveGroup", kept)
	p.toGroup(kept)(s.name("not"))
	p.nothingMore()
	// What changed after the first reconnect is kept by the second.
	p.cutOnly()
	p.toGroup(kept)(s.name("not"))
	p.reaches(p.toGroup(later))
	p.nothingMore()
}

func reconnectManyGroups(s *scene) {
	p := s.pair(wish{})
	names := make([]string, groups)
	for i := range names {
		names[i] = s.name(fmt.Sprintf("a group with a long name, number %d", i))
		p.peer.call("JoinGroup", names[i])
	}
	p.cutOnly()
	for i := 0; i < groups; i += 50 {
		p.reaches(p.toGroup(names[i]))
	}
	p.reaches(p.toGroup(names[groups-1]))
	p.nothingMore()
	longest := p.way.LongestTarget()
	check.That(longest > 0 && longest <= longestTarget, "the longest request target has %d characters", longest)
}

func reconnectTwoHubs(s *scene) {
	p := s.pair(wish{hubs: []string{"conformance", "second"}})
	p.cutOnly()
	text := s.name("text")
	check.Equal("second:"+text, p.peer.callAt("second", "Echo", text), "the result")
	p.peer.callAt("second", "Callback", text)
	check.Equal("second:"+text, p.peer.nextAt("second"), "the message")
	p.reaches(func(mine string) { p.peer.call("Callback", mine) })
	equalInAnyOrder([]string{"connected", "second-connected", "reconnected"}, s.log(p.peer.id))
}

func reconnectUser(s *scene) {
	user := s.name("user")
	p := s.pair(as(user))
	p.cutOnly()
	for _, method := range []string{"UserName", "Secret"} {
		check.Equal(user, p.peer.call(method), "the user")
	}
	p.reaches(func(text string) { p.witness.call("SendUser", user, text) })
}

func reconnectOutage(s *scene) {
	p := s.pair(wish{})
	for range 2 {
		p.cut(outageFor, func() {
			for range 100 {
				p.witness.call("SendConnection", p.peer.id, p.fresh("outage"))
			}
		})
		check.Equal("back", p.peer.call("Echo", "back"), "the result")
	}
	p.gotAll()
	check.Equal(0, len(p.peer.ends), "the number of ends")
	p.returned(2)
}

func reconnectMidFrame(s *scene) {
	p := s.pair(wish{})
	padding := strings.Repeat(".", 1000)
	for _, bytes := range []int{1, 7_777, 20_011} {
		p.way.ArmCut(bytes)
		for range 30 {
			p.witness.call("SendConnection", p.peer.id, p.fresh(padding))
		}
		p.untilCut(func() { p.witness.call("SendConnection", p.peer.id, p.fresh("more")) })
		p.peer.returned()
	}
	p.gotAll()
	p.returned(3)
}

func reconnectMidCall(s *scene) {
	p := s.pair(wish{})
	// While the hub works. The client neither ends the call nor says that it is lost; its result may come on the new link.
	p.peer.begin("Slow", 1500)
	time.Sleep(500 * time.Millisecond)
	p.cutOnly()
	// While what the call sends is on its way.
	p.way.ArmCut(9_001)
	prefix := s.tag + strings.Repeat(".", 100)
	p.peer.begin("Burst", 500, prefix)
	// For when the rest was too quick.
	p.untilCut(p.sendUnheard)
	p.peer.returned()
	p.texts = numbered(prefix, 500)
	p.gotAll()
	check.Equal("after", p.peer.call("Echo", "after"), "the result")
}

func reconnectFiveCuts(s *scene) {
	p := s.pair(wish{})
	group := s.name("group")
	p.peer.call("JoinGroup", group)
	p.texts = numbered(s.tag, messages)
	sent := make(chan any, 1)
	go func() {
		defer func() { sent <- recover() }()
		for i, text := range p.texts {
			switch i % 3 {
			case 0:
				p.witness.call("SendConnection", p.peer.id, text)
			case 1:
				p.witness.call("SendGroup", group, text)
			default:
				p.witness.call("Broadcast", text)
			}
			// So that there are some left for every cut.
			if i < messages/2 {
				time.Sleep(5 * time.Millisecond)
			}
		}
	}()
	for round := range cuts {
		if round%2 == 0 {
			p.way.ArmCut(301 + round)
			// When all is sent already, there is this.
			p.untilCut(p.sendUnheard)
		} else {
			p.way.CloseLinks(cutFor)
		}
		p.peer.returned()
	}
	problem := <-sent
	check.That(problem == nil, "sending: %v", problem)
	check.Equal(p.texts, p.peer.take(messages, 30*time.Second), "the messages")
	p.nothingMore()
	check.Equal([]int{cuts, 0}, []int{p.peer.countOf(&p.peer.reconnects), len(p.peer.ends)}, "the numbers of reconnects and ends")
	p.returned(cuts)
}

func slowReader(s *scene) {
	way := s.way()
	reader, other, sender := s.connect(wish{through: way}), s.connect(wish{}), s.connect(wish{})
	group := s.name("group")
	for _, peer := range []*peer{reader, other} {
		peer.call("JoinGroup", group)
	}
	way.Stall()
	padding := strings.Repeat(".", 8000)
	for i := range slowMessages {
		sender.call("SendGroup", group, fmt.Sprintf("%s%s%d", s.tag, padding, i))
	}
	check.Equal(numbered(s.tag+padding, slowMessages), other.take(slowMessages, step), "what the others got")
	began := time.Now()
	check.Equal("quick", other.call("Echo", "quick"), "the result")
	check.That(time.Since(began) < 3*time.Second, "the others wait for the slow one")
	time.Sleep(2 * time.Second)
	way.Resume()
	// It ends, or sooner or later gets the last.
	last := s.name("last")
	sender.call("SendConnection", reader.id, last)
	seen, isOver := reader.upTo(last, 45*time.Second)
	if isOver {
		return
	}
	for i := range seen {
		check.That(i == 0 || seen[i] > seen[i-1], "messages came twice")
	}
	// What is kept for a client that does not keep up is the latest.
	latest := seen[max(0, len(seen)-kept):]
	check.That(len(latest) == kept && latest[0] == slowMessages-kept && latest[kept-1] == slowMessages-1,
		"of %d messages %d came, and not the latest %d without a gap", slowMessages, len(seen), kept)
}

// The numbers of the messages before the given one, unless the client ends before.
func (p *peer) upTo(last string, limit time.Duration) (numbers []int, isOver bool) {
	var all []message
	deadline := time.After(limit)
	for {
		select {
		case got := <-p.of(p.hubs[0]):
			all = append(all, got)
			if got.text != last {
				continue
			}
			for _, text := range inOrder(all)[:len(all)-1] {
				number, err := strconv.Atoi(text[strings.LastIndex(text, ".")+1:])
				check.Must(err, "the number of a message")
				numbers = append(numbers, number)
			}
			return numbers, false
		case <-p.ends:
			return nil, true
		case <-deadline:
			check.Fail("it neither ended nor got the last message; %d came", len(all))
		}
	}
}
