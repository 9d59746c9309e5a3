//go:build wasip1

package state

import (
	"strings"
	"unsafe"

	"jackfield/guest/internal/abi"
)

// The result of a call, and what it points to, until the next one.
var answer struct {
	failed     uint32
	data, size uint32
	kept       []byte
}

func answered(data []byte, err error) unsafe.Pointer {
	answer.failed = 0
	if err != nil {
		answer.failed = 1
		data = []byte(strings.ToValidUTF8(err.Error(), "\ufffd"))
	}
	answer.kept = data
	answer.data, answer.size = abi.Pointer(data), uint32(len(data))
	return unsafe.Pointer(&answer)
}

//go:wasmexport jackfield:plugin/state@0.1.0#save
func save() unsafe.Pointer {
	defer abi.Begin()()
	if hooks.Save == nil {
		return answered(nil, nil)
	}
	return answered(hooks.Save())
}

//go:wasmexport jackfield:plugin/state@0.1.0#restore
func restore(version, versionSize, data, size uint32) unsafe.Pointer {
	from, saved := abi.String(version, versionSize), abi.Bytes(data, size)
	defer abi.Begin()()
	if hooks.Restore == nil {
		return answered(nil, nil)
	}
	return answered(nil, hooks.Restore(from, saved))
}
