// Drives the client of the module github.com/carterjones/signalr through the scenarios of compat-tests/legacy-scenarios.toml.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"heliograph.invalid/compat-common/runner"
)

// What the client can do.
var features = []string{
	"bearer", "connection-id", "contract", "cookies", "error-data", "headers", "query", "reconnect", "relay", "replay", "restart", "several-hubs", "unlisted", "user",
}

// What it cannot do by nature: the table says what they need.
var lacking = []string{
	"connect-picks-transport", "stop-reported-once", "stop-quick", "unload-told", "unload-untold", "call-progress", "call-progress-at-once", "state-round-trip", "state-pushed", "reconnect-then-stop",
}

// The values of an option that may repeat.
type texts []string

func (t *texts) String() string { return strings.Join(*t, ", ") }

func (t *texts) Set(text string) error {
	*t = append(*t, text)
	return nil
}

func main() {
	os.Exit(drive(os.Args[1:]))
}

func drive(arguments []string) int {
	flags := flag.NewFlagSet("compat-legacy-go", flag.ContinueOnError)
	url := flags.String("url", "", "address of the server")
	path := flags.String("path", "/signalr", "where it serves legacy clients")
	transport := flags.String("transport", "webSockets", "webSockets")
	classic := flags.Bool("classic", false, "the server is one of ASP.NET, which has state and overloads")
	slow := flags.Bool("slow", false, "also the slow scenarios")
	parallel := flags.Int("parallel", 4, "how many scenarios run at a time")
	list := flags.Bool("list", false, "only names of the scenarios")
	var cases texts
	flags.Var(&cases, "case", "only scenarios with this text in their name; may repeat")
	if flags.Parse(arguments) != nil {
		return 2
	}
	scenarios := map[string]func(*scene){}
	for _, some := range []map[string]func(*scene){connectScenarios, stopScenarios, callScenarios, errorScenarios, callbackScenarios, sendScenarios, groupScenarios, identityScenarios, reconnectScenarios} {
		maps.Copy(scenarios, some)
	}
	table, err := readTable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if odd := differences(table, scenarios); len(odd) > 0 {
		fmt.Fprintln(os.Stderr, "table and scenarios differ:", odd)
		return 2
	}
	if *list {
		for _, one := range table {
			fmt.Println(one.Name + map[bool]string{true: " (slow)"}[one.Slow])
		}
		return 0
	}
	if *url == "" || flags.NArg() > 0 || *parallel < 1 || !strings.EqualFold(*transport, "webSockets") {
		flags.Usage()
		return 2
	}
	server := &server{url: strings.TrimRight(*url, "/"), path: *path}
	if err := server.look(); err != nil {
		fmt.Fprintf(os.Stderr, "no server answers at %s%s: %v\n", *url, *path, err)
		return 2
	}
	can := slices.Clone(features)
	if *classic {
		can = append(can, "classic")
	}
	listenToLibrary()
	var together, alone []row
	for _, one := range table {
		isMeant := func(text string) bool { return strings.Contains(one.Name, text) }
		switch {
		case one.Slow && !*slow || len(cases) > 0 && !slices.ContainsFunc(cases, isMeant):
		case one.Alone:
			alone = append(alone, one)
		default:
			together = append(together, one)
		}
	}
	// The long ones first, so that none is left to run by itself at the end.
	slices.SortStableFunc(together, func(a, b row) int { return cmp.Compare(b.Limit, a.Limit) })
	var report runner.Report
	report.Run(jobs(together, scenarios, can, server), *parallel)
	report.Run(jobs(alone, scenarios, can, server), 1)
	return report.End()
}

// The names that are in one of both only.
func differences(table []row, scenarios map[string]func(*scene)) []string {
	var odd []string
	for _, one := range table {
		if _, ok := scenarios[one.Name]; !ok && !slices.Contains(lacking, one.Name) {
			odd = append(odd, one.Name)
		}
	}
	for name := range scenarios {
		if !slices.ContainsFunc(table, func(one row) bool { return one.Name == name }) {
			odd = append(odd, name)
		}
	}
	return odd
}

func jobs(rows []row, scenarios map[string]func(*scene), can []string, server *server) []runner.Job {
	var all []runner.Job
	for _, one := range rows {
		missing := slices.DeleteFunc(slices.Clone(one.Needs), func(need string) bool { return slices.Contains(can, need) })
		job := runner.Job{Name: one.Name, Limit: time.Duration(one.Limit) * time.Second}
		if len(missing) > 0 {
			job.Lacks = "this client has no " + strings.Join(missing, ", no ") + " here"
		}
		job.Open = func() runner.Run { return playing{scenarios[one.Name], newScene(server)} }
		all = append(all, job)
	}
	return all
}

// One run of a scenario.
type playing struct {
	body  func(*scene)
	scene *scene
}

func (p playing) Run() { p.body(p.scene) }

func (p playing) Close() { p.scene.close() }
