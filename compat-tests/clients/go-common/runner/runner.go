// Package runner runs scenarios and reports each as it ends.
package runner

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"heliograph.invalid/compat-common/check"
)

// Run is one run of a scenario; closing it ends what it began.
type Run interface {
	Run()
	Close()
}

// Job is a scenario with its limit; Lacks says why this client cannot do it by nature.
type Job struct {
	Name  string
	Limit time.Duration
	Lacks string
	Open  func() Run
}

// Report counts outcomes.
type Report struct {
	lock                    sync.Mutex
	passed, failed, skipped int
}

// Run runs some of them at a time, in their order.
func (r *Report) Run(jobs []Job, atATime int) {
	waiting := make(chan Job, len(jobs))
	for _, job := range jobs {
		waiting <- job
	}
	close(waiting)
	var workers sync.WaitGroup
	for range atATime {
		workers.Go(func() {
			for job := range waiting {
				r.play(job)
			}
		})
	}
	workers.Wait()
}

// End prints the last line, and gives the exit code of the program.
func (r *Report) End() int {
	fmt.Printf("%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	if r.failed > 0 {
		return 1
	}
	return 0
}

func (r *Report) play(job Job) {
	started := time.Now()
	kind, why := "skip", job.Lacks
	if why == "" {
		kind, why = outcome(job)
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	switch kind {
	case "ok":
		r.passed++
		fmt.Printf("ok %s [%d ms]\n", job.Name, time.Since(started).Milliseconds())
		return
	case "FAIL":
		r.failed++
	default:
		r.skipped++
	}
	// One line each, whatever an error text holds.
	fmt.Printf("%s %s: %s\n", kind, job.Name, strings.NewReplacer("\n", " ", "\r", " ").Replace(why))
}

func outcome(job Job) (kind, why string) {
	run := job.Open()
	defer run.Close()
	done := make(chan [2]string, 1)
	go func() {
		defer func() {
			switch problem := recover().(type) {
			case nil:
				done <- [2]string{"ok"}
			case check.Failed:
				done <- [2]string{"FAIL", string(problem)}
			case check.Skipped:
				done <- [2]string{"skip", string(problem)}
			default:
				panic(problem)
			}
		}()
		run.Run()
	}()
	select {
	case outcome := <-done:
		return outcome[0], outcome[1]
	case <-time.After(job.Limit):
		return "FAIL", fmt.Sprintf("not finished within %v", job.Limit)
	}
}
