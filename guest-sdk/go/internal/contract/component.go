//go:build wasip1

package contract

import (
	"unsafe"

	"jackfield/guest/internal/abi"
)

//go:wasmimport jackfield:plugin/connections@0.1.0 send
func send(connection uint64, kind uint32, data unsafe.Pointer, size uint32, result unsafe.Pointer)

//go:wasmimport jackfield:plugin/connections@0.1.0 send-uncompressed
func sendUncompressed(connection uint64, kind uint32, data unsafe.Pointer, size uint32, result unsafe.Pointer)

//go:wasmimport jackfield:plugin/connections@0.1.0 send-fragment
func sendFragment(connection uint64, kind uint32, data unsafe.Pointer, size, last uint32, result unsafe.Pointer)

//go:wasmimport jackfield:plugin/connections@0.1.0 ping
func ping(connection uint64, data unsafe.Pointer, size uint32, result unsafe.Pointer)

//go:wasmimport jackfield:plugin/connections@0.1.0 pong
func pong(connection uint64, data unsafe.Pointer, size uint32, result unsafe.Pointer)

//go:wasmimport jackfield:plugin/connections@0.1.0 close
func closeConnection(connection uint64, code uint32, reason unsafe.Pointer, size uint32, result unsafe.Pointer)

//go:wasmimport jackfield:plugin/connections@0.1.0 disconnect
func disconnect(connection uint64, result unsafe.Pointer)

//go:wasmimport jackfield:plugin/connections@0.1.0 attribute
func attribute(connection uint64, name unsafe.Pointer, nameSize uint32, result unsafe.Pointer)

//go:wasmimport jackfield:plugin/connections@0.1.0 set-attribute
func setAttribute(connection uint64, name unsafe.Pointer, nameSize uint32, value unsafe.Pointer, size uint32, result unsafe.Pointer)

//go:wasmimport jackfield:plugin/connections@0.1.0 remove-attribute
func removeAttribute(connection uint64, name unsafe.Pointer, nameSize uint32, result unsafe.Pointer)

//go:wasmimport jackfield:plugin/connections@0.1.0 info
func info(connection uint64, result unsafe.Pointer)

// The cases of the contract's enums, in its order.
var (
	sendErrors      = [...]error{ErrGone, ErrBacklogFull, ErrTooLarge, ErrFragmentOrder, ErrControlTooLarge}
	closeErrors     = [...]error{ErrGone, ErrInvalidCode}
	attributeErrors = [...]error{ErrGone, ErrTooLarge}
)

// A result without a value: whether it failed, and why.
type result struct{ failed, why uint8 }

func (r *result) of(errors []error) error {
	if r.failed == 0 {
		return nil
	}
	return errors[r.why]
}

func kindOf(isText bool) uint32 {
	if isText {
		return 0
	}
	return 1
}

func at(bytes []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(bytes)) }

func atText(text string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(text)) }

// Send sends a message.
func Send(connection uint64, isText bool, data []byte) error {
	answer := new(result)
	send(connection, kindOf(isText), at(data), uint32(len(data)), unsafe.Pointer(answer))
	return answer.of(sendErrors[:])
}

// SendText sends a text message, without copying it.
func SendText(connection uint64, text string) error {
	answer := new(result)
	send(connection, 0, atText(text), uint32(len(text)), unsafe.Pointer(answer))
	return answer.of(sendErrors[:])
}

// SendUncompressed sends a message uncompressed.
func SendUncompressed(connection uint64, isText bool, data []byte) error {
	answer := new(result)
	sendUncompressed(connection, kindOf(isText), at(data), uint32(len(data)), unsafe.Pointer(answer))
	return answer.of(sendErrors[:])
}

// SendFragment sends a part of a message.
func SendFragment(connection uint64, isText bool, data []byte, last bool) error {
	answer := new(result)
	final := uint32(0)
	if last {
		final = 1
	}
	sendFragment(connection, kindOf(isText), at(data), uint32(len(data)), final, unsafe.Pointer(answer))
	return answer.of(sendErrors[:])
}

// Ping sends a ping.
func Ping(connection uint64, payload []byte) error {
	answer := new(result)
	ping(connection, at(payload), uint32(len(payload)), unsafe.Pointer(answer))
	return answer.of(sendErrors[:])
}

// Pong sends a pong.
func Pong(connection uint64, payload []byte) error {
	answer := new(result)
	pong(connection, at(payload), uint32(len(payload)), unsafe.Pointer(answer))
	return answer.of(sendErrors[:])
}

// Close starts the closing handshake.
func Close(connection uint64, code uint16, reason string) error {
	answer := new(result)
	closeConnection(connection, uint32(code), atText(reason), uint32(len(reason)), unsafe.Pointer(answer))
	return answer.of(closeErrors[:])
}

// Disconnect ends the TCP connection.
func Disconnect(connection uint64) error {
	answer := new(result)
	disconnect(connection, unsafe.Pointer(answer))
	return answer.of(closeErrors[:])
}

// Attribute reads an attribute.
func Attribute(connection uint64, name string) (value []byte, ok bool, err error) {
	// result<option<list<u8>>, attribute-error>
	answer := new(struct {
		failed, _, _, _ uint8
		some, _, _, _   uint8
		data, size      uint32
	})
	abi.Enter()
	defer abi.Done()
	attribute(connection, atText(name), uint32(len(name)), unsafe.Pointer(answer))
	if answer.failed != 0 {
		return nil, false, attributeErrors[answer.some]
	}
	if answer.some == 0 {
		return nil, false, nil
	}
	return abi.Bytes(answer.data, answer.size), true, nil
}

// SetAttribute sets an attribute.
func SetAttribute(connection uint64, name string, value []byte) error {
	answer := new(result)
	setAttribute(connection, atText(name), uint32(len(name)), at(value), uint32(len(value)), unsafe.Pointer(answer))
	return answer.of(attributeErrors[:])
}

// RemoveAttribute removes an attribute.
func RemoveAttribute(connection uint64, name string) error {
	answer := new(result)
	removeAttribute(connection, atText(name), uint32(len(name)), unsafe.Pointer(answer))
	return answer.of(attributeErrors[:])
}

// InfoOf is what the host knows about a connection.
func InfoOf(connection uint64) (known Info, ok bool) {
	// option<connection-info>
	answer := new(struct {
		some                   uint8
		_                      [7]uint8
		peer, peerSize         uint32
		secure                 uint32
		route, routeSize       uint32
		hasProtocol            uint32
		protocol, protocolSize uint32
		ageMs, idleMs, backlog uint64
	})
	abi.Enter()
	defer abi.Done()
	info(connection, unsafe.Pointer(answer))
	if answer.some == 0 {
		return Info{}, false
	}
	known = Info{
		Peer:    abi.String(answer.peer, answer.peerSize),
		Secure:  answer.secure&0xff != 0,
		Route:   abi.String(answer.route, answer.routeSize),
		AgeMs:   answer.ageMs,
		IdleMs:  answer.idleMs,
		Backlog: answer.backlog,
	}
	if answer.hasProtocol&0xff != 0 {
		known.Protocol = abi.String(answer.protocol, answer.protocolSize)
	}
	return known, true
}
