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

	"heliograph.invalid/compat-common/runner"
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
	var jobs []runner.Job
	for _, one := range scenarios {
		if strings.Contains(one.name, *part) && (!one.slow || *slow) {
			jobs = append(jobs, one.job(app, *transport, *protocol))
		}
	}
	var report runner.Report
	report.Run(jobs, 1)
	return report.End()
}

func (one scenario) job(app *app, transport, protocol string) runner.Job {
	limit := one.limit
	if limit == 0 {
		limit = 10 * time.Second
	}
	return runner.Job{Name: one.name, Limit: limit, Lacks: lacks[one.needs], Open: func() runner.Run {
		return playing{one, newScene(app, transport, protocol)}
	}}
}

// One run of a scenario.
type playing struct {
	scenario
	scene *scene
}

func (p playing) Run() { p.run(p.scene) }

func (p playing) Close() { p.scene.close() }
