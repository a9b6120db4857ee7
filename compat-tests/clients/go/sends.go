package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"heliograph.invalid/compat-common/check"
)

var sendScenarios = []scenario{
	{name: "send-to-caller", run: sendToCaller},
	{name: "send-to-all", run: sendToAll},
	{name: "send-to-others", run: sendToOthers},
	{name: "send-to-all-except", run: sendToAllExcept},
	{name: "send-to-client", run: sendToClient},
	{name: "send-to-clients", run: sendToClients},
	{name: "send-to-group", run: sendToGroup},
	{name: "send-to-groups", run: sendToGroups},
	{name: "send-to-group-except", run: sendToGroupExcept},
	{name: "send-to-others-in-group", run: sendToOthersInGroup},
	{name: "send-to-user", run: sendToUser},
	{name: "send-to-users", run: sendToUsers},
	{name: "send-on-connect", run: sendOnConnect},
	{name: "send-from-outside", run: sendFromOutside},
	{name: "group-on-connect", run: groupOnConnect},
	{name: "group-join-and-leave", run: groupJoinAndLeave},
	{name: "group-join-for-other", run: groupJoinForOther},
	{name: "group-from-outside", run: groupFromOutside},
	{name: "group-gone-after-disconnect", run: groupGoneAfterDisconnect},
	{name: "order-down", limit: 30 * time.Second, run: orderDown},
	{name: "order-up", needs: "send"},
	{name: "count-down", limit: 30 * time.Second, run: countDown},
	{name: "count-group-churn", limit: 30 * time.Second, run: countGroupChurn},
}

func sendToCaller(s *scene) {
	all := s.several(3)
	s.reaches(all, all[1:2], "Caller", func(text string) { all[1].call("ToCaller", text) })
	s.reaches(all, all[2:], "Client(own id)", func(text string) { all[2].call("InvokeWithString", text) })
}

func sendToAll(s *scene) {
	all := s.several(3)
	s.reaches(all, all, "All", func(text string) { all[0].call("ToAll", text) })
}

func sendToOthers(s *scene) {
	all := s.several(3)
	s.reaches(all, []*peer{all[0], all[2]}, "Others", func(text string) { all[1].call("ToOthers", text) })
}

func sendToAllExcept(s *scene) {
	all := s.several(4)
	to := func(receivers []*peer, what string, except ...string) {
		s.reaches(all, receivers, what, func(text string) { all[0].call("ToAllExcept", append([]string{}, except...), text) })
	}
	to(all, "AllExcept()")
	to([]*peer{all[0], all[2], all[3]}, "AllExcept(b)", all[1].id)
	to(all[3:], "AllExcept(a, b, c)", all[0].id, all[1].id, all[2].id)
	to(all, "AllExcept(unknown)", "nobody")
}

func sendToClient(s *scene) {
	all := s.several(3)
	s.reaches(all, all[2:], "Client(c)", func(text string) { all[0].call("ToClient", all[2].id, text) })
	s.reaches(all, nil, "Client(unknown)", func(text string) { all[0].call("ToClient", "nobody", text) })
}

func sendToClients(s *scene) {
	all := s.several(4)
	ids := []string{all[0].id, "nobody", all[3].id}
	s.reaches(all, []*peer{all[0], all[3]}, "Clients(a, unknown, d)", func(text string) { all[0].call("ToClients", ids, text) })
}

func sendToGroup(s *scene) {
	all := s.several(4)
	red, blue := s.name("red"), s.name("blue ü/&?")
	all[0].call("Join", red)
	all[1].call("Join", red)
	all[1].call("Join", blue)
	all[2].call("Join", blue)
	s.reaches(all, all[:2], "Group(red)", func(text string) { all[3].call("ToGroup", red, text) })
	s.reaches(all, all[1:3], "Group(blue)", func(text string) { all[3].call("ToGroup", blue, text) })
	s.reaches(all, nil, "Group(RED)", func(text string) { all[3].call("ToGroup", strings.ToUpper(red), text) })
}

func sendToGroups(s *scene) {
	all := s.several(3)
	red, blue := s.name("red"), s.name("blue")
	all[0].call("Join", red)
	all[1].call("Join", blue)
	s.reaches(all, all[:2], "Groups(red, blue, unknown)", func(text string) { all[2].call("ToGroups", []string{red, blue, "nobody's"}, text) })
}

func sendToGroupExcept(s *scene) {
	all := s.several(4)
	group := s.name("group")
	for _, peer := range all[:3] {
		peer.call("Join", group)
	}
	s.reaches(all, []*peer{all[0], all[2]}, "GroupExcept(b)", func(text string) { all[3].call("ToGroupExcept", group, []string{all[1].id}, text) })
	s.reaches(all, all[:3], "GroupExcept(not a member)", func(text string) { all[3].call("ToGroupExcept", group, []string{all[3].id}, text) })
}

func sendToOthersInGroup(s *scene) {
	all := s.several(3)
	group := s.name("group")
	all[0].call("Join", group)
	all[1].call("Join", group)
	s.reaches(all, all[1:2], "OthersInGroup", func(text string) { all[0].call("ToOthersInGroup", group, text) })
}

func sendToUser(s *scene) {
	one, two := s.name("one"), s.name("two")
	all := []*peer{s.connect(wish{query: "user=" + one}), s.connect(wish{query: "user=" + one}), s.connect(wish{query: "user=" + two}), s.connect(wish{})}
	s.reaches(all, all[:2], "User(one)", func(text string) { all[3].call("ToUser", one, text) })
	s.reaches(all, all[2:3], "User(two)", func(text string) { all[3].call("ToUser", two, text) })
	s.reaches(all, nil, "User(ONE)", func(text string) { all[3].call("ToUser", strings.ToUpper(one), text) })
}

func sendToUsers(s *scene) {
	one, two := s.name("one"), s.name("two")
	all := []*peer{s.connect(wish{query: "user=" + one}), s.connect(wish{query: "user=" + two}), s.connect(wish{})}
	s.reaches(all, all[:2], "Users(one, two, unknown)", func(text string) { all[2].call("ToUsers", []string{one, two, "nobody"}, text) })
}

func sendOnConnect(s *scene) {
	const greeting = "sent from OnConnectedAsync"
	peer := s.connect(wish{query: "onconnect=send", hears: func(text string) bool { return text == greeting }})
	check.Equal(greeting, peer.next(), "the message")
	peer.call("Nothing")
	check.That(len(peer.texts) == 0, "the greeting came twice")
}

func sendFromOutside(s *scene) {
	user, group := s.name("user"), s.name("group")
	all := []*peer{s.connect(wish{}), s.connect(wish{query: "user=" + user}), s.connect(wish{})}
	all[0].call("Join", group)
	all[1].call("Join", group)
	a, b, c := all[0].id, all[1].id, all[2].id
	sent := func(receivers []*peer, to string, ids, except []string) {
		s.reaches(all, receivers, to+" from outside", func(text string) { s.app.send(to, ids, except, text) })
	}
	sent(all, "all", nil, nil)
	sent(all[2:], "all", nil, []string{a, b})
	sent(all[2:], "clients", []string{c}, nil)
	sent(all[:2], "clients", []string{a, b}, nil)
	sent(all[1:2], "users", []string{user}, nil)
	sent(all[1:2], "users", []string{user, "nobody"}, nil)
	sent(all[:2], "groups", []string{group}, nil)
	sent(all[1:2], "groups", []string{group}, []string{a})
}

func groupOnConnect(s *scene) {
	first, second := s.name("first"), s.name("second")
	all := []*peer{s.connect(wish{query: "group=" + first + "&group=" + second}), s.connect(wish{query: "group=" + first})}
	s.reaches(all, all, "Group(first)", func(text string) { all[1].call("ToGroup", first, text) })
	s.reaches(all, all[:1], "Group(second)", func(text string) { all[1].call("ToGroup", second, text) })
}

func groupJoinAndLeave(s *scene) {
	all := s.several(2)
	group := s.name("group")
	all[0].call("Join", group)
	all[1].call("Join", group)
	all[0].call("Join", group)
	s.reaches(all, all, "two members", func(text string) { all[0].call("ToGroup", group, text) })
	all[0].call("Leave", group)
	all[0].call("Leave", s.name("never-joined"))
	s.reaches(all, all[1:], "after a left", func(text string) { all[0].call("ToGroup", group, text) })
	all[0].call("Join", group)
	s.reaches(all, all, "after a came back", func(text string) { all[0].call("ToGroup", group, text) })
}

func groupJoinForOther(s *scene) {
	all := s.several(2)
	group := s.name("group")
	all[0].call("JoinFor", all[1].id, group)
	s.reaches(all, all[1:], "added by another", func(text string) { all[0].call("ToGroup", group, text) })
	all[0].call("LeaveFor", all[1].id, group)
	s.reaches(all, nil, "removed by another", func(text string) { all[0].call("ToGroup", group, text) })
}

func groupFromOutside(s *scene) {
	all := s.several(2)
	group := s.name("group")
	s.app.member("PUT", group, all[0].id)
	s.reaches(all, all[:1], "joined from outside", func(text string) { all[1].call("ToGroup", group, text) })
	s.app.member("DELETE", group, all[0].id)
	s.reaches(all, nil, "removed from outside", func(text string) { all[1].call("ToGroup", group, text) })
}

func groupGoneAfterDisconnect(s *scene) {
	all := s.several(2)
	group := s.name("group")
	all[0].call("Join", group)
	all[0].client.Stop()
	all[0] = s.connect(wish{})
	s.reaches(all, nil, "after the restart", func(text string) { all[1].call("ToGroup", group, text) })
}

func isNumber(text string) bool {
	_, err := strconv.Atoi(text)
	return err == nil
}

func orderDown(s *scene) {
	peer := s.connect(wish{hears: isNumber})
	peer.client.Send("Many", 1000)
	for i := range 1000 {
		check.Equal(strconv.Itoa(i), peer.next(), "the next message")
	}
}

// The client calls the receiver in a goroutine for each message, so the order they come in is not to be seen.
func countDown(s *scene) {
	peer := s.connect(wish{hears: isNumber})
	peer.call("Many", 1000)
	var wanted, got []string
	for i := range 1000 {
		wanted, got = append(wanted, strconv.Itoa(i)), append(got, peer.next())
	}
	slices.Sort(wanted)
	slices.Sort(got)
	check.Equal(wanted, got, "the messages")
	check.That(len(peer.texts) == 0, "there are more messages than were sent")
}

// In whatever order, as above.
func countGroupChurn(s *scene) {
	all := s.several(3)
	group := s.name("group")
	all[0].call("Join", group)
	var wanted, got []string
	for i := range 200 {
		if i%10 == 0 {
			all[1].call(map[bool]string{true: "Join", false: "Leave"}[i%20 == 0], group)
		}
		wanted = append(wanted, s.name("text"))
		all[2].call("ToGroup", group, wanted[i])
	}
	for range 200 {
		got = append(got, all[0].next())
	}
	slices.Sort(wanted)
	slices.Sort(got)
	check.Equal(wanted, got, "the messages")
	all[2].call("Nothing")
	check.That(len(all[0].texts) == 0, "there are more messages than were sent")
}
