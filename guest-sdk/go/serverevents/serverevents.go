// Package serverevents exports the group of hooks server-events: the life of the plugin itself.
package serverevents

// Hooks; what is nil does nothing.
type Hooks struct {
	// OnStarted is called once on each instance before any other hook.
	OnStarted func()
	// OnShutdown: the server is stopping, or this instance is being replaced; connections are still open.
	OnShutdown func()
}

var hooks Hooks

// Export gives the hooks. Call it in an init function.
func Export(given Hooks) { hooks = given }

// Exported are the hooks that were given. For tests.
func Exported() Hooks { return hooks }
