package main

import (
	"io"
	"net"
	"net/url"
	"sync"
)

// A TCP relay to one address that cuts its links below HTTP.
type relay struct {
	listener net.Listener
	target   string
	lock     sync.Mutex
	isDown   bool
	links    []net.Conn
}

func openRelay() *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err, "listening for a relay")
	return &relay{listener: listener}
}

// Leads to an address from now on, and gives the relay's own in its place.
func (r *relay) leadTo(address string) (string, error) {
	target, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	r.target, target.Host = target.Host, r.listener.Addr().String()
	go r.serve()
	return target.String(), nil
}

func (r *relay) serve() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.join(near)
	}
}

func (r *relay) join(near net.Conn) {
	far, err := net.Dial("tcp", r.target)
	if err != nil || !r.keep(near, far) {
		reset(near, far)
		return
	}
	go pass(near, far)
	pass(far, near)
}

// Whether links may still be made.
func (r *relay) keep(both ...net.Conn) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	if !r.isDown {
		r.links = append(r.links, both...)
	}
	return !r.isDown
}

func pass(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}

// Resets all links and turns new ones away, for good.
func (r *relay) cut() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.isDown = true
	reset(r.links...)
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.cut()
}

// Both sides see a reset; what is on its way is lost.
func reset(links ...net.Conn) {
	for _, link := range links {
		if link, ok := link.(*net.TCPConn); ok {
			_ = link.SetLinger(0)
			_ = link.Close()
		}
	}
}
