// Package socketevents exports the group of hooks socket-events: the raw life of a socket, for metrics and abuse control. The
// route is not known yet when a socket is accepted: a plugin with this group hears of every one.
package socketevents

import jackfield "jackfield/guest"

// ErrorKind is what went wrong on a socket.
type ErrorKind uint32

const (
	// Transport: reading or writing failed, or the peer vanished.
	Transport ErrorKind = iota
	// Protocol: the peer broke RFC 6455.
	Protocol
	// Plugin: a call of a plugin trapped or ran out of time.
	Plugin
	// Limit: a limit was met: backlog, message size, time.
	Limit
)

// String names the kind.
func (k ErrorKind) String() string {
	names := [...]string{"transport", "protocol", "plugin", "limit"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Hooks; what is nil does nothing.
type Hooks struct {
	// OnConnected: a socket was accepted; nothing has been read yet. peer is its address and port.
	OnConnected func(connection jackfield.Connection, peer string)
	// OnUpgradePartReceive: a part of the upgrade request arrived, and it is not complete; so many bytes so far.
	OnUpgradePartReceive func(connection jackfield.Connection, received uint32)
	// OnHandshakeFailure: the upgrade was refused with this HTTP status; 0 when the peer left before an answer.
	OnHandshakeFailure func(connection jackfield.Connection, status uint16, reason string)
	// OnAfterRemoveSocket: the socket is closed and the id is gone. Called once for each OnConnected.
	OnAfterRemoveSocket func(jackfield.Connection)
	// OnError: something went wrong; what follows (close frame, removal) is reported by itself.
	OnError func(connection jackfield.Connection, kind ErrorKind, detail string)
}

var hooks Hooks

// Export gives the hooks. Call it in an init function.
func Export(given Hooks) { hooks = given }

// Exported are the hooks that were given. For tests.
func Exported() Hooks { return hooks }
