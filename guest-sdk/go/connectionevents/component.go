//go:build wasip1

package connectionevents

import (
	jackfield "jackfield/guest"
	"jackfield/guest/internal/abi"
)

//go:wasmexport jackfield:plugin/connection-events@0.1.0#on-handshake-success
func onHandshakeSuccess(connection uint64) {
	defer abi.Begin()()
	if hooks.OnHandshakeSuccess != nil {
		hooks.OnHandshakeSuccess(jackfield.Connection(connection))
	}
}

//go:wasmexport jackfield:plugin/connection-events@0.1.0#on-disconnected
func onDisconnected(connection uint64, code, reason, reasonSize, clean uint32) {
	ending := jackfield.Ending{Code: uint16(code), Reason: abi.String(reason, reasonSize), Clean: clean != 0}
	defer abi.Begin()()
	if hooks.OnDisconnected != nil {
		hooks.OnDisconnected(jackfield.Connection(connection), ending)
	}
}
