package build

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func module(sections ...section) []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	for _, each := range sections {
		out = append(append(append(out, each.kind), number(len(each.content))...), each.content...)
	}
	return out
}

func list(entries ...[]byte) []byte {
	return append(number(len(entries)), bytes.Join(entries, nil)...)
}

func function(names ...string) []byte {
	var out []byte
	for _, name := range names {
		out = append(out, named(name)...)
	}
	return append(out, 0, 3)
}

func TestPrepare(t *testing.T) {
	memory := append(append(named("env"), named("memory")...), 2, 1, 1, 2)
	imports := section{importSection, list(
		memory,
		function("wasi_snapshot_preview1", "fd_write"),
		function("wasi_snapshot_preview1", realloc),
		function(contract+"connections"+version, "send"),
	)}
	exports := section{exportSection, list(
		function("_initialize"),
		function(contract+"handler"+version+"#business-handler"),
		function(contract+"state"+version+"#save"),
		function(contract+"state"+version+"#restore"),
	)}
	prepared, groups, err := prepare(module(imports, exports))
	if err != nil || !reflect.DeepEqual(groups, []string{"handler", "state"}) {
		t.Fatal(groups, err)
	}
	// The second function that is imported.
	if !bytes.Contains(prepared, append(named("cabi_realloc"), 0, 1)) {
		t.Error("memory is not exported")
	}
	for _, name := range []string{"connections", "handler", "state"} {
		if !bytes.Contains(prepared, append(named("component-type:jackfield-"+name), descriptions[name]...)) {
			t.Error(name, "is not described")
		}
	}
	if bytes.Contains(prepared, []byte("jackfield-handshake")) {
		t.Error("what is not there is described")
	}
	if again, _, err := prepare(prepared); err != nil || len(again) <= len(prepared) {
		t.Error("the result is no module")
	}
	whole := module(imports, exports)
	for size := range whole {
		// Cut anywhere, it is an error and not a panic.
		if _, _, err := prepare(whole[:size]); err == nil {
			t.Error("cut at", size)
		}
	}
}

func TestPrepareSaysWhatIsWrong(t *testing.T) {
	imports := section{importSection, list(function("wasi_snapshot_preview1", realloc))}
	for text, given := range map[string][]byte{
		"imports no group": module(section{importSection, list(function("a", "b"))}, section{exportSection, list(function("_initialize"))}),
		"exports no hooks": module(imports, section{exportSection, list(function("_initialize"))}),
		"does not have":    module(imports, section{exportSection, list(function(contract + "other" + version + "#a"))}),
		"damaged":          []byte("no module"),
	} {
		if _, _, err := prepare(given); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestModuleName(t *testing.T) {
	if name, err := moduleName("../../../../plugins/echo-go"); name != "echo-go" || err != nil {
		t.Error(name, err)
	}
	if _, err := moduleName("."); err == nil {
		t.Error("without a go.mod")
	}
}
