// Package handshake exports the group of hooks handshake: who may connect, and under which subprotocol.
package handshake

import jackfield "jackfield/guest"

// Hooks; what is nil does nothing.
type Hooks struct {
	// CheckCustomHeader is called when an upgrade request passed every check of the RFC. With no rejection the upgrade goes on,
	// and the fields are added to the 101 response. Fails closed: a panic is answered with 500, running out of time with 503.
	// With several plugins on a route, the first rejection ends it.
	CheckCustomHeader func(*jackfield.Request) ([]jackfield.Header, *jackfield.Rejection)
	// SelectProtocol chooses one of the subprotocols that the client offered; "" is none. Not called when it offered none. An
	// answer that was not offered fails the upgrade with 500. With several plugins on a route, the first answer wins.
	SelectProtocol func(connection jackfield.Connection, offered []string) string
}

var hooks Hooks

// Export gives the hooks. Call it in an init function.
func Export(given Hooks) { hooks = given }

// Exported are the hooks that were given. For tests.
func Exported() Hooks { return hooks }
