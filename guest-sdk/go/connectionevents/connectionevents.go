// Package connectionevents exports the group of hooks connection-events: the life of an upgraded connection.
package connectionevents

import jackfield "jackfield/guest"

// Hooks are called exactly once for each connection; what is nil does nothing.
type Hooks struct {
	// OnHandshakeSuccess: the 101 response is in the outgoing buffer; no message was delivered yet. The first moment to send.
	OnHandshakeSuccess func(jackfield.Connection)
	// OnDisconnected: the connection ended; nothing more can be sent. Attributes can still be read.
	OnDisconnected func(jackfield.Connection, jackfield.Ending)
}

var hooks Hooks

// Export gives the hooks. Call it in an init function.
func Export(given Hooks) { hooks = given }

// Exported are the hooks that were given. For tests.
func Exported() Hooks { return hooks }
