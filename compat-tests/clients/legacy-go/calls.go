package main

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf16"

	"heliograph.invalid/compat-common/check"
)

// Calls, and errors.
var callScenarios = map[string]func(*scene){
	"call-echo":              callEcho,
	"call-types":             callTypes,
	"call-object":            callObject,
	"call-void":              func(s *scene) { check.Equal(nil, s.connect(wish{}).call("Void"), "the result") },
	"call-null":              callNull,
	"call-texts":             callTexts,
	"call-large-result":      callLargeResult,
	"call-large-argument":    callLargeArgument,
	"call-in-a-row":          callInARow,
	"call-at-once":           callAtOnce,
	"call-slow-beside-quick": callSlowBesideQuick,
	"call-unlisted-hub":      callUnlistedHub,
	"call-any-case":          callAnyCase,
	"call-renamed":           func(s *scene) { check.Equal("renamed", s.connect(wish{}).call("renamedMethod"), "the result") },
	"call-overload":          callOverload,
}

var errorScenarios = map[string]func(*scene){
	"error-exception":           errorException,
	"error-hub-exception":       errorHubException,
	"error-hub-exception-data":  errorHubExceptionData,
	"error-unknown-method":      errorUnknownMethod,
	"error-argument-count":      errorArgumentCount,
	"error-argument-type":       errorArgumentType,
	"error-unknown-hub":         errorUnknownHub,
	"error-call-of-unknown-hub": errorCallOfUnknownHub,
}

// Texts that something between hub and program may get wrong.
var oddTexts = []string{
	"", " ", "plain", `"quoted" 'single' back\slash / slash`, "<b>&amp;</b> <script>alert(1)</script>", "null", `{"C":"d-1","S":1,"M":[]}`,
	"héllo 你好 😀 👩‍👩‍👧", "next line \u0085 line \u2028 paragraph \u2029 mark \ufeff nothing \u200b", "tab\tnew\nline\r\nend", "control \x00\x01\x1e\x1f\x7f",
	"data: x\n\nevent: y\n\n: comment", "a+b %20 %2B &c=d ; ? #",
}

func callEcho(s *scene) {
	peer := s.connect(wish{})
	check.Equal("hello", peer.call("Echo", "hello"), "the result")
	check.Equal(5, peer.call("Add", 2, 3), "the result")
	check.Equal(-1, peer.call("Add", 2_147_483_647, -2_147_483_648), "the result")
	check.Equal(4, peer.call("Length", "four"), "the result")
}

func callTypes(s *scene) {
	sent := []any{true, -7, 9_007_199_254_740_991, 1.5, "text", []int{1, 2, 3}}
	got, _ := s.connect(wish{}).call("Types", sent...).(map[string]any)
	for i, name := range []string{"B", "I", "L", "D", "S", "List"} {
		check.Equal(sent[i], got[name], name)
	}
	check.Equal(6, got["Sum"], "the sum")
}

func callObject(s *scene) {
	peer := s.connect(wish{})
	var ann any
	text := `{"Name":"Ann \"é\"","Age":7,"Tags":["a","b",""],"Born":"2001-02-03T04:05:06Z","Friend":{"Name":"Bob","Age":0,"Tags":[],"Born":null,"Friend":null}}`
	check.Must(json.Unmarshal([]byte(text), &ann), "the object")
	check.Equal(fields(ann), fields(peer.call("EchoPerson", ann)), "the object")
	check.Equal(nil, peer.call("EchoPerson", nil), "no object")
}

// What of a person has to come back; a date may be written in several ways.
func fields(person any) []any {
	object, ok := person.(map[string]any)
	if !ok {
		return nil
	}
	born := object["Born"]
	if text, ok := born.(string); ok {
		at, err := time.Parse(time.RFC3339Nano, text)
		check.Must(err, "the date")
		born = at
	}
	return []any{object["Name"], object["Age"], object["Tags"], born, fields(object["Friend"])}
}

func callNull(s *scene) {
	peer := s.connect(wish{})
	check.Equal(nil, peer.call("Null"), "the result")
	check.Equal(nil, peer.call("Echo", nil), "the result")
}

func callTexts(s *scene) {
	peer := s.connect(wish{})
	for _, text := range oddTexts {
		check.Equal(text, peer.call("Echo", text), "the text")
		check.Equal(len(utf16.Encode([]rune(text))), peer.call("Length", text), "the length seen by the hub")
	}
}

func callLargeResult(s *scene) {
	peer := s.connect(wish{})
	check.Equal(strings.Repeat("x", 200_000), peer.call("Large", 200_000), "the result")
	check.Equal("after", peer.call("Echo", "after"), "the next result")
}

func callLargeArgument(s *scene) {
	peer := s.connect(wish{})
	check.Equal(60_000, peer.call("Length", strings.Repeat("y", 60_000)), "the length seen by the hub")
	mixed := strings.Repeat("é漢😀", 5_000)
	check.Equal(mixed, peer.call("Echo", mixed), "a mixed text")
}

func callInARow(s *scene) {
	peer := s.connect(wish{})
	for i := range 200 {
		check.Equal(i+1, peer.call("Add", i, 1), "the result")
	}
}

func callAtOnce(s *scene) {
	peer := s.connect(wish{})
	var calls []<-chan answer
	for i := range 100 {
		calls = append(calls, peer.begin("Add", i, 1))
	}
	for i, call := range calls {
		result, err := wait(call, "Add")
		check.Must(err, "Add")
		check.Equal(i+1, result, "the result")
	}
}

func callSlowBesideQuick(s *scene) {
	peer := s.connect(wish{})
	slow := peer.begin("Slow", 3000)
	for range 5 {
		check.Equal("quick", peer.call("Echo", "quick"), "the result")
	}
	check.That(len(slow) == 0, "the slow call held up the quick ones")
	result, err := wait(slow, "Slow")
	check.Must(err, "Slow")
	check.Equal(3000, result, "the result of the slow call")
}

func callUnlistedHub(s *scene) {
	peer := s.connect(wish{})
	check.Equal("second:x", peer.callAt("second", "Echo", "x"), "the result")
	check.Equal("x", peer.call("Echo", "x"), "the result")
	count := 0
	for _, event := range s.log(peer.id) {
		if event == "connected" {
			count++
		}
	}
	check.Equal(1, count, "the number of times the hub that is listened to saw it connect")
}

func callAnyCase(s *scene) {
	peer := s.connect(wish{hubs: []string{"CONFORMance"}})
	check.Equal("a", peer.call("eCHO", "a"), "the result")
	check.Equal(3, peer.call("ADD", 1, 2), "the result")
	text := s.name("text")
	peer.call("callback", text)
	check.Equal(text, peer.next(), "the message")
}

func callOverload(s *scene) {
	peer := s.connect(wish{})
	check.Equal("none", peer.call("Overload"), "the result")
	check.Equal("int 3", peer.call("Overload", 3), "the result")
}

func errorException(s *scene) {
	peer := s.connect(wish{})
	peer.hidden("Throw", "a secret")
	peer.hidden("tHROW", "a secret")
	livesOn(peer)
}

func errorHubException(s *scene) {
	peer := s.connect(wish{})
	peer.refused(`shown "é" <b>`, "ThrowHub", `shown "é" <b>`)
	livesOn(peer)
}

func errorHubExceptionData(s *scene) {
	peer := s.connect(wish{})
	err := peer.refused("shown", "ThrowHubData", "shown", "code", "42")
	check.Equal([]any{true, map[string]string{"code": "42"}}, []any{err.isHubException, err.data}, "kind and data of the error")
	err = peer.refused("without", "ThrowHub", "without")
	check.Equal([]any{true, nil}, []any{err.isHubException, err.data}, "kind and data of an error without any")
	_, ordinary := peer.ask("Throw", "x")
	failed, ok := ordinary.(*callError)
	check.That(ok && !failed.isHubException, "an ordinary error has the kind of a HubException")
	livesOn(peer)
}

func errorUnknownMethod(s *scene) {
	peer := s.connect(wish{})
	peer.hidden("ThisDoesNotExist", 1)
	livesOn(peer)
}

func errorArgumentCount(s *scene) {
	peer := s.connect(wish{})
	peer.hidden("Add", 1)
	peer.hidden("Add", 1, 2, 3)
	peer.hidden("Void", 1)
	livesOn(peer)
}

func errorArgumentType(s *scene) {
	peer := s.connect(wish{})
	peer.hidden("Add", "one", 2)
	peer.hidden("Add", []int{1}, map[string]any{})
	peer.hidden("EchoPerson", []int{1})
	livesOn(peer)
}

func errorUnknownHub(s *scene) {
	fails(s, "nowhere")
	fails(s, "conformance", "nowhere")
}

func errorCallOfUnknownHub(s *scene) {
	peer := s.connect(wish{})
	_, err := peer.askAt("nowhere", "Echo", "x")
	check.That(err != nil, "the call of a hub that is not there succeeded")
	livesOn(peer)
	check.Equal([]int{0, 0}, []int{len(peer.ends), peer.countOf(&peer.reconnecting)}, "the numbers of ends and reconnects")
}

func livesOn(peer *peer) {
	check.Equal("after", peer.call("Echo", "after"), "the result")
}
