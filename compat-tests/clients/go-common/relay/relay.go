// Package relay has a TCP relay that cuts its links below HTTP.
package relay

import (
	"net"
	"net/url"
	"regexp"
	"sync"
	"time"

	"heliograph.invalid/compat-common/check"
)

// How a request begins, and those of ASP.NET SignalR whose answers carry messages from the server.
var (
	request = regexp.MustCompile(`^[A-Z]{3,7} (/\S*)`)
	channel = regexp.MustCompile(`/(connect|reconnect)\?`)
)

const never = int(^uint(0) >> 1)

// Relay leads to one address.
type Relay struct {
	listener  net.Listener
	target    string
	lock      sync.Mutex
	downUntil time.Time
	links     map[net.Conn]struct{}
	// After how many bytes to a client its channel is cut, and who is told.
	armed    int
	armedCut chan struct{}
	flow     chan struct{}
	longest  int
}

// Open listens for links.
func Open() *Relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check.Must(err, "listening for a relay")
	flow := make(chan struct{})
	close(flow)
	return &Relay{listener: listener, links: map[net.Conn]struct{}{}, armed: never, flow: flow}
}

// LeadTo leads to an address from now on, and gives the relay's own in its place.
func (r *Relay) LeadTo(address string) (string, error) {
	target, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	r.target, target.Host = target.Host, r.listener.Addr().String()
	go r.serve()
	return target.String(), nil
}

// Cut resets all links and turns new ones away, for good.
func (r *Relay) Cut() {
	r.end(24*time.Hour, reset)
}

// CloseLinks closes all links and turns new ones away for some time.
func (r *Relay) CloseLinks(down time.Duration) {
	r.end(down, func(links ...net.Conn) {
		for _, link := range links {
			_ = link.Close()
		}
	})
}

func (r *Relay) end(down time.Duration, end func(...net.Conn)) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.downUntil = time.Now().Add(down)
	for link := range r.links {
		end(link)
	}
	clear(r.links)
}

// ArmCut makes it cut the link of a client's channel after that many further bytes to it.
func (r *Relay) ArmCut(bytes int) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.armed, r.armedCut = bytes, make(chan struct{})
}

// IsCut tells whether the cut that was armed last is done, within this time at the latest.
func (r *Relay) IsCut(limit time.Duration) bool {
	r.lock.Lock()
	done := r.armedCut
	r.lock.Unlock()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}

// Stall passes on no more of what the server sends, as a receiver does that is too slow.
func (r *Relay) Stall() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.flow = make(chan struct{})
}

// Resume ends a stall.
func (r *Relay) Resume() {
	r.lock.Lock()
	defer r.lock.Unlock()
	close(r.flow)
}

// LongestTarget is the length of the longest request target so far.
func (r *Relay) LongestTarget() int {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.longest
}

// Close ends it with all its links.
func (r *Relay) Close() {
	_ = r.listener.Close()
	r.Cut()
}

func (r *Relay) serve() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.join(near)
	}
}

func (r *Relay) join(near net.Conn) {
	far, err := net.Dial("tcp", r.target)
	if err != nil || !r.keep(near, far) {
		reset(near, far)
		return
	}
	link := &link{relay: r, near: near, far: far}
	go link.down()
	link.up()
	r.lock.Lock()
	defer r.lock.Unlock()
	delete(r.links, near)
	delete(r.links, far)
}

// Whether links may be made.
func (r *Relay) keep(near, far net.Conn) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	isUp := time.Now().After(r.downUntil)
	if isUp {
		r.links[near], r.links[far] = struct{}{}, struct{}{}
	}
	return isUp
}

// Notes the target of a request, and tells whether its answer is a channel.
func (r *Relay) requested(target []byte) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.longest = max(r.longest, len(target))
	return channel.Match(target)
}

// How many of these bytes to a client come before its cut, if it is due.
func (r *Relay) beforeCut(length int) (int, bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.armed > length {
		if r.armed != never {
			r.armed -= length
		}
		return length, false
	}
	before := r.armed
	r.armed = never
	return before, true
}

func (r *Relay) awaitFlow() {
	r.lock.Lock()
	flow := r.flow
	r.lock.Unlock()
	<-flow
}

// One connection through a relay.
type link struct {
	relay     *Relay
	near, far net.Conn
	lock      sync.Mutex
	// Whether the latest request opened a channel for what the server sends.
	isChannel bool
}

func (l *link) up() {
	defer l.far.Close()
	chunk := make([]byte, 65536)
	for {
		length, err := l.near.Read(chunk)
		if target := request.FindSubmatch(chunk[:length]); target != nil {
			isChannel := l.relay.requested(target[1])
			l.lock.Lock()
			l.isChannel = isChannel
			l.lock.Unlock()
		}
		if _, failure := l.far.Write(chunk[:length]); err != nil || failure != nil {
			return
		}
	}
}

func (l *link) down() {
	defer l.near.Close()
	chunk := make([]byte, 65536)
	for {
		length, err := l.far.Read(chunk)
		l.relay.awaitFlow()
		l.lock.Lock()
		isChannel := l.isChannel
		l.lock.Unlock()
		before, isCut := length, false
		if isChannel && length > 0 {
			before, isCut = l.relay.beforeCut(length)
		}
		_, failure := l.near.Write(chunk[:before])
		if isCut {
			// The receiver gets exactly the bytes up to the cut, so no reset for it.
			reset(l.far)
			close(l.relay.armedCut)
		}
		if isCut || err != nil || failure != nil {
			return
		}
	}
}

// Both sides see a reset; what is on its way is lost.
func reset(links ...net.Conn) {
	for _, link := range links {
		if link, ok := link.(*net.TCPConn); ok && link != nil {
			_ = link.SetLinger(0)
			_ = link.Close()
		}
	}
}
