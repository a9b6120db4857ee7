package main

import (
	"strings"
	"time"

	"github.com/philippseith/signalr"
	"heliograph.invalid/compat-common/check"
)

var callScenarios = []scenario{
	{name: "connect-and-stop", run: connectAndStop},
	{name: "connect-start-again", run: connectStartAgain},
	{name: "connect-id-visible", run: connectIDVisible},
	{name: "connect-picks-transport", run: connectPicksTransport},
	{name: "connect-two-hubs", run: connectTwoHubs},
	{name: "connect-hub-throws", run: func(s *scene) { connectFails(s, "onconnect=throw") }},
	{name: "connect-hub-aborts", run: func(s *scene) { connectFails(s, "onconnect=abort") }},
	{name: "negotiate-skipped", run: negotiateSkipped},
	{name: "invoke-result", run: invokeResult},
	{name: "invoke-void", run: func(s *scene) { check.Equal(nil, s.connect(wish{}).call("Nothing"), "the answer") }},
	{name: "invoke-null", run: invokeNull},
	{name: "invoke-object", run: invokeObject},
	{name: "invoke-bytes", run: invokeBytes},
	{name: "invoke-any", run: invokeAny},
	{name: "invoke-texts", run: invokeTexts},
	{name: "invoke-name-ignores-case", run: func(s *scene) { check.Equal(7, s.connect(wish{}).call("aDD", 3, 4), "the sum") }},
	{name: "invoke-parallel", run: invokeParallel},
	{name: "invoke-slow-beside-quick", run: invokeSlowBesideQuick},
	{name: "error-exception", run: errorException},
	{name: "error-hub-exception", run: errorHubException},
	{name: "error-unknown-method", run: errorUnknownMethod},
	{name: "error-argument-count", run: errorArgumentCount},
	{name: "error-argument-type", run: errorArgumentType},
	{name: "error-stream-and-call-mixed-up", run: errorMixedUp},
	{name: "error-of-send-is-silent", needs: "send"},
	{name: "size-text-edges", limit: 30 * time.Second, run: sizeTextEdges},
	{name: "size-megabyte", limit: 30 * time.Second, run: sizeMegabyte},
	{name: "size-over-limit", limit: 30 * time.Second, run: sizeOverLimit},
}

func connectAndStop(s *scene) {
	peer := s.connect(wish{})
	check.Equal("hello", peer.call("Echo", "hello"), "the answer")
	peer.client.Stop()
	check.Equal(int(signalr.ClientClosed), int(peer.client.State()), "the state")
}

func connectStartAgain(s *scene) {
	// A client made from a connection does not start twice.
	peer := s.connect(wish{})
	peer.client.Stop()
	check.That(s.connect(wish{}).id != peer.id, "the second start has the first one's id")
}

func connectIDVisible(s *scene) {
	peer := s.connect(wish{})
	check.Equal(peer.id, peer.connection.ConnectionID(), "the id the client shows")
}

func connectPicksTransport(s *scene) {
	check.Equal("here", s.connect(wish{anyTransport: true}).call("Echo", "here"), "the answer")
}

func connectTwoHubs(s *scene) {
	test := s.several(2)
	bench := s.connect(wish{hub: "bench"})
	s.reaches(test, test, "All of one hub", func(text string) { test[0].call("ToAll", text) })
	mine := s.name("mine")
	bench.call("Broadcast", mine)
	check.Equal(mine, bench.next(), "the other hub's first message")
	check.Equal("here", bench.call("Echo", "here"), "the answer")
	for _, peer := range test {
		check.That(len(peer.texts) == 0, "a hub's message reached another hub's client")
	}
}

func connectFails(s *scene, query string) {
	peer, err := s.try(wish{query: query})
	if err == nil {
		peer.ends()
	}
}

func negotiateSkipped(s *scene) {
	if s.transport != "WebSockets" {
		panic(check.Skipped("only for WebSockets"))
	}
	if s.app.mode != "self" {
		panic(check.Skipped("the app does not serve the hub itself"))
	}
	peer := s.connect(wish{skipsNegotiate: true})
	check.Equal("here", peer.call("Echo", "here"), "the answer")
}

func invokeResult(s *scene) {
	peer := s.connect(wish{})
	check.Equal("häll😀", peer.call("Echo", "häll😀"), "Echo")
	check.Equal(5, peer.call("Add", 7, -2), "Add")
	check.Equal(7, peer.call("Length", "äöü 漢字!"), "Length")
}

func invokeNull(s *scene) {
	peer := s.connect(wish{})
	check.Equal(nil, peer.call("Null"), "Null")
	check.Equal(nil, peer.call("Echo", nil), "Echo")
}

func invokeObject(s *scene) {
	peer := s.connect(wish{})
	names := []string{"string", "intArray", "byteArray", "guid", "dateTime", "inner"}
	if s.protocol == "messagepack" {
		names = []string{"String", "IntArray", "ByteArray", "Guid", "DateTime", "Inner"}
	}
	guid, moment := "8f14e45f-ceea-467f-a0e6-1f0c7b8e2d31", time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	object := func(values ...any) map[string]any {
		made := map[string]any{}
		for i, name := range names {
			made[name] = values[i]
		}
		return made
	}
	sample := object("té😀xt", []int{1, -2, 2147483647}, []byte{9, 0, 255}, guid, moment, object(nil, nil, nil, guid, moment, nil))
	check.Equal(sample, peer.call("EchoComplexObject", sample), "the object")
}

func invokeBytes(s *scene) {
	peer := s.connect(wish{})
	for _, size := range []int{0, 1, 256, 100_000} {
		sample := make([]byte, size)
		for i := range sample {
			sample[i] = byte(i * 31)
		}
		check.Equal(sample, peer.call("EchoBytes", sample), "the bytes")
	}
}

func invokeAny(s *scene) {
	peer := s.connect(wish{})
	values := []any{true, false, 0, -1, 127, -128, 65_536, 1 << 53, 1.5, -0.1, 1e300, "", "x", []any{}, []int{1, -1, 70_000}, []any{"a", nil, ""},
		[][]int{{}, {1}, {2, 3}}, map[string]any{"one": 1, "zwei 😀": 2, "": 3}, map[string]any{"a": map[string]any{"b": []any{map[string]any{"c": nil}}}}, nil}
	for _, value := range values {
		check.Equal(value, peer.call("EchoAny", value), "the value")
	}
}

func invokeTexts(s *scene) {
	peer := s.connect(wish{})
	for _, text := range []string{"", " ", "plain", "äöü ß é", "漢字かな", "😀👩‍👩‍👧", "\"quoted\" \\ / <b>&amp;", "tab\t cr\r lf\n crlf\r\n", "\x00\x01\x7f", "\u2028\u2029\ufeff",
		"{}\x1e{\"type\":6}\x1e", "data: a\r\n\r\ndata: b\r\n\r\n: c", "null", strings.Repeat("\x1e", 300)} {
		check.Equal(text, peer.call("Echo", text), "the text")
	}
}

func invokeParallel(s *scene) {
	peer := s.connect(wish{})
	answers := make([]<-chan signalr.InvokeResult, 300)
	for i := range answers {
		answers[i] = peer.client.Invoke("Add", i, i*1000)
	}
	for i, answer := range answers {
		sum, err := peer.wait("Add", answer, step)
		check.Must(err, "Add")
		check.Equal(i*1001, sum, "the sum")
	}
}

func invokeSlowBesideQuick(s *scene) {
	peer := s.connect(wish{})
	slow := peer.client.Invoke("Slow", 2500)
	check.Equal("quick", peer.call("Echo", "quick"), "the quick call")
	check.That(len(slow) == 0, "the quick call waited for the slow one")
	answer, err := peer.wait("Slow", slow, step)
	check.Must(err, "Slow")
	check.Equal("done", answer, "the slow call")
}

func errorException(s *scene) {
	peer := s.connect(wish{})
	peer.refused(s.app.text("An unexpected error occurred invoking 'ThrowException' on the server.", "InvalidOperationException: böse"), "ThrowException", "böse")
	check.Equal("alive", peer.call("Echo", "alive"), "the answer")
}

func errorHubException(s *scene) {
	peer := s.connect(wish{})
	for _, text := range []string{"told to the client", "\"zwei\"\n😀"} {
		peer.refused("An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: "+text, "ThrowHubException", text)
	}
}

func errorUnknownMethod(s *scene) {
	peer := s.connect(wish{})
	const text = "Failed to invoke 'NotThere' due to an error on the server. HubException: Method does not exist."
	peer.refused(text, "NotThere")
	peer.refused(text, "NotThere", 1, "two")
	_, err := peer.stream("NotThere")
	check.That(err != nil && err.Error() == text, "the stream's error is %v", err)
}

func errorArgumentCount(s *scene) {
	peer := s.connect(wish{})
	const text = "Failed to invoke 'Add' due to an error on the server."
	peer.refused(s.app.text(text, "InvalidDataException: Invocation provides 1 argument(s) but target expects 2."), "Add", 1)
	peer.refused(s.app.text(text, "InvalidDataException: Invocation provides 3 argument(s) but target expects 2."), "Add", 1, 2, 3)
}

func errorArgumentType(s *scene) {
	peer := s.connect(wish{})
	const detail = "InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked."
	peer.refused(s.app.text("Failed to invoke 'Add' due to an error on the server.", detail), "Add", "one", "two")
	check.Equal(3, peer.call("Add", 1, 2), "the sum")
}

func errorMixedUp(s *scene) {
	peer := s.connect(wish{})
	peer.refused("The client attempted to invoke the streaming 'Stream' method with a non-streaming invocation.", "Stream")
	_, err := peer.stream("Echo", "x")
	check.That(err != nil && err.Error() == "The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation.", "the stream's error is %v", err)
}

func sizeTextEdges(s *scene) {
	peer := s.connect(wish{})
	for _, size := range []int{2_047, 4_096, 16_383, 32_768, 65_535, 65_536, 70_000} {
		for _, character := range []string{"é", "漢", "😀"} {
			// One byte more or less in front moves the cut through the characters.
			for _, front := range []string{"", "a"} {
				text := front + strings.Repeat(character, (size-len(front))/len(character))
				check.Equal(text, peer.call("Echo", text), "the text")
			}
		}
	}
}

func sizeMegabyte(s *scene) {
	peer := s.connect(wish{})
	check.Equal(1_000_000, peer.call("Length", strings.Repeat("y", 1_000_000)), "the length")
	check.Equal(strings.Repeat("x", 1_000_000), peer.call("Big", 1_000_000), "the text")
}

func sizeOverLimit(s *scene) {
	all := s.several(2)
	all[0].client.Send("Length", strings.Repeat("z", 1_200_000))
	all[0].ends()
	check.Equal("here", all[1].call("Echo", "here"), "the other client's answer")
	check.Equal("again", s.connect(wish{}).call("Echo", "again"), "the answer after the new start")
}
