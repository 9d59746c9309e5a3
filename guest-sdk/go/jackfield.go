// Package jackfield is for writing the business logic of a Jackfield WebSocket server in Go.
//
// A plugin is a program that imports a package for each group of hooks that it implements, and gives it functions. Only those
// groups enter the component; the host never calls the others.
//
//	package main
//
//	import (
//		jackfield "jackfield/guest"
//		"jackfield/guest/handler"
//	)
//
//	func init() {
//		handler.Export(func(connection jackfield.Connection, message jackfield.Message) {
//			connection.Send(message)
//		})
//	}
//
//	func main() {}
//
// The groups are [jackfield/guest/handshake], [jackfield/guest/handler], [jackfield/guest/connectionevents],
// [jackfield/guest/socketevents], [jackfield/guest/healthevents], [jackfield/guest/serverevents] and [jackfield/guest/state].
//
// Strings and bytes that a hook is given are the plugin's to keep. An instance is called by one hook at a time; goroutines
// that a hook started run while hooks do, and stand still between two calls. A panic that leaves a hook, or a goroutine, is
// written to the host's log with its stack and ends the instance: the connection of the call is closed with 1011 (in the
// handshake: refused with 500), the others go on with a fresh instance. What is printed to standard output ends in the host's
// log at INFO, what goes to standard error, as the package log's lines do, at WARN.
package jackfield

import (
	"errors"
	"unicode/utf8"

	"jackfield/guest/internal/contract"
)

// Why a call was not done. To be compared with [errors.Is].
var (
	// ErrGone: there is no such open connection: it ended, is closing, or was never this plugin's.
	ErrGone = contract.ErrGone
	// ErrBacklogFull: the connection's outgoing buffer is full, because the peer reads too slowly. Nothing was queued.
	ErrBacklogFull = contract.ErrBacklogFull
	// ErrTooLarge: a message above the largest that the host sends, or attributes that would exceed the connection's limit
	// (16 KiB unless the host is configured otherwise), in which case the old value is kept.
	ErrTooLarge = contract.ErrTooLarge
	// ErrFragmentOrder: a fragmented message is open, and this is not a part of it, or of the other kind.
	ErrFragmentOrder = contract.ErrFragmentOrder
	// ErrControlTooLarge: a ping's or pong's payload is above 125 bytes (RFC 6455 section 5.5).
	ErrControlTooLarge = contract.ErrControlTooLarge
	// ErrInvalidCode: a close code that may not be sent (RFC 6455 section 7.4): below 1000, 1004 to 1006, 1010, 1015 to 2999,
	// 5000 and up.
	ErrInvalidCode = contract.ErrInvalidCode
	// ErrNotUTF8: text that is not UTF-8. The SDK finds it: the host would end the instance.
	ErrNotUTF8 = errors.New("text that is not UTF-8")
)

// Message is one whole message, or a part of one: text or binary (RFC 6455 section 5.6).
type Message struct {
	isText bool
	text   string
	bytes  []byte
}

// Text makes a text message.
func Text(text string) Message { return Message{isText: true, text: text} }

// Binary makes a binary message; it does not copy the bytes.
func Binary(bytes []byte) Message { return Message{bytes: bytes} }

// IsText says whether it is a text message.
func (m Message) IsText() bool { return m.isText }

// Text is the payload as a string; that of a text message that came from the host is UTF-8.
func (m Message) Text() string {
	if m.isText {
		return m.text
	}
	return string(m.bytes)
}

// Bytes is the payload. That of a binary message is not a copy.
func (m Message) Bytes() []byte {
	if m.isText {
		return []byte(m.text)
	}
	return m.bytes
}

// Connection is one connection, by its id: opaque, below 2^53, never used again while the server process lives. It can be
// compared and be a key of a map. A plugin reaches the connections of the routes that it serves; on any other, everything
// answers [ErrGone]. Nothing here waits for the network: what is sent goes into the connection's bounded outgoing buffer.
type Connection uint64

// Send sends one message in one frame, behind everything sent before.
func (c Connection) Send(message Message) error {
	if message.isText {
		return c.SendText(message.text)
	}
	return contract.Send(uint64(c), false, message.bytes)
}

// SendText sends one text message.
func (c Connection) SendText(text string) error {
	if !utf8.ValidString(text) {
		return ErrNotUTF8
	}
	return contract.SendText(uint64(c), text)
}

// SendBinary sends one binary message.
func (c Connection) SendBinary(bytes []byte) error { return contract.Send(uint64(c), false, bytes) }

// SendUncompressed sends one message that is never compressed, whatever was agreed on with the peer: for secrets beside what
// a stranger chooses (RFC 7692 section 8), and for what is compressed already.
func (c Connection) SendUncompressed(message Message) error {
	data, err := message.sendable()
	if err != nil {
		return err
	}
	return contract.SendUncompressed(uint64(c), message.isText, data)
}

// SendFragment sends a part of a message as a fragment (RFC 6455 section 5.4). The first part begins the message and gives its
// kind, every part is of that kind, and last ends it. Text is cut between characters.
func (c Connection) SendFragment(part Message, last bool) error {
	data, err := part.sendable()
	if err != nil {
		return err
	}
	return contract.SendFragment(uint64(c), part.isText, data, last)
}

// Ping sends a ping with at most 125 bytes (RFC 6455 section 5.5.2). The answer counts as a sign of life for the host's health
// check; no hook hears of it.
func (c Connection) Ping(payload []byte) error { return contract.Ping(uint64(c), payload) }

// Pong sends a pong that nobody asked for, with at most 125 bytes (RFC 6455 section 5.5.3). The host answers pings.
func (c Connection) Pong(payload []byte) error { return contract.Pong(uint64(c), payload) }

// Close starts the closing handshake, after everything sent so far (RFC 6455 section 7.1.2). 1000 is the normal closure, 1008
// a broken rule of yours, 1011 a failure of yours; 3000 to 4999 are free for applications. A reason above 123 bytes is cut
// between characters.
func (c Connection) Close(code uint16, reason string) error {
	if !utf8.ValidString(reason) {
		return ErrNotUTF8
	}
	return contract.Close(uint64(c), code, reason)
}

// Disconnect ends the TCP connection without a close frame and without waiting; what is queued is dropped.
func (c Connection) Disconnect() error { return contract.Disconnect(uint64(c)) }

// Attribute is the value of an attribute; ok says whether it is set. Attributes live in the host: they survive panics and
// swaps of the plugin, and every plugin of the route sees them. They can be written from CheckCustomHeader on, and still be
// read in OnDisconnected.
func (c Connection) Attribute(name string) (value []byte, ok bool, err error) {
	if !utf8.ValidString(name) {
		return nil, false, ErrNotUTF8
	}
	return contract.Attribute(uint64(c), name)
}

// SetAttribute sets an attribute, replacing its value.
func (c Connection) SetAttribute(name string, value []byte) error {
	if !utf8.ValidString(name) {
		return ErrNotUTF8
	}
	return contract.SetAttribute(uint64(c), name, value)
}

// RemoveAttribute removes an attribute; no error when it was not set.
func (c Connection) RemoveAttribute(name string) error {
	if !utf8.ValidString(name) {
		return ErrNotUTF8
	}
	return contract.RemoveAttribute(uint64(c), name)
}

// Info is what the host knows about a connection.
type Info = contract.Info

// Info asks what the host knows; ok is false when there is no such connection.
func (c Connection) Info() (info Info, ok bool) { return contract.InfoOf(uint64(c)) }

func (m Message) sendable() ([]byte, error) {
	if m.isText && !utf8.ValidString(m.text) {
		return nil, ErrNotUTF8
	}
	return m.Bytes(), nil
}

// Ending is how a connection ended (RFC 6455 sections 7.1.5 and 7.1.6).
type Ending struct {
	// Code is the close code received, or 1005 when the peer's close frame had none, or 1006 when the connection ended without
	// a close frame from the peer.
	Code uint16
	// Reason is the reason received.
	Reason string
	// Clean says whether both close frames were exchanged.
	Clean bool
}
