package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"heliograph.invalid/compat-common/check"
)

// How long one step of a scenario may take: shorter than a scenario's limit, so that a failure says which step it was.
const step = 6 * time.Second

type event struct {
	Seq                       int
	Event, ConnectionID, User string
	Detail                    string
}

// The app's HTTP endpoints.
type app struct {
	url      string
	mode     string
	detailed bool
}

func openApp(address string) (*app, error) {
	app := &app{url: strings.TrimRight(address, "/")}
	var info struct {
		Mode    string
		Options map[string]string
	}
	status, body, err := app.request("GET", "/info", nil)
	if err != nil {
		return nil, err
	}
	if status != 200 {
		return nil, fmt.Errorf("GET /info: %d", status)
	}
	app.mode = "azure"
	if err := json.Unmarshal(body, &info); err != nil {
		return nil, err
	}
	app.mode, app.detailed = info.Mode, info.Options["detailed"] == "1" || info.Options["detailed"] == "true"
	return app, nil
}

// An error text, with what the app adds to it under --detailed.
func (a *app) text(text, detail string) string {
	if a.detailed {
		return text + " " + detail
	}
	return text
}

func (a *app) request(method, path string, body any) (int, []byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	request, err := http.NewRequest(method, a.url+path, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

func (a *app) control(method, path string, body any) {
	status, answer, err := a.request(method, path, body)
	check.Must(err, method+" "+path)
	check.That(status == 200, "%s %s: %d %s", method, path, status, answer)
}

// Waits until the events of a connection are as wanted.
func (a *app) events(connection, what string, enough func(names []string) bool) []event {
	end := time.Now().Add(step)
	var mine []event
	var names []string
	for seen := 0; ; {
		left := max(0, time.Until(end))
		_, body, err := a.request("GET", fmt.Sprintf("/events?after=%d&wait=%d", seen, left.Milliseconds()), nil)
		check.Must(err, "GET /events")
		var fresh []event
		check.Must(json.Unmarshal(body, &fresh), "GET /events")
		for _, one := range fresh {
			seen = one.Seq
			if one.ConnectionID == connection {
				mine, names = append(mine, one), append(names, one.Event)
			}
		}
		if enough(names) {
			return mine
		}
		check.That(left > 0, "the app does not report %s within %v; it reports %v", what, step, names)
	}
}

func (a *app) reports(connection, name string) []event {
	return a.events(connection, name, func(names []string) bool { return slices.Contains(names, name) })
}

// Waits until the hub has seen the connection end, and makes sure that it saw it once.
func (a *app) disconnected(connection string) {
	a.reports(connection, "disconnected")
	// A second report would follow at once; a few round trips through the app are time enough.
	for range 3 {
		a.control("GET", "/connections", nil)
	}
	ends := 0
	for _, one := range a.reports(connection, "disconnected") {
		if one.Event == "disconnected" {
			ends++
		}
	}
	check.Equal(1, ends, "the number of disconnected events")
}

func (a *app) send(to string, ids, except []string, text string) {
	a.control("POST", "/send", map[string]any{"to": to, "ids": ids, "except": except, "args": []string{text}})
}

func (a *app) ask(connection, question string) (int, string) {
	query := url.Values{"id": {connection}, "q": {question}, "ms": {"5000"}}
	status, answer, err := a.request("GET", "/ask?"+query.Encode(), nil)
	check.Must(err, "GET /ask")
	return status, string(answer)
}

func (a *app) abort(connection string) {
	a.control("POST", "/abort?id="+url.QueryEscape(connection), nil)
}

func (a *app) member(method, group, connection string) {
	a.control(method, "/groups/"+url.PathEscape(group)+"/"+url.PathEscape(connection), nil)
}
