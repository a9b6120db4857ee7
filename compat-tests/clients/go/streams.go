package main

import (
	"strings"
	"time"

	"github.com/philippseith/signalr"
	"heliograph.invalid/compat-common/check"
)

var streamScenarios = []scenario{
	{name: "stream-items", run: streamItems},
	{name: "stream-empty", run: streamEmpty},
	{name: "stream-error", run: streamError},
	{name: "stream-as-it-comes", run: streamAsItComes},
	{name: "stream-several-at-once", run: streamSeveralAtOnce},
	{name: "stream-cancel", needs: "stream-cancel"},
	{name: "stream-ends-with-client", run: streamEndsWithClient},
	{name: "upload-concat", run: uploadConcat},
	{name: "upload-sum", run: uploadSum},
	{name: "upload-events", run: uploadEvents},
	{name: "upload-in-order", run: uploadInOrder},
	{name: "upload-error", needs: "upload-error"},
	{name: "upload-ends-with-client", run: uploadEndsWithClient},
	{name: "upload-both-ways", needs: "upload-both-ways"},
	{name: "ask-caller", run: askCaller},
	{name: "ask-other", run: askOther},
	{name: "ask-from-outside", run: askFromOutside},
	{name: "ask-error", run: askError},
	{name: "ask-no-handler", run: askNoHandler},
	{name: "ask-no-answer", run: askNoAnswer},
	{name: "ask-too-late", run: askTooLate},
	{name: "ask-client-leaves", limit: 30 * time.Second, run: askClientLeaves},
	{name: "ask-unknown-connection", run: askUnknownConnection},
}

func numbers(count int) []int {
	all := make([]int, count)
	for i := range all {
		all[i] = i
	}
	return all
}

func streamItems(s *scene) {
	peer := s.connect(wish{})
	items, err := peer.stream("Stream")
	check.Must(err, "Stream")
	check.Equal([]string{"a", "b", "c"}, items, "the items")
	items, err = peer.stream("Counter", 1000, 0)
	check.Must(err, "Counter")
	check.Equal(numbers(1000), items, "the numbers")
}

func streamEmpty(s *scene) {
	peer := s.connect(wish{})
	items, err := peer.stream("EmptyStream")
	check.Must(err, "EmptyStream")
	check.Equal([]any{}, items, "the items")
	items, err = peer.stream("Counter", 0, 0)
	check.Must(err, "Counter")
	check.Equal([]any{}, items, "the numbers")
}

func streamError(s *scene) {
	peer := s.connect(wish{})
	_, err := peer.stream("StreamThrowException", "oh")
	check.That(err != nil, "the stream ended without an error")
	check.Equal(s.app.text("An error occurred on the server while streaming results.", "Exception: oh"), err.Error(), "the error")
	check.Equal("alive", peer.call("Echo", "alive"), "the answer")
}

func streamAsItComes(s *scene) {
	peer := s.connect(wish{})
	items := peer.client.PullStream("Counter", 4, 700)
	select {
	case item := <-items:
		check.Equal(0, item.Value, "the first item")
	case <-time.After(2 * time.Second):
		check.Fail("no first item")
	}
	check.Equal("meanwhile", peer.call("Echo", "meanwhile"), "the answer")
	rest, err := drain("Counter", items)
	check.Must(err, "Counter")
	check.Equal([]int{1, 2, 3}, rest, "the other items")
}

func streamSeveralAtOnce(s *scene) {
	peer := s.connect(wish{})
	var streams []<-chan signalr.InvokeResult
	for n := 1; n <= 4; n++ {
		streams = append(streams, peer.client.PullStream("Counter", n*20, 2))
	}
	// All are read at once: the client handles nothing else while one is full.
	items := make([][]any, len(streams))
	ended := make(chan error, len(streams))
	for i, stream := range streams {
		go func() {
			for one := range stream {
				if one.Error != nil {
					ended <- one.Error
					return
				}
				items[i] = append(items[i], one.Value)
			}
			ended <- nil
		}()
	}
	for range streams {
		select {
		case err := <-ended:
			check.Must(err, "Counter")
		case <-time.After(step):
			check.Fail("a stream has not ended within %v", step)
		}
	}
	for i := range streams {
		check.Equal(numbers((i+1)*20), items[i], "the numbers")
	}
}

func streamEndsWithClient(s *scene) {
	peer := s.connect(wish{})
	items := peer.client.PullStream("InfiniteStream")
	select {
	case item := <-items:
		check.Equal("x", item.Value, "the first item")
	case <-time.After(step):
		check.Fail("no first item")
	}
	peer.client.Stop()
	s.app.reports(peer.id, "stream-ended")
}

func uploadConcat(s *scene) {
	peer := s.connect(wish{})
	upload := make(chan string)
	answer := peer.client.PushStreams("StreamingConcat", upload)
	for _, text := range []string{"one", "", "😀", "three"} {
		upload <- text
	}
	check.Equal("meanwhile", peer.call("Echo", "meanwhile"), "the answer")
	check.That(len(answer) == 0, "the answer came before the upload's end")
	close(upload)
	all, err := peer.wait("StreamingConcat", answer, step)
	check.Must(err, "StreamingConcat")
	check.Equal("one😀three", all, "the answer")
}

func uploadSum(s *scene) {
	peer := s.connect(wish{})
	upload := make(chan int)
	answer := peer.client.PushStreams("Sum", upload)
	for i := range 1000 {
		upload <- i
	}
	close(upload)
	sum, err := peer.wait("Sum", answer, step)
	check.Must(err, "Sum")
	check.Equal(499_500, sum, "the sum")
}

func uploadEvents(s *scene) {
	peer := s.connect(wish{})
	wanted := []string{"", "😀"}
	for range 50 {
		wanted = append(wanted, s.name("item"))
	}
	upload := make(chan string)
	peer.client.PushStreams("UploadToNote", upload)
	for _, text := range wanted {
		upload <- text
	}
	close(upload)
	var got []string
	for _, one := range s.app.reports(peer.id, "upload-ended") {
		if one.Event == "upload" {
			got = append(got, one.Detail)
		}
	}
	check.Equal(wanted, got, "the items")
}

func uploadEndsWithClient(s *scene) {
	peer := s.connect(wish{})
	upload := make(chan string)
	peer.client.PushStreams("UploadToNote", upload)
	upload <- "one"
	s.app.reports(peer.id, "upload")
	peer.client.Stop()
	s.app.events(peer.id, "an end of the upload", func(names []string) bool {
		text := strings.Join(names, " ")
		return strings.Contains(text, "upload-failed") || strings.Contains(text, "upload-ended")
	})
}

func askCaller(s *scene) {
	peer := s.connect(wish{answer: func(question string) string { return "<" + question + ">" }})
	check.Equal("<é😀>", peer.call("AskMe", "é😀"), "the answer")
	var answers []<-chan signalr.InvokeResult
	for i := range 30 {
		answers = append(answers, peer.client.Invoke("AskMe", "q"+strings.Repeat("i", i)))
	}
	for i, answer := range answers {
		text, err := peer.wait("AskMe", answer, step)
		check.Must(err, "AskMe")
		check.Equal("<q"+strings.Repeat("i", i)+">", text, "the answer")
	}
}

func askOther(s *scene) {
	asked := s.connect(wish{answer: func(question string) string { return question + "!" }})
	peer := s.connect(wish{answer: func(string) string { return "the wrong client" }})
	check.Equal("who?!", peer.call("AskOther", asked.id, "who?"), "the answer")
	big := strings.Repeat("b", 200_000)
	check.Equal(big+"!", peer.call("AskOther", asked.id, big), "the big answer")
}

func askFromOutside(s *scene) {
	peer := s.connect(wish{answer: func(question string) string { return "re: " + question }})
	status, answer := s.app.ask(peer.id, "äh & so?")
	check.Equal(200, status, "the status")
	check.Equal("re: äh & so?", answer, "the answer")
}

func askError(s *scene) {
	peer := s.connect(wish{answer: func(string) string { panic("no idea") }})
	// The client puts a line feed after the text of a panic, where a stack would follow.
	peer.refused("An unexpected error occurred invoking 'AskMe' on the server. HubException: no idea\n", "AskMe", "x")
	check.Equal("alive", peer.call("Echo", "alive"), "the answer")
}

func askNoHandler(s *scene) {
	s.connect(wish{}).refused("An unexpected error occurred invoking 'AskMe' on the server. HubException: Unknown method Ask", "AskMe", "x")
}

func askNoAnswer(s *scene) {
	_, err := s.connect(wish{noAnswer: true}).ask("AskMe", "x")
	check.That(err == nil || strings.HasPrefix(err.Error(), "An unexpected error occurred invoking 'AskMe' on the server."), "the error is %v", err)
}

func askTooLate(s *scene) {
	answer := make(chan string, 1)
	asked := s.connect(wish{answer: func(string) string { return <-answer }})
	peer := s.connect(wish{})
	_, err := peer.ask("AskWithin", asked.id, 600, "x")
	check.That(err != nil && strings.HasPrefix(err.Error(), "An unexpected error occurred invoking 'AskWithin' on the server."), "the error is %v", err)
	answer <- "late"
	check.Equal("alive", asked.call("Echo", "alive"), "the answer")
	check.Equal("alive", peer.call("Echo", "alive"), "the answer")
}

func askClientLeaves(s *scene) {
	reached := make(chan struct{}, 1)
	asked := s.connect(wish{answer: func(string) string {
		reached <- struct{}{}
		<-s.ctx.Done()
		return ""
	}})
	peer := s.connect(wish{})
	answers := peer.client.Invoke("AskOther", asked.id, "x")
	select {
	case <-reached:
	case <-time.After(step):
		check.Fail("the client is not asked within %v", step)
	}
	asked.client.Stop()
	_, err := peer.wait("AskOther", answers, 20*time.Second)
	check.That(err != nil && strings.HasPrefix(err.Error(), "An unexpected error occurred invoking 'AskOther' on the server."), "the error is %v", err)
	check.Equal("alive", peer.call("Echo", "alive"), "the answer")
}

func askUnknownConnection(s *scene) {
	_, err := s.connect(wish{}).ask("AskOther", "nobody", "x")
	check.That(err != nil && strings.HasPrefix(err.Error(), "An unexpected error occurred invoking 'AskOther' on the server."), "the error is %v", err)
}

func uploadInOrder(s *scene) {
	peer := s.connect(wish{})
	var wanted, got []string
	for range 1000 {
		wanted = append(wanted, s.name(""))
	}
	upload := make(chan string)
	done := peer.client.PushStreams("UploadToNote", upload)
	for _, text := range wanted {
		upload <- text
	}
	close(upload)
	_, err := peer.wait("UploadToNote", done, step)
	check.Must(err, "UploadToNote")
	for _, one := range s.app.reports(peer.id, "upload-ended") {
		if one.Event == "upload" {
			got = append(got, one.Detail)
		}
	}
	check.Equal(wanted, got, "the items")
}
