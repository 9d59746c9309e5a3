//go:build wasip1

package healthevents

import (
	jackfield "jackfield/guest"
	"jackfield/guest/internal/abi"
)

//go:wasmexport jackfield:plugin/health-events@0.1.0#on-after-health-check
func onAfterHealthCheck(data, count uint32) {
	unhealthy := make([]jackfield.Connection, count)
	for at, id := range abi.List[uint64](data, count) {
		unhealthy[at] = jackfield.Connection(id)
	}
	defer abi.Begin()()
	Call(unhealthy)
}
