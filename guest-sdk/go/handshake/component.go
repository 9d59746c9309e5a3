//go:build wasip1

package handshake

import (
	"strings"
	"unsafe"

	jackfield "jackfield/guest"
	"jackfield/guest/internal/abi"
)

// A string or a list of bytes, as the contract's calls have it.
type span struct{ data, size uint32 }

type field struct{ name, value span }

func (s span) string() string { return abi.String(s.data, s.size) }

func spanOf(text string) span { return span{abi.StringPointer(text), uint32(len(text))} }

// The results of the calls, and what they point to, until the next one.
var (
	checked struct {
		rejected uint32
		// The list of fields, or the rejection: its status, list of fields, and body.
		words [5]uint32
		kept  []any
	}
	selected struct {
		some  uint32
		value span
		kept  string
	}
)

//go:wasmexport jackfield:plugin/handshake@0.1.0#check-custom-header
func checkCustomHeader(connection uint64, peer, peerSize, secure, authority, authoritySize, path, pathSize, hasQuery, query,
	querySize, headers, headerCount, protocols, protocolCount uint32) unsafe.Pointer {
	request := &jackfield.Request{
		Connection: jackfield.Connection(connection),
		Peer:       abi.String(peer, peerSize),
		Secure:     secure != 0,
		Authority:  abi.String(authority, authoritySize),
		Path:       abi.String(path, pathSize),
		HasQuery:   hasQuery != 0,
		Headers:    make([]jackfield.Header, 0, headerCount),
		Protocols:  texts(protocols, protocolCount),
	}
	if request.HasQuery {
		request.Query = abi.String(query, querySize)
	}
	for _, header := range abi.List[field](headers, headerCount) {
		request.Headers = append(request.Headers, jackfield.Header{Name: header.name.string(), Value: header.value.string()})
	}
	defer abi.Begin()()
	var fields []jackfield.Header
	var rejection *jackfield.Rejection
	if hooks.CheckCustomHeader != nil {
		fields, rejection = hooks.CheckCustomHeader(request)
	}
	checked.kept = nil
	if rejection == nil {
		checked.rejected = 0
		data, count := lowered(fields)
		checked.words = [5]uint32{data, count}
		return unsafe.Pointer(&checked)
	}
	status := rejection.Status
	if status < 400 || status > 599 {
		status = 500
	}
	body := strings.ToValidUTF8(rejection.Body, "\ufffd")
	checked.kept = append(checked.kept, body)
	data, count := lowered(rejection.Headers)
	text := spanOf(body)
	checked.rejected = 1
	checked.words = [5]uint32{uint32(status), data, count, text.data, text.size}
	return unsafe.Pointer(&checked)
}

//go:wasmexport jackfield:plugin/handshake@0.1.0#select-protocol
func selectProtocol(connection uint64, offered, count uint32) unsafe.Pointer {
	offers := texts(offered, count)
	defer abi.Begin()()
	selected.kept = ""
	if hooks.SelectProtocol != nil {
		selected.kept = strings.ToValidUTF8(hooks.SelectProtocol(jackfield.Connection(connection), offers), "\ufffd")
	}
	selected.some = 0
	if selected.kept != "" {
		selected.some = 1
	}
	selected.value = spanOf(selected.kept)
	return unsafe.Pointer(&selected)
}

func texts(data, count uint32) []string {
	list := make([]string, 0, count)
	for _, each := range abi.List[span](data, count) {
		list = append(list, each.string())
	}
	return list
}

// The fields as a list of the contract; a name that is not UTF-8 is left out, as no field can have it.
func lowered(headers []jackfield.Header) (data, count uint32) {
	list := make([]field, 0, len(headers))
	for _, header := range headers {
		if strings.ToValidUTF8(header.Name, "") != header.Name {
			continue
		}
		checked.kept = append(checked.kept, header)
		list = append(list, field{spanOf(header.Name), spanOf(header.Value)})
	}
	checked.kept = append(checked.kept, list)
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(list)))), uint32(len(list))
}
