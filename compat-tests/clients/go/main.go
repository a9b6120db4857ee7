// Drives the client of the module github.com/philippseith/signalr through the scenarios of compat-tests/scenarios.toml.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"time"
)

type scenario struct {
	name  string
	needs string
	limit time.Duration
	slow  bool
	run   func(*scene)
}

var cells = []string{"WebSockets json", "WebSockets messagepack", "ServerSentEvents json"}

// What the client cannot do by nature.
var lacks = map[string]string{
	"send":             "the client gives every call an invocation id",
	"stream-cancel":    "the client cannot cancel a stream",
	"upload-error":     "the client cannot end an upload with an error",
	"upload-both-ways": "the client takes no upload in a call for a stream",
}

func main() {
	os.Exit(drive(os.Args[1:]))
}

func drive(arguments []string) int {
	flags := flag.NewFlagSet("compat-go", flag.ContinueOnError)
	url := flags.String("url", "", "an app that serves the hubs testhub, secret and bench")
	transport := flags.String("transport", "WebSockets", "WebSockets or ServerSentEvents")
	protocol := flags.String("protocol", "json", "json or messagepack")
	part := flags.String("case", "", "only scenarios with this text in their name")
	slow := flags.Bool("slow", false, "also the scenarios that take most of a minute")
	list := flags.Bool("list", false, "names of the scenarios")
	if flags.Parse(arguments) != nil {
		return 2
	}
	scenarios := slices.Concat(callScenarios, sendScenarios, streamScenarios, identityScenarios, endScenarios)
	if *list {
		for _, one := range scenarios {
			fmt.Println(one.name + map[bool]string{true: " (slow)"}[one.slow])
		}
		return 0
	}
	if *url == "" || flags.NArg() > 0 {
		flags.Usage()
		return 2
	}
	if !slices.Contains(cells, *transport+" "+*protocol) {
		fmt.Fprintf(os.Stderr, "this client does not do %s over %s\n", *protocol, *transport)
		return 2
	}
	// Libraries below the client log with it.
	log.SetOutput(io.Discard)
	app, err := openApp(*url)
	if err != nil {
		fmt.Fprintf(os.Stderr, "no app answers at %s: %v\n", *url, err)
		return 2
	}
	counts := map[string]int{}
	for _, one := range scenarios {
		if !strings.Contains(one.name, *part) || one.slow && !*slow {
			continue
		}
		counts[play(one, app, *transport, *protocol)]++
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", counts["ok"], counts["FAIL"], counts["skip"])
	if counts["FAIL"] > 0 {
		return 1
	}
	return 0
}

// Runs one scenario and prints its line.
func play(one scenario, app *app, transport, protocol string) string {
	if why, ok := lacks[one.needs]; ok {
		fmt.Printf("skip %s: %s\n", one.name, why)
		return "skip"
	}
	limit := one.limit
	if limit == 0 {
		limit = 10 * time.Second
	}
	scene := newScene(app, transport, protocol)
	started := time.Now()
	done := make(chan [2]string, 1)
	go func() {
		defer func() {
			switch problem := recover().(type) {
			case nil:
				done <- [2]string{"ok"}
			case failure:
				done <- [2]string{"FAIL", string(problem)}
			case skipped:
				done <- [2]string{"skip", string(problem)}
			default:
				panic(problem)
			}
		}()
		one.run(scene)
	}()
	var outcome [2]string
	select {
	case outcome = <-done:
	case <-time.After(limit):
		outcome = [2]string{"FAIL", fmt.Sprintf("not finished within %v", limit)}
	}
	scene.close()
	if kind, why := outcome[0], outcome[1]; kind != "ok" {
		// One line each, whatever an error text holds.
		fmt.Printf("%s %s: %s\n", kind, one.name, strings.NewReplacer("\n", " ", "\r", " ").Replace(why))
	} else {
		fmt.Printf("ok %s [%d ms]\n", one.name, time.Since(started).Milliseconds())
	}
	return outcome[0]
}
