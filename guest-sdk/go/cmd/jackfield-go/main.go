// Command jackfield-go makes the component of a plugin: go run jackfield/guest/cmd/jackfield-go build.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"jackfield/guest/adapter"
	"jackfield/guest/internal/build"
)

const usage = `Build a Jackfield plugin written in Go.

usage: go run jackfield/guest/cmd/jackfield-go build [-o COMPONENT] [PROJECT]

  PROJECT        its folder [default: this one]
  -o COMPONENT   [default: dist/<name>.wasm of the project]

Exit codes: 0 done; 1 the plugin is wrong; 2 the command line is wrong; 3 a tool is not installed.
`

func main() { os.Exit(run(os.Args[1:])) }

func run(arguments []string) int {
	flags := flag.NewFlagSet("jackfield-go build", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	output := flags.String("o", "", "")
	if len(arguments) == 1 && (arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
		fmt.Print(usage)
		return 0
	}
	if len(arguments) == 0 || arguments[0] != "build" || flags.Parse(arguments[1:]) != nil || flags.NArg() > 1 {
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	project := "."
	if flags.NArg() == 1 {
		project = flags.Arg(0)
	}
	built, err := build.Component(build.Options{Project: project, Output: *output, Adapter: adapter.Source})
	var missing build.MissingTool
	switch {
	case errors.As(err, &missing):
		fmt.Fprintln(os.Stderr, "error:", err)
		return 3
	case err != nil:
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	shown := built.Component
	if here, err := os.Getwd(); err == nil {
		if relative, err := filepath.Rel(here, shown); err == nil && filepath.IsAbs(shown) {
			shown = relative
		}
	}
	fmt.Printf("%s: %s; %.1f MB, built in %s\n", shown, strings.Join(built.Groups, ", "), float64(built.Size)/1e6, built.Took.Round(100*time.Millisecond))
	return 0
}
