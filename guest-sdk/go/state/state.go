// Package state exports the group of hooks state, which carries what an instance remembers over a swap. It is read by another
// version: give it a format that can grow.
package state

// Hooks; both are needed.
type Hooks struct {
	// Save gives what the next version must know. An error keeps this version serving.
	Save func() ([]byte, error)
	// Restore is called on the new instance after OnStarted and before any other hook, with what Save gave and the version
	// (digest) that gave it. An error keeps the old version serving.
	Restore func(fromVersion string, state []byte) error
}

var hooks Hooks

// Export gives the hooks. Call it in an init function.
func Export(given Hooks) { hooks = given }

// Exported are the hooks that were given. For tests.
func Exported() Hooks { return hooks }
