package build

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Options of a build.
type Options struct {
	// Project is the folder of the plugin, a main package.
	Project string
	// Output is the component; "" is dist/<name>.wasm of the project.
	Output string
	// Adapter is the source of the adapter.
	Adapter []byte
}

// MissingTool is a tool that is not installed; its text has the command that installs it.
type MissingTool struct{ text string }

func (m MissingTool) Error() string { return m.text }

// Built is what was built.
type Built struct {
	Component string
	Groups    []string
	Size      int64
	Took      time.Duration
}

// Component builds a project.
func Component(options Options) (Built, error) {
	began := time.Now()
	jco, err := tool()
	if err != nil {
		return Built{}, err
	}
	folder, err := os.MkdirTemp("", "jackfield-build-")
	if err != nil {
		return Built{}, err
	}
	defer os.RemoveAll(folder)
	name, err := moduleName(options.Project)
	if err != nil {
		return Built{}, err
	}
	core := filepath.Join(folder, "core.wasm")
	if err := compile(options.Project, core); err != nil {
		return Built{}, err
	}
	module, err := os.ReadFile(core)
	if err != nil {
		return Built{}, err
	}
	prepared, groups, err := prepare(module)
	if err != nil {
		return Built{}, err
	}
	source, adapter := filepath.Join(folder, "adapter.wat"), filepath.Join(folder, "adapter.wasm")
	if err := errors.Join(os.WriteFile(core, prepared, 0o666), os.WriteFile(source, options.Adapter, 0o666)); err != nil {
		return Built{}, err
	}
	output := options.Output
	if output == "" {
		output = filepath.Join(options.Project, "dist", name+".wasm")
	}
	if err := os.MkdirAll(filepath.Dir(output), 0o777); err != nil {
		return Built{}, err
	}
	if err := run(jco, "parse", source, "-o", adapter); err != nil {
		return Built{}, err
	}
	if err := run(jco, "new", core, "--adapt", "wasi_snapshot_preview1="+adapter, "-o", output); err != nil {
		return Built{}, err
	}
	made, err := os.Stat(output)
	if err != nil {
		return Built{}, err
	}
	return Built{Component: output, Groups: groups, Size: made.Size(), Took: time.Since(began)}, nil
}

// tool is what makes a component of a module: jco, beside the project's own tools or on the PATH; JCO names another.
func tool() (string, error) {
	name := os.Getenv("JCO")
	if name == "" {
		name = "jco"
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return "", MissingTool{"jco is not installed. Install it with:\n    npm install --global @bytecodealliance/jco@1.35.0"}
	}
	return found, nil
}

func compile(project, output string) error {
	// Names of functions are in Go's own tables, which a panic prints; the linker's symbols and DWARF are not needed for that.
	// -checklinkname=0: the arena must tell the runtime where memory ends (internal/abi).
	command := exec.Command("go", "build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w -checklinkname=0", "-o", output, ".")
	command.Dir = project
	command.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("the plugin could not be compiled: %w", err)
	}
	return nil
}

func run(program string, arguments ...string) error {
	var said bytes.Buffer
	command := exec.Command(program, arguments...)
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), arguments[0], err, strings.TrimSpace(said.String()))
	}
	return nil
}

// moduleName is the last part of what go.mod calls the module.
func moduleName(project string) (string, error) {
	text, err := os.ReadFile(filepath.Join(project, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("the project has no go.mod: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if module, found := strings.CutPrefix(strings.TrimSpace(line), "module "); found {
			module = strings.Trim(strings.TrimSpace(module), `"`)
			return module[strings.LastIndex(module, "/")+1:], nil
		}
	}
	return "", errors.New("go.mod names no module")
}
