//go:build !wasip1

// Package jackfieldtest is a stand-in for the host, so that a plugin's logic can be tested by go test, without a server and
// without WebAssembly. Outside of a component every call on a connection comes here, to a small host that keeps the contract's
// rules and remembers what was sent.
//
//	func TestEcho(t *testing.T) {
//		connection := jackfieldtest.Connect("/")
//		handler.Call(connection, jackfield.Text("hello"))
//		sent := jackfieldtest.Sent(connection)
//		if len(sent) != 1 || sent[0].Text() != "hello" {
//			t.Errorf("sent %v", sent)
//		}
//	}
package jackfieldtest

import (
	"fmt"
	"strings"

	jackfield "jackfield/guest"
	"jackfield/guest/internal/contract"
)

// Action is something that was done to a connection.
type Action struct {
	// Kind is "text", "binary", "ping", "pong", "close" or "disconnect".
	Kind string
	// Data is the payload; of a close its reason, as it would go out.
	Data []byte
	// Code is that of a close.
	Code uint16
	// IsFragment: it is a part of a message, and Last whether the last one.
	IsFragment, Last bool
	// Uncompressed: it must not be compressed.
	Uncompressed bool
}

// Text is the payload as a string.
func (a Action) Text() string { return string(a.Data) }

// String shows it in a test's message.
func (a Action) String() string { return fmt.Sprintf("%s(%d %q)", a.Kind, a.Code, a.Data) }

// Connect gives a new open connection, from 192.0.2.1, on this route.
func Connect(route string) jackfield.Connection {
	return jackfield.Connection(contract.Add(route, true))
}

// Request gives an upgrade request for a target such as "/chat?room=1", of a new connection that is not open yet. Headers are
// names and values in turn; the subprotocols offered are read from the sec-websocket-protocol fields.
func Request(target string, headers ...string) *jackfield.Request {
	if len(headers)%2 != 0 {
		panic("jackfieldtest: headers are names and values in turn")
	}
	path, query, hasQuery := strings.Cut(target, "?")
	request := &jackfield.Request{
		Connection: jackfield.Connection(contract.Add(path, false)),
		Peer:       "192.0.2.1:5000",
		Authority:  "localhost",
		Path:       path,
		Query:      query,
		HasQuery:   hasQuery,
	}
	for at := 0; at < len(headers); at += 2 {
		header := jackfield.Header{Name: strings.ToLower(headers[at]), Value: headers[at+1]}
		request.Headers = append(request.Headers, header)
		if header.Name == "sec-websocket-protocol" {
			for offer := range strings.SplitSeq(header.Value, ",") {
				request.Protocols = append(request.Protocols, strings.Trim(offer, " \t"))
			}
		}
	}
	return request
}

// Accept completes the upgrade: from now on the connection can be sent to. "" is no subprotocol.
func Accept(connection jackfield.Connection, protocol string) {
	contract.Accept(uint64(connection), protocol)
}

// Sent takes what was sent on a connection since the last time.
func Sent(connection jackfield.Connection) []Action {
	var actions []Action
	for _, each := range contract.Take(uint64(connection)) {
		actions = append(actions, Action(each))
	}
	return actions
}

// RefuseSends makes every send on this connection fail with this error; nil ends that.
func RefuseSends(connection jackfield.Connection, err error) {
	contract.Refuse(uint64(connection), err)
}

// End ends a connection: nothing more can be sent, attributes can still be read.
func End(connection jackfield.Connection) { contract.End(uint64(connection)) }
