//go:build !wasip1

package contract

import (
	"sync"
	"unicode/utf8"
)

// The host of the tests: keeps the contract's rules (order of fragments, close codes, sizes of control frames and attributes)
// and remembers what was sent.

// AttributesMax is the attribute limit of a host that is not configured otherwise, in bytes.
const AttributesMax = 16 * 1024

// Sent is something that was done to a connection: text, binary, ping, pong, close or disconnect.
type Sent struct {
	Kind         string
	Data         []byte
	Code         uint16
	IsFragment   bool
	Last         bool
	Uncompressed bool
}

type entry struct {
	open, fragmented, fragmentIsText bool
	refuse                           error
	attributes                       map[string][]byte
	info                             Info
	sent                             []Sent
}

var (
	// Hooks of a test may run at the same time, in an instance they do not.
	lock    sync.Mutex
	entries = map[uint64]*entry{}
	lastID  uint64
)

// Add adds a connection.
func Add(route string, open bool) uint64 {
	lock.Lock()
	defer lock.Unlock()
	lastID++
	entries[lastID] = &entry{open: open, attributes: map[string][]byte{}, info: Info{Peer: "192.0.2.1:5000", Route: route}}
	return lastID
}

// Change does something with a connection that the test knows.
func change(id uint64, what func(*entry)) {
	lock.Lock()
	defer lock.Unlock()
	each := entries[id]
	if each == nil {
		panic("jackfieldtest: there is no such connection")
	}
	what(each)
}

// Accept completes an upgrade.
func Accept(id uint64, protocol string) {
	change(id, func(e *entry) { e.open, e.info.Protocol = true, protocol })
}

// End ends a connection.
func End(id uint64) { change(id, func(e *entry) { e.open = false }) }

// Refuse makes sends fail.
func Refuse(id uint64, err error) { change(id, func(e *entry) { e.refuse = err }) }

// Take takes what was sent.
func Take(id uint64) (sent []Sent) {
	change(id, func(e *entry) { sent, e.sent = e.sent, nil })
	return sent
}

func push(id uint64, check func(*entry) error, sent Sent) error {
	lock.Lock()
	defer lock.Unlock()
	to := entries[id]
	if to == nil || !to.open {
		return ErrGone
	}
	if to.refuse != nil {
		return to.refuse
	}
	if err := check(to); err != nil {
		return err
	}
	sent.Data = append([]byte{}, sent.Data...)
	to.sent = append(to.sent, sent)
	return nil
}

func kindOf(isText bool) string {
	if isText {
		return "text"
	}
	return "binary"
}

func unfragmented(e *entry) error {
	if e.fragmented {
		return ErrFragmentOrder
	}
	return nil
}

// Send sends a message.
func Send(connection uint64, isText bool, data []byte) error {
	return push(connection, unfragmented, Sent{Kind: kindOf(isText), Data: data})
}

// SendText sends a text message.
func SendText(connection uint64, text string) error { return Send(connection, true, []byte(text)) }

// SendUncompressed sends a message uncompressed.
func SendUncompressed(connection uint64, isText bool, data []byte) error {
	return push(connection, unfragmented, Sent{Kind: kindOf(isText), Data: data, Uncompressed: true})
}

// SendFragment sends a part of a message.
func SendFragment(connection uint64, isText bool, data []byte, last bool) error {
	check := func(e *entry) error {
		if e.fragmented && e.fragmentIsText != isText {
			return ErrFragmentOrder
		}
		e.fragmented, e.fragmentIsText = !last, isText
		return nil
	}
	return push(connection, check, Sent{Kind: kindOf(isText), Data: data, IsFragment: true, Last: last})
}

func control(connection uint64, kind string, payload []byte) error {
	check := func(*entry) error {
		// RFC 6455 section 5.5: "All control frames MUST have a payload length of 125 bytes or less".
		if len(payload) > 125 {
			return ErrControlTooLarge
		}
		return nil
	}
	return push(connection, check, Sent{Kind: kind, Data: payload})
}

// Ping sends a ping.
func Ping(connection uint64, payload []byte) error { return control(connection, "ping", payload) }

// Pong sends a pong.
func Pong(connection uint64, payload []byte) error { return control(connection, "pong", payload) }

// Close starts the closing handshake.
func Close(connection uint64, code uint16, reason string) error {
	// RFC 6455 section 7.4: the codes that may be sent.
	may := code >= 1000 && code <= 1003 || code >= 1007 && code <= 1009 || code >= 1011 && code <= 1014 ||
		code >= 3000 && code <= 4999
	if !may {
		return ErrInvalidCode
	}
	lock.Lock()
	defer lock.Unlock()
	to := entries[connection]
	if to == nil || !to.open {
		return ErrGone
	}
	if len(reason) > 123 {
		size := 123
		for !utf8.RuneStart(reason[size]) {
			size--
		}
		reason = reason[:size]
	}
	to.open = false
	to.sent = append(to.sent, Sent{Kind: "close", Code: code, Data: []byte(reason)})
	return nil
}

// Disconnect ends the TCP connection.
func Disconnect(connection uint64) error {
	lock.Lock()
	defer lock.Unlock()
	to := entries[connection]
	if to == nil {
		return ErrGone
	}
	to.open = false
	to.sent = append(to.sent, Sent{Kind: "disconnect"})
	return nil
}

// Attribute reads an attribute.
func Attribute(connection uint64, name string) (value []byte, ok bool, err error) {
	lock.Lock()
	defer lock.Unlock()
	of := entries[connection]
	if of == nil {
		return nil, false, ErrGone
	}
	value, ok = of.attributes[name]
	if !ok {
		return nil, false, nil
	}
	return append([]byte{}, value...), true, nil
}

// SetAttribute sets an attribute.
func SetAttribute(connection uint64, name string, value []byte) error {
	lock.Lock()
	defer lock.Unlock()
	of := entries[connection]
	if of == nil {
		return ErrGone
	}
	total := len(name) + len(value)
	for key, other := range of.attributes {
		if key != name {
			total += len(key) + len(other)
		}
	}
	if total > AttributesMax {
		return ErrTooLarge
	}
	of.attributes[name] = append([]byte{}, value...)
	return nil
}

// RemoveAttribute removes an attribute.
func RemoveAttribute(connection uint64, name string) error {
	lock.Lock()
	defer lock.Unlock()
	of := entries[connection]
	if of == nil {
		return ErrGone
	}
	delete(of.attributes, name)
	return nil
}

// InfoOf is what the host knows about a connection.
func InfoOf(connection uint64) (known Info, ok bool) {
	lock.Lock()
	defer lock.Unlock()
	of := entries[connection]
	if of == nil {
		return Info{}, false
	}
	return of.info, true
}
