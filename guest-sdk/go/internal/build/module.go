// Package build makes a component of a plugin: compiles it, adds what the component must know, and has it put together.
package build

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	contract = "jackfield:plugin/"
	version  = "@0.1.0"
	// The import that is exported again, as the function by which the host asks for memory.
	realloc = "jackfield_realloc"
)

// The sections of a module that are read here.
const (
	customSection = 0
	importSection = 2
	exportSection = 7
)

type section struct {
	kind    byte
	content []byte
}

var errDamaged = errors.New("the compiled module is damaged")

// reader reads a module; after an end that comes too early everything is zero, and failed is set.
type reader struct {
	data   []byte
	failed bool
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.failed = true
		return 0
	}
	first := r.data[0]
	r.data = r.data[1:]
	return first
}

func (r *reader) number() int {
	value := 0
	for shift := 0; shift < 35; shift += 7 {
		next := r.byte()
		value |= int(next&0x7f) << shift
		if next < 0x80 {
			return value
		}
	}
	r.failed = true
	return 0
}

func (r *reader) bytes(count int) []byte {
	if count < 0 || count > len(r.data) {
		r.failed = true
		return nil
	}
	taken := r.data[:count]
	r.data = r.data[count:]
	return taken
}

func (r *reader) name() string { return string(r.bytes(r.number())) }

// limits skips those of a memory or a table.
func (r *reader) limits() {
	if r.byte()&1 != 0 {
		r.number()
	}
	r.number()
}

func number(value int) []byte {
	var out []byte
	for value >= 0x80 {
		out = append(out, byte(value)|0x80)
		value >>= 7
	}
	return append(out, byte(value))
}

func named(name string) []byte { return append(number(len(name)), name...) }

// prepare adds to a compiled module the descriptions of what it imports and exports of the contract, and exports the host's way
// to memory. It gives the groups of hooks that the module has.
func prepare(module []byte) (prepared []byte, groups []string, err error) {
	if len(module) < 8 || !bytes.Equal(module[:4], []byte("\x00asm")) {
		return nil, nil, errDamaged
	}
	in := reader{data: module[8:]}
	var sections []section
	for len(in.data) > 0 {
		kind := in.byte()
		sections = append(sections, section{kind, in.bytes(in.number())})
	}
	index, imported := -1, false
	for at := range sections {
		switch sections[at].kind {
		case importSection:
			in := reader{data: sections[at].content}
			index, imported = imports(&in)
			if in.failed {
				return nil, nil, errDamaged
			}
		case exportSection:
			if index < 0 {
				return nil, nil, errors.New("the plugin imports no group of hooks of jackfield/guest, such as jackfield/guest/handler")
			}
			in := reader{data: sections[at].content}
			groups = exports(&in)
			if in.failed {
				return nil, nil, errDamaged
			}
			sections[at].content = withExport(sections[at].content, "cabi_realloc", index)
		}
	}
	if in.failed {
		return nil, nil, errDamaged
	}
	if len(groups) == 0 {
		return nil, nil, errors.New("the plugin exports no hooks: import a group such as jackfield/guest/handler, and call its Export")
	}
	described := groups
	if imported {
		described = append([]string{"connections"}, groups...)
	}
	for _, name := range described {
		description, known := descriptions[name]
		if !known {
			return nil, nil, fmt.Errorf("the module exports %s%s%s, which the contract does not have", contract, name, version)
		}
		sections = append(sections, section{customSection, append(named("component-type:jackfield-"+name), description...)})
	}
	prepared = append(prepared, module[:8]...)
	for _, each := range sections {
		prepared = append(prepared, each.kind)
		prepared = append(prepared, number(len(each.content))...)
		prepared = append(prepared, each.content...)
	}
	return prepared, groups, nil
}

// imports gives the index of the host's way to memory among the functions, and whether anything of the contract is imported.
func imports(in *reader) (index int, ofContract bool) {
	index = -1
	functions := 0
	for count := in.number(); count > 0 && !in.failed; count-- {
		module, name := in.name(), in.name()
		ofContract = ofContract || strings.HasPrefix(module, contract)
		switch in.byte() {
		case 0:
			in.number()
			if name == realloc {
				index = functions
			}
			functions++
		case 1:
			in.byte()
			in.limits()
		case 2:
			in.limits()
		case 3:
			in.byte()
			in.byte()
		default:
			in.failed = true
		}
	}
	return index, ofContract
}

// exports gives the groups of hooks.
func exports(in *reader) (groups []string) {
	for count := in.number(); count > 0 && !in.failed; count-- {
		name := in.name()
		in.byte()
		in.number()
		path, _, isHook := strings.Cut(name, "#")
		group, ofContract := strings.CutPrefix(path, contract)
		if group = strings.TrimSuffix(group, version); isHook && ofContract && !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	return groups
}

func withExport(content []byte, name string, function int) []byte {
	in := reader{data: content}
	out := number(in.number() + 1)
	out = append(out, in.data...)
	out = append(out, named(name)...)
	out = append(out, 0)
	return append(out, number(function)...)
}
