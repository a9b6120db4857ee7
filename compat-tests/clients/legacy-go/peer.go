package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/carterjones/signalr"
	"github.com/carterjones/signalr/hubs"
	"heliograph.invalid/compat-common/check"
)

const (
	step     = 10 * time.Second
	callStep = 40 * time.Second
	// How long a send may wait before the client is nudged, and between two nudges.
	nudgeAfter = 5 * time.Millisecond
	nudge      = "nudge"
)

// Those whose clients are told apart in what the library logs.
var logged sync.Map

// The library says in its log, and only there, that it reconnects.
func listenToLibrary() {
	_ = os.Setenv("DEBUG", "1")
	log.SetFlags(0)
	log.SetOutput(logLines{})
}

type logLines struct{}

func (logLines) Write(line []byte) (int, error) {
	id, what, _ := strings.Cut(strings.TrimPrefix(string(line), "["), "] ")
	if found, ok := logged.Load(id); ok {
		peer := found.(*peer)
		switch {
		case strings.HasPrefix(what, "attempting to reconnect"):
			peer.lock.Lock()
			peer.reconnecting++
			peer.lock.Unlock()
		case strings.HasPrefix(what, "reconnected successfully"):
			peer.lock.Lock()
			peer.reconnects++
			peer.lock.Unlock()
			peer.returns <- struct{}{}
		}
	}
	return len(line), nil
}

// What a hub sent. Every message is handled in a goroutine of its own, so that only its cursor tells when it came.
type message struct{ cursor, text string }

// The answer to a call, or its error.
type answer struct {
	result any
	err    error
}

type callError struct {
	text           string
	isHubException bool
	data           any
}

func (e *callError) Error() string { return e.text }

// A connection of the client under test and what happened to it.
type peer struct {
	server *server
	client *signalr.Client
	socket signalr.WebsocketConn
	hubs   []string
	id     string
	hears  func(string) bool

	lock                     sync.Mutex
	calls                    int
	pending                  map[int]chan answer
	texts                    map[string]chan message
	reconnecting, reconnects int

	many    chan []any
	returns chan struct{}
	ends    chan struct{}
}

func newPeer(server *server, address string, w wish, name string, hears func(string) bool) *peer {
	target, err := url.Parse(address)
	check.Must(err, "the address")
	names := []map[string]string{}
	for _, hub := range w.hubs {
		names = append(names, map[string]string{"name": hub})
	}
	data, err := json.Marshal(names)
	check.Must(err, "the names of the hubs")
	client := signalr.New(target.Host, "1.5", target.Path, string(data), w.query)
	client.Scheme = signalr.HTTP
	client.Headers = w.headers
	client.CustomID = name
	// A hub that is not there may be waited for with each of them.
	client.MaxNegotiateRetries = 1
	client.RetryWaitDuration = 100 * time.Millisecond
	client.MaxReconnectRetries = 20
	peer := &peer{
		server: server, client: client, hubs: w.hubs, hears: hears,
		pending: map[int]chan answer{}, texts: map[string]chan message{},
		many: make(chan []any, 10), returns: make(chan struct{}, 10), ends: make(chan struct{}, 10),
	}
	logged.Store(name, peer)
	return peer
}

func (p *peer) start() error {
	if err := p.open(); err != nil {
		return err
	}
	go p.read()
	return nil
}

// Starts, but does not read yet.
func (p *peer) open() error {
	if err := p.client.Negotiate(); err != nil {
		return err
	}
	socket, err := p.client.Connect()
	if err != nil {
		return err
	}
	if err := p.client.Start(socket); err != nil {
		_ = socket.Close()
		return err
	}
	p.socket = socket
	p.id = p.client.ConnectionID
	return nil
}

func (p *peer) read() {
	// An error is followed by the end.
	p.client.ReadMessages(p.handle, func(error) {})
	p.ends <- struct{}{}
}

// Starts, and takes note of the id.
func (p *peer) connect() *peer {
	check.Must(p.start(), "connecting")
	return p
}

// The client ends its reading only; its program has to close the connection.
func (p *peer) stop() {
	go func() {
		p.client.Close()
		socket := p.socket
		if p.countOf(&p.reconnects) > 0 {
			// It has another connection by now, which it hands out between two messages.
			p.nudged(func() { socket = p.client.Conn() })
		}
		if socket, ok := socket.(interface{ Close() error }); ok {
			_ = socket.Close()
		}
	}()
}

func (p *peer) handle(m signalr.Message) {
	if m.I != "" {
		p.answered(m)
		return
	}
	for _, call := range m.M {
		switch strings.ToLower(call.M) {
		case "received":
			if text, ok := call.A[0].(string); ok && text != nudge && p.hears(text) {
				p.of(call.H) <- message{m.C, text}
			}
		case "many":
			p.many <- call.A
		}
	}
}

func (p *peer) answered(m signalr.Message) {
	number, err := strconv.Atoi(m.I)
	if err != nil {
		return
	}
	p.lock.Lock()
	waiting, ok := p.pending[number]
	delete(p.pending, number)
	p.lock.Unlock()
	if !ok {
		return
	}
	var got answer
	if m.E != "" {
		got.err = &callError{text: m.E, isHubException: string(m.H) == "true", data: decoded(m.D)}
	} else {
		got.result = decoded(m.R)
	}
	waiting <- got
}

func decoded(raw json.RawMessage) any {
	var value any
	if len(raw) > 0 && json.Unmarshal(raw, &value) != nil {
		return fmt.Sprintf("no JSON: %s", raw)
	}
	return value
}

// Begins a call of a hub.
func (p *peer) beginAt(hub, method string, arguments ...any) <-chan answer {
	waiting, send := p.prepare(hub, method, arguments...)
	go p.nudged(send)
	return waiting
}

// A call that is not sent yet.
func (p *peer) prepare(hub, method string, arguments ...any) (call <-chan answer, send func()) {
	waiting := make(chan answer, 1)
	p.lock.Lock()
	number := p.calls
	p.calls++
	p.pending[number] = waiting
	p.lock.Unlock()
	if arguments == nil {
		arguments = []any{}
	}
	return waiting, func() {
		if err := p.client.Send(hubs.ClientMsg{H: hub, M: method, A: arguments, I: number}); err != nil {
			waiting <- answer{err: err}
		}
	}
}

func (p *peer) begin(method string, arguments ...any) <-chan answer {
	return p.beginAt(p.hubs[0], method, arguments...)
}

// Does what waits until the client has read a message: it holds its connection while it reads. So the server sends it some, which nobody hears.
func (p *peer) nudged(work func()) {
	done := make(chan struct{})
	go func() {
		work()
		close(done)
	}()
	for {
		select {
		case <-done:
			return
		case <-time.After(nudgeAfter):
			p.server.nudge(p.hubs[0], p.id)
		}
	}
}

func (p *peer) askAt(hub, method string, arguments ...any) (any, error) {
	return wait(p.beginAt(hub, method, arguments...), method)
}

// A call's answer, or its error.
func (p *peer) ask(method string, arguments ...any) (any, error) {
	return p.askAt(p.hubs[0], method, arguments...)
}

func (p *peer) callAt(hub, method string, arguments ...any) any {
	result, err := p.askAt(hub, method, arguments...)
	check.Must(err, method)
	return result
}

// Calls a method of the first hub.
func (p *peer) call(method string, arguments ...any) any {
	return p.callAt(p.hubs[0], method, arguments...)
}

func wait(call <-chan answer, method string) (any, error) {
	got := taken(call, callStep, method+" is not answered")
	return got.result, got.err
}

// The call must fail as an error that is hidden, with names as the program wrote them.
func (p *peer) hidden(method string, arguments ...any) {
	p.refused(fmt.Sprintf("There was an error invoking Hub method '%s.%s'.", p.hubs[0], method), method, arguments...)
}

func (p *peer) refused(wanted, method string, arguments ...any) *callError {
	result, err := p.ask(method, arguments...)
	check.That(err != nil, "%s: no error, but %s", method, check.Shown(result))
	check.Equal(wanted, err.Error(), "the error")
	var failed *callError
	check.That(errors.As(err, &failed), "the server did not answer: %v", err)
	return failed
}

func (p *peer) of(hub string) chan message {
	p.lock.Lock()
	defer p.lock.Unlock()
	hub = strings.ToLower(hub)
	if p.texts[hub] == nil {
		p.texts[hub] = make(chan message, 10_000)
	}
	return p.texts[hub]
}

// The next text that the first hub sent.
func (p *peer) next() string { return p.nextAt(p.hubs[0]) }

func (p *peer) nextAt(hub string) string {
	return taken(p.of(hub), step, "no message of "+hub).text
}

// The given number of texts, in the order in which they came.
func (p *peer) take(count int, limit time.Duration) []string {
	var all []message
	for len(all) < count {
		all = append(all, taken(p.of(p.hubs[0]), limit, fmt.Sprintf("no message after %d", len(all))))
	}
	return inOrder(all)
}

// Cursors of one server count up in hexadecimal digits.
func inOrder(all []message) []string {
	slices.SortStableFunc(all, func(a, b message) int {
		if len(a.cursor) != len(b.cursor) {
			return len(a.cursor) - len(b.cursor)
		}
		return strings.Compare(a.cursor, b.cursor)
	})
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = one.text
	}
	return texts
}

// The texts before the given one, which is taken too.
func (p *peer) before(mark string, limit time.Duration) []string {
	var all []message
	for {
		got := taken(p.of(p.hubs[0]), limit, "no message")
		if got.text == mark {
			return inOrder(all)
		}
		all = append(all, got)
	}
}

// How many texts of a hub were received and not taken.
func (p *peer) waiting(hub string) int { return len(p.of(hub)) }

// Waits until the client says that it came back.
func (p *peer) returned() { taken(p.returns, 45*time.Second, "no reconnect") }

// Waits until it reads no more.
func (p *peer) ended(limit time.Duration) { taken(p.ends, limit, "no end of the connection") }

func (p *peer) countOf(count *int) int {
	p.lock.Lock()
	defer p.lock.Unlock()
	return *count
}

func taken[T any](from <-chan T, limit time.Duration, what string) T {
	select {
	case one := <-from:
		return one
	case <-time.After(limit):
		check.Fail("%s within %v", what, limit)
		panic("unreachable")
	}
}
