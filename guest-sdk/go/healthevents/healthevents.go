// Package healthevents exports the group of hooks health-events: the result of the periodic health check.
package healthevents

import jackfield "jackfield/guest"

var hook func([]jackfield.Connection)

// Export gives the hook that is called after a check that found connections of this plugin's routes unhealthy: no traffic
// within the interval, or no answer to a ping. They are being closed. Call it in an init function.
func Export(onAfterHealthCheck func(unhealthy []jackfield.Connection)) { hook = onAfterHealthCheck }

// Call calls the hook, as the host does. For tests.
func Call(unhealthy []jackfield.Connection) {
	if hook != nil {
		hook(unhealthy)
	}
}
