package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/philippseith/signalr"
	"heliograph.invalid/compat-common/check"
	"heliograph.invalid/compat-common/relay"
)

// The hub's calls to a client arrive at the methods of its receiver.
type receiver struct {
	signalr.Receiver
	texts chan string
	hears func(string) bool
}

func (r *receiver) Message(text string) {
	if r.hears(text) {
		r.texts <- text
	}
}

func (r *receiver) M(text string) { r.Message(text) }

// Every client is told when somebody's InfiniteStream ends.
func (r *receiver) StreamCanceled() {}

type answering struct {
	receiver
	answer func(string) string
}

func (a *answering) Ask(question string) string { return a.answer(question) }

type unanswering struct{ receiver }

func (u *unanswering) Ask(string) {}

type peer struct {
	client     signalr.Client
	connection signalr.Connection
	texts      chan string
	id         string
}

// What a scenario may want of a connection.
type wish struct {
	hub, query, token string
	headers           http.Header
	hears             func(string) bool
	answer            func(string) string
	noAnswer          bool
	skipsNegotiate    bool
	anyTransport      bool
	// What the way to the hub leads through, wherever it is.
	relay *relay.Relay
	// How long connecting may take, if longer than a step.
	limit time.Duration
}

// Adds headers to every request: the client sends those of WithHTTPHeaders with all but its POSTs.
type heading struct{ headers http.Header }

func (h heading) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	for name, values := range h.headers {
		request.Header[name] = values
	}
	return http.DefaultTransport.RoundTrip(request)
}

// One run of one scenario: its clients, which end with it, and names that no other run uses.
type scene struct {
	app                 *app
	transport, protocol string
	tag                 string
	ctx                 context.Context
	cancel              context.CancelFunc
	lock                sync.Mutex
	peers               []*peer
	names               int
}

func newScene(app *app, transport, protocol string) *scene {
	random := make([]byte, 5)
	_, _ = rand.Read(random)
	ctx, cancel := context.WithCancel(context.Background())
	return &scene{app: app, transport: transport, protocol: protocol, tag: "t" + hex.EncodeToString(random) + ".", ctx: ctx, cancel: cancel}
}

func (s *scene) close() {
	s.cancel()
	// Ending its context ends a client; some take long, and nothing of the next scenario depends on it.
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, peer := range s.peers {
		go peer.client.Stop()
	}
}

func (s *scene) name(what string) string {
	s.names++
	return fmt.Sprintf("%s%s%d", s.tag, what, s.names)
}

func (s *scene) connect(w wish) *peer {
	peer, err := s.try(w)
	check.Must(err, "connecting")
	if w.hub == "" {
		peer.id = peer.text("GetCallerConnectionId")
	}
	return peer
}

func (s *scene) several(count int) []*peer {
	peers := make([]*peer, count)
	for i := range peers {
		peers[i] = s.connect(wish{})
	}
	return peers
}

func (s *scene) try(w wish) (*peer, error) {
	address := s.app.url + "/" + map[bool]string{true: "testhub", false: w.hub}[w.hub == ""]
	if w.query != "" {
		address += "?" + w.query
	}
	headers := http.Header{}
	for name, values := range w.headers {
		headers[name] = values
	}
	if w.token != "" {
		headers.Set("Authorization", "Bearer "+w.token)
	}
	limit := w.limit
	if limit == 0 {
		limit = step
	}
	ctx, cancel := context.WithTimeout(s.ctx, limit)
	defer cancel()
	connection, err := s.open(ctx, address, headers, w)
	if err != nil {
		return nil, err
	}
	peer := &peer{connection: connection, texts: make(chan string, 5000)}
	hears := w.hears
	if hears == nil {
		hears = func(text string) bool { return strings.HasPrefix(text, s.tag) }
	}
	var target any = &receiver{texts: peer.texts, hears: hears}
	if w.answer != nil {
		target = &answering{receiver{texts: peer.texts, hears: hears}, w.answer}
	} else if w.noAnswer {
		target = &unanswering{receiver{texts: peer.texts, hears: hears}}
	}
	format := signalr.TransferFormatText
	if s.protocol == "messagepack" {
		format = signalr.TransferFormatBinary
	}
	// The default of 32 KiB is less than what some scenarios send down.
	client, err := signalr.NewClient(s.ctx, signalr.WithConnection(connection), signalr.WithReceiver(target), signalr.TransferFormat(format),
		signalr.MaximumReceiveMessageSize(2<<20), signalr.Logger(log.NewNopLogger(), false))
	if err != nil {
		return nil, err
	}
	peer.client = client
	s.lock.Lock()
	s.peers = append(s.peers, peer)
	s.lock.Unlock()
	client.Start()
	return peer, <-client.WaitForState(ctx, signalr.ClientConnected)
}

func (s *scene) open(ctx context.Context, address string, headers http.Header, w wish) (signalr.Connection, error) {
	if w.skipsNegotiate {
		target, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		target.Scheme = "ws"
		// The connection lives as long as this context, so it is the scene's.
		return signalr.NewWebSocketConnection(s.ctx, target, "", headers)
	}
	address, err := redirected(address, headers)
	if err != nil {
		return nil, err
	}
	if w.relay != nil {
		if address, err = w.relay.LeadTo(address); err != nil {
			return nil, err
		}
	}
	transports := []signalr.TransportType{signalr.TransportType(s.transport)}
	if w.anyTransport {
		transports = []signalr.TransportType{signalr.TransportWebSockets, signalr.TransportServerSentEvents}
	}
	return signalr.NewHTTPConnection(ctx, address,
		signalr.WithTransports(transports...),
		signalr.WithHTTPClient(&http.Client{Transport: heading{headers}}),
		signalr.WithHTTPHeaders(func() http.Header { return headers.Clone() }))
}

// The client follows no redirect, so the app's negotiate is asked first. Without a version: the client's event stream needs the
// connection id of version 0, and what is asked here becomes part of the address that comes back.
func redirected(address string, headers http.Header) (string, error) {
	target, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	target.Path += "/negotiate"
	request, err := http.NewRequest("POST", target.String(), nil)
	if err != nil {
		return "", err
	}
	request.Header = headers.Clone()
	response, err := (&http.Client{Timeout: step}).Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != 200 {
		return "", fmt.Errorf("negotiate: %s", response.Status)
	}
	var answer struct{ URL, AccessToken string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", err
	}
	if answer.URL == "" {
		return address, nil
	}
	if answer.AccessToken != "" {
		headers.Set("Authorization", "Bearer "+answer.AccessToken)
	}
	return answer.URL, nil
}

// A call's answer, or its error.
func (p *peer) ask(method string, arguments ...any) (any, error) {
	return p.wait(method, p.client.Invoke(method, arguments...), step)
}

func (p *peer) wait(method string, answers <-chan signalr.InvokeResult, limit time.Duration) (any, error) {
	deadline := time.After(limit)
	var result signalr.InvokeResult
	for {
		select {
		case one, ok := <-answers:
			if !ok {
				return result.Value, result.Error
			}
			if one.Value != nil {
				result.Value = one.Value
			}
			if one.Error != nil {
				result.Error = one.Error
			}
		case <-deadline:
			check.Fail("%s is not answered within %v", method, limit)
		}
	}
}

func (p *peer) call(method string, arguments ...any) any {
	answer, err := p.ask(method, arguments...)
	check.Must(err, method)
	return answer
}

func (p *peer) text(method string, arguments ...any) string {
	answer := p.call(method, arguments...)
	text, ok := answer.(string)
	check.That(ok, "%s returned %s", method, check.Shown(answer))
	return text
}

// The call must fail with this text.
func (p *peer) refused(wanted, method string, arguments ...any) {
	answer, err := p.ask(method, arguments...)
	check.That(err != nil, "%s: no error, but %s", method, check.Shown(answer))
	check.Equal(wanted, err.Error(), "the error")
}

// The items of a stream, and its error.
func (p *peer) stream(method string, arguments ...any) ([]any, error) {
	return drain(method, p.client.PullStream(method, arguments...))
}

func drain(method string, items <-chan signalr.InvokeResult) ([]any, error) {
	all := []any{}
	for {
		select {
		case item, ok := <-items:
			if !ok {
				return all, nil
			}
			if item.Error != nil {
				return all, item.Error
			}
			all = append(all, item.Value)
		case <-time.After(step):
			check.Fail("the stream %s sends nothing within %v", method, step)
		}
	}
}

func (p *peer) next() string {
	select {
	case text := <-p.texts:
		return text
	case <-time.After(step):
		check.Fail("no message within %v", step)
		return ""
	}
}

func (p *peer) ends() {
	end := make(chan signalr.ClientState, 10)
	cancel := p.client.ObserveStateChanged(end)
	defer cancel()
	deadline := time.After(step)
	for p.client.State() != signalr.ClientClosed {
		select {
		case <-end:
		case <-deadline:
			check.Fail("the client does not notice the end")
		}
	}
}

// Sends a text and looks who gets it: each of the receivers once, the others not before a marker that is sent after it to all.
func (s *scene) reaches(all, receivers []*peer, what string, send func(text string)) {
	text, marker := s.name("text"), s.name("marker")
	send(text)
	for i, peer := range receivers {
		check.Equal(text, peer.next(), fmt.Sprintf("%s: the message at receiver %d", what, i))
	}
	ids := make([]string, len(all))
	for i, peer := range all {
		ids[i] = peer.id
	}
	all[0].call("ToClients", ids, marker)
	for i, peer := range all {
		for got := peer.next(); got != marker; got = peer.next() {
			check.Fail("%s: client %d got %s though it should not", what, i, got)
		}
	}
}
