//go:build wasip1

package handler

import (
	jackfield "jackfield/guest"
	"jackfield/guest/internal/abi"
)

//go:wasmexport jackfield:plugin/handler@0.1.0#business-handler
func businessHandler(connection uint64, kind, data, size uint32) {
	var message jackfield.Message
	if kind == 0 {
		message = jackfield.Text(abi.String(data, size))
	} else {
		message = jackfield.Binary(abi.Bytes(data, size))
	}
	defer abi.Begin()()
	Call(jackfield.Connection(connection), message)
}
