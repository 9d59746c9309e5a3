// Package adapter has the source of what stands between a compiled plugin and the host.
package adapter

import _ "embed"

// Source is adapter.wat.
//
//go:embed adapter.wat
var Source []byte
