// Package contract is the host, as the SDK calls it: the component's imports, or a stand-in for tests. What is given was
// checked: text is UTF-8.
package contract

import "errors"

// The errors of the contract; they are described where the SDK exports them.
var (
	ErrGone            = errors.New("there is no such open connection")
	ErrBacklogFull     = errors.New("the connection's outgoing buffer is full")
	ErrTooLarge        = errors.New("above the largest that the host takes")
	ErrFragmentOrder   = errors.New("not a part of the fragmented message that is open")
	ErrControlTooLarge = errors.New("the payload of a ping or pong is above 125 bytes")
	ErrInvalidCode     = errors.New("a close code that may not be sent")
)

// Info is what the host knows about a connection.
type Info struct {
	// Peer is its address and port.
	Peer string
	// Secure says whether the connection is encrypted.
	Secure bool
	// Route is the path of the route that it was accepted on.
	Route string
	// Protocol is the subprotocol agreed on; "" when there is none.
	Protocol string
	// AgeMs are milliseconds since the socket was accepted, IdleMs since the last byte from the peer.
	AgeMs, IdleMs uint64
	// Backlog are the bytes waiting in the outgoing buffer.
	Backlog uint64
}
