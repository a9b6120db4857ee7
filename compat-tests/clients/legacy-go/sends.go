package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"heliograph.invalid/compat-common/check"
)

// What hubs send.
var callbackScenarios = map[string]func(*scene){
	"callback-once":            callbackOnce,
	"callback-arguments":       callbackArguments,
	"callback-texts":           callbackTexts,
	"callback-large":           callbackLarge,
	"callback-order":           callbackOrder,
	"callback-later":           callbackLater,
	"callback-unlistened-name": callbackUnlistenedName,
}

var sendScenarios = map[string]func(*scene){
	"send-to-all":        sendToAll,
	"send-to-others":     sendToOthers,
	"send-to-all-except": sendToAllExcept,
	"send-to-connection": sendToConnection,
	"send-to-user":       sendToUser,
	"send-by-second-hub": sendBySecondHub,
	"send-from-outside":  sendFromOutside,
}

var groupScenarios = map[string]func(*scene){
	"group-join-and-leave":  groupJoinAndLeave,
	"group-names":           groupNames,
	"group-except":          groupExcept,
	"group-others":          groupOthers,
	"group-gone-after-stop": groupGoneAfterStop,
	"group-churn":           groupChurn,
}

func numbered(prefix string, count int) []string {
	all := make([]string, count)
	for i := range all {
		all[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return all
}

func callbackOnce(s *scene) {
	all := s.several(3)
	s.reaches(all, all[1:2], "Callback", func(text string) { all[1].call("Callback", text) })
}

func callbackArguments(s *scene) {
	peer := s.connect(wish{})
	peer.call("CallbackArgs")
	check.Equal([]any{1, "two", map[string]int{"Three": 3}, []int{4, 5}, nil, true}, taken(peer.many, step, "no call of many"), "the arguments")
}

func callbackTexts(s *scene) {
	peer := s.connect(wish{})
	for _, text := range oddTexts {
		peer.call("Callback", s.tag+text)
		check.Equal(s.tag+text, peer.next(), "the text")
	}
}

func callbackLarge(s *scene) {
	peer := s.connect(wish{})
	text := s.tag + strings.Repeat("z", 60_000)
	peer.call("Callback", text)
	check.Equal(text, peer.next(), "the text")
}

func callbackOrder(s *scene) {
	peer := s.connect(wish{})
	peer.call("Burst", 1000, s.tag)
	check.Equal(numbered(s.tag, 1000), peer.take(1000, step), "the messages")
	peer.call("Void")
	check.Equal(0, peer.waiting("conformance"), "the number of further messages")
}

func callbackLater(s *scene) {
	peer := s.connect(wish{})
	peer.call("PushLater", 500, 20, s.tag)
	check.Equal(0, peer.waiting("conformance"), "the number of messages before their time")
	check.Equal(numbered(s.tag, 20), peer.take(20, step), "the messages")
}

func callbackUnlistenedName(s *scene) {
	peer := s.connect(wish{})
	peer.call("CallbackArgs")
	text := s.name("text")
	peer.call("Callback", text)
	check.Equal(text, peer.next(), "the message")
	check.Equal([]int{0, 0}, []int{len(peer.ends), peer.countOf(&peer.reconnecting)}, "the numbers of ends and reconnects")
}

func sendToAll(s *scene) {
	all := s.several(3)
	for _, sender := range []*peer{all[0], all[2]} {
		s.reaches(all, all, "All", func(text string) { sender.call("Broadcast", text) })
	}
}

func sendToOthers(s *scene) {
	all := s.several(4)
	s.reaches(all, []*peer{all[0], all[1], all[3]}, "Others", func(text string) { all[2].call("BroadcastOthers", text) })
}

func sendToAllExcept(s *scene) {
	all := s.several(4)
	a, b, c, d := all[0], all[1], all[2], all[3]
	to := func(receivers []*peer, what string, ids ...string) {
		s.reaches(all, receivers, what, func(text string) { a.call("BroadcastExcept", text, append([]string{}, ids...)) })
	}
	to(all, "AllExcept()")
	to([]*peer{a, c, d}, "AllExcept(b)", b.id)
	to([]*peer{d}, "AllExcept(a, b, c)", a.id, b.id, c.id)
	to(all, "AllExcept(unknown)", "nobody")
}

func sendToConnection(s *scene) {
	all := s.several(3)
	to := func(receivers []*peer, what, id string) {
		s.reaches(all, receivers, what, func(text string) { all[0].call("SendConnection", id, text) })
	}
	to(all[2:], "Client(c)", all[2].id)
	to(all[:1], "Client(own id)", all[0].id)
	to(nil, "Client(unknown)", "nobody")
}

func sendToUser(s *scene) {
	one, two := s.name("one"), s.name("two")
	all := []*peer{s.connect(as(one)), s.connect(as(one)), s.connect(as(two)), s.connect(wish{})}
	to := func(receivers []*peer, user string) {
		s.reaches(all, receivers, "User("+user+")", func(text string) { all[3].call("SendUser", user, text) })
	}
	to(all[:2], one)
	to(all[2:3], two)
	to(nil, strings.ToUpper(one))
	to(nil, s.name("nobody"))
}

func sendBySecondHub(s *scene) {
	first, second := s.connect(wish{}), s.connect(wish{hubs: []string{"second"}})
	text, other := s.name("text"), s.name("other")
	second.call("Broadcast", text)
	check.Equal("second:"+text, second.next(), "the message of the second hub")
	first.call("Broadcast", other)
	check.Equal(other, first.next(), "the message of the first hub")
	second.call("Callback", "end")
	check.Equal([]int{0, 0}, []int{first.waiting("second"), second.waiting("conformance")}, "the numbers of messages of the other's hub")
	check.Equal("works", first.call("Echo", "works"), "the result")
	check.Equal([]int{0, 0}, []int{len(first.ends), len(second.ends)}, "the numbers of ends")
}

func sendFromOutside(s *scene) {
	user, group := s.name("user"), s.name("group")
	all := []*peer{s.connect(wish{}), s.connect(as(user)), s.connect(wish{})}
	for _, peer := range all[:2] {
		peer.call("JoinGroup", group)
	}
	to := func(receivers []*peer, to, name string) {
		s.reaches(all, receivers, to+" from outside", func(text string) { s.server.send("conformance", to, name, text) })
	}
	to(all, "all", "")
	to(all[:2], "group", group)
	to(nil, "group", s.name("empty"))
	to(all[1:2], "user", user)
	to(nil, "user", "nobody")
	to(all[2:], "connection", all[2].id)
	to(nil, "connection", "nobody")
}

// A group of some, and who gets what the last of all sends to it.
func (s *scene) group(all, members []*peer) (name string, reaches func(receivers []*peer, what string)) {
	name = s.name("group")
	for _, peer := range members {
		peer.call("JoinGroup", name)
	}
	return name, func(receivers []*peer, what string) {
		s.reaches(all, receivers, what, func(text string) { all[len(all)-1].call("SendGroup", name, text) })
	}
}

func groupJoinAndLeave(s *scene) {
	all := s.several(3)
	group, reaches := s.group(all, all)
	all[0].call("JoinGroup", group)
	reaches(all, "three members, one joined twice")
	all[0].call("LeaveGroup", group)
	reaches(all[1:], "after a left")
	all[1].call("LeaveGroup", s.name("never-joined"))
	reaches(all[1:], "after b left another group")
	all[0].call("JoinGroup", group)
	reaches(all, "after a came back")
}

func groupNames(s *scene) {
	all := s.several(3)
	to := func(receivers []*peer, name string) {
		s.reaches(all, receivers, "Group("+name+")", func(text string) { all[2].call("SendGroup", name, text) })
	}
	var first string
	for i, odd := range []string{"red", "blue ü/&?😀", `a.b,c|d\e:f`, `"quoted" 'x' <b>`} {
		name, member := s.name(odd), all[i%2]
		member.call("JoinGroup", name)
		to([]*peer{member}, name)
		if i == 0 {
			first = name
		}
	}
	to(nil, strings.ToUpper(first))
	to(nil, s.name("empty"))
}

func groupExcept(s *scene) {
	all := s.several(4)
	group, _ := s.group(all, all[:3])
	to := func(receivers []*peer, what, id string) {
		s.reaches(all, receivers, what, func(text string) { all[3].call("SendGroupExcept", group, text, []string{id}) })
	}
	to([]*peer{all[0], all[2]}, "GroupExcept(b)", all[1].id)
	to(all[:3], "GroupExcept(not a member)", all[3].id)
}

func groupOthers(s *scene) {
	all := s.several(4)
	group, _ := s.group(all, all[:3])
	s.reaches(all, all[1:3], "OthersInGroup of a member", func(text string) { all[0].call("SendOthersInGroup", group, text) })
	s.reaches(all, all[:3], "OthersInGroup of another", func(text string) { all[3].call("SendOthersInGroup", group, text) })
}

func groupGoneAfterStop(s *scene) {
	all := s.several(2)
	_, reaches := s.group(all, all)
	reaches(all, "two members")
	all[0].stop()
	all[0].ended(step)
	all[0].connect()
	reaches(all[1:], "after a started again")
}

func groupChurn(s *scene) {
	all := s.several(4)
	member := all[0]
	group, _ := s.group(all, all[:1])
	var isSent atomic.Bool
	var churning sync.WaitGroup
	rounds := make([]int, 2)
	for i, other := range all[2:] {
		churning.Go(func() {
			for ; !isSent.Load(); rounds[i]++ {
				for _, method := range []string{"JoinGroup", "LeaveGroup"} {
					if _, err := wait(other.begin(method, group), method); err != nil {
						return
					}
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	texts := make([]string, 300)
	for i := range texts {
		texts[i] = s.name("text")
		all[1].call("SendGroup", group, texts[i])
	}
	isSent.Store(true)
	check.Equal(texts, member.take(len(texts), 10*time.Second), "what the member got")
	churning.Wait()
	check.That(rounds[0] > 0 && rounds[1] > 0, "nobody joined or left meanwhile")
	member.call("Void")
	check.Equal(0, member.waiting("conformance"), "the number of further messages")
}
