//go:build wasip1

package serverevents

import "jackfield/guest/internal/abi"

//go:wasmexport jackfield:plugin/server-events@0.1.0#on-started
func onStarted() {
	defer abi.Begin()()
	if hooks.OnStarted != nil {
		hooks.OnStarted()
	}
}

//go:wasmexport jackfield:plugin/server-events@0.1.0#on-shutdown
func onShutdown() {
	defer abi.Begin()()
	if hooks.OnShutdown != nil {
		hooks.OnShutdown()
	}
}
