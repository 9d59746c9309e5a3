//go:build wasip1

package socketevents

import (
	jackfield "jackfield/guest"
	"jackfield/guest/internal/abi"
)

//go:wasmexport jackfield:plugin/socket-events@0.1.0#on-connected
func onConnected(connection uint64, peer, peerSize uint32) {
	text := abi.String(peer, peerSize)
	defer abi.Begin()()
	if hooks.OnConnected != nil {
		hooks.OnConnected(jackfield.Connection(connection), text)
	}
}

//go:wasmexport jackfield:plugin/socket-events@0.1.0#on-upgrade-part-receive
func onUpgradePartReceive(connection uint64, received uint32) {
	defer abi.Begin()()
	if hooks.OnUpgradePartReceive != nil {
		hooks.OnUpgradePartReceive(jackfield.Connection(connection), received)
	}
}

//go:wasmexport jackfield:plugin/socket-events@0.1.0#on-handshake-failure
func onHandshakeFailure(connection uint64, status, reason, reasonSize uint32) {
	text := abi.String(reason, reasonSize)
	defer abi.Begin()()
	if hooks.OnHandshakeFailure != nil {
		hooks.OnHandshakeFailure(jackfield.Connection(connection), uint16(status), text)
	}
}

//go:wasmexport jackfield:plugin/socket-events@0.1.0#on-after-remove-socket
func onAfterRemoveSocket(connection uint64) {
	defer abi.Begin()()
	if hooks.OnAfterRemoveSocket != nil {
		hooks.OnAfterRemoveSocket(jackfield.Connection(connection))
	}
}

//go:wasmexport jackfield:plugin/socket-events@0.1.0#on-error
func onError(connection uint64, kind, detail, detailSize uint32) {
	text := abi.String(detail, detailSize)
	defer abi.Begin()()
	if hooks.OnError != nil {
		hooks.OnError(jackfield.Connection(connection), ErrorKind(kind), text)
	}
}
