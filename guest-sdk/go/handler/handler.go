// Package handler exports the group of hooks handler: the messages.
package handler

import jackfield "jackfield/guest"

var hook func(jackfield.Connection, jackfield.Message)

// Export gives the hook that is called with each message, reassembled from its fragments, one call at a time per connection,
// in the order of arrival. With several plugins on a route, the first that exports this group gets the message.
//
// Call it in an init function: hooks may be called before main would run, and main never does.
func Export(businessHandler func(jackfield.Connection, jackfield.Message)) { hook = businessHandler }

// Call calls the hook, as the host does. For tests.
func Call(connection jackfield.Connection, message jackfield.Message) {
	if hook != nil {
		hook(connection, message)
	}
}
