//go:build wasip1

// Package abi is the way between Go and the calls of a component: reading what the host wrote into the arena, and giving it
// addresses. See adapter/adapter.wat for the arena.
package abi

import "unsafe"

//go:wasmimport wasi_snapshot_preview1 jackfield_arena
func arena(bloc, blocMax unsafe.Pointer)

//go:wasmimport wasi_snapshot_preview1 jackfield_realloc
func realloc(old, oldSize, align, size uint32) uint32

//go:wasmimport wasi_snapshot_preview1 jackfield_reset
func reset()

// The runtime's idea of the end of memory: the arena takes what lies behind it and moves it.
//
//go:linkname bloc runtime.bloc
var bloc uintptr

//go:linkname blocMax runtime.blocMax
var blocMax uintptr

func init() {
	arena(unsafe.Pointer(&bloc), unsafe.Pointer(&blocMax))
	// A Go whose runtime has no such variables would make new ones here, of no meaning to it.
	if bloc == 0 || bloc > blocMax {
		println("jackfield: this version of Go keeps its memory in another way; the SDK knows 1.25 to 1.27")
		// No memory is that large: this traps. (It also is what makes the function an import, which the build tool exports.)
		realloc(0, 0, 1, ^uint32(0))
	}
}

// Who has something in the arena that was not copied yet. Between two calls it is the next call's arguments: they are written
// before the call, and a goroutine may run before the hook does.
var users = 1

// Begin says that the arguments of a call were copied; what it gives is to be called when the call ends.
func Begin() (end func()) {
	Done()
	return Enter
}

// Enter is before a call of the host that answers with memory.
func Enter() { users++ }

// Done is when that was copied.
func Done() {
	users--
	if users == 0 {
		reset()
	}
}

// String copies a string.
func String(data, size uint32) string { return string(List[byte](data, size)) }

// Bytes copies bytes; never nil.
func Bytes(data, size uint32) []byte { return append([]byte{}, List[byte](data, size)...) }

// List is a list in the arena: not a copy.
func List[T any](data, count uint32) []T {
	if count == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(uintptr(data))), count)
}

// Pointer is the address of bytes, which must stay referred to; 0 when there are none.
func Pointer(bytes []byte) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes)))) }

// StringPointer is the address of a string, which must stay referred to.
func StringPointer(text string) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.StringData(text))))
}
