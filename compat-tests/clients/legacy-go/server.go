package main

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"heliograph.invalid/compat-common/check"
)

// The server that is driven against, and its control endpoints.
type server struct{ url, path string }

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 50}}

// Makes sure that somebody answers.
func (s *server) look() error {
	response, err := client.Get(s.url + s.path + "/negotiate")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		return fmt.Errorf("negotiate: %s", response.Status)
	}
	return nil
}

// Sends a text to clients of a hub: to "all", "group", "user" or "connection".
func (s *server) send(hub, to, name, text string) {
	check.Must(s.post(url.Values{"hub": {hub}, "to": {to}, "name": {name}, "text": {text}}), "POST /send")
}

// Sends a client of a hub something that nobody hears.
func (s *server) nudge(hub, id string) {
	// Whether it arrives shows in what waits for it.
	_ = s.post(url.Values{"hub": {hub}, "to": {"connection"}, "name": {id}, "text": {nudge}})
}

func (s *server) post(query url.Values) error {
	response, err := client.Post(s.url+"/send?"+query.Encode(), "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		return fmt.Errorf("the status is %s", response.Status)
	}
	return nil
}
