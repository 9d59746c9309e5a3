package main

import (
	"bytes"
	"testing"

	jackfield "jackfield/guest"
	"jackfield/guest/handler"
	"jackfield/guest/jackfieldtest"
)

func TestEcho(t *testing.T) {
	connection := jackfieldtest.Connect("/")
	handler.Call(connection, jackfield.Text("hello"))
	handler.Call(connection, jackfield.Binary([]byte{0, 255}))
	sent := jackfieldtest.Sent(connection)
	if len(sent) != 2 || sent[0].Kind != "text" || sent[0].Text() != "hello" {
		t.Fatalf("sent %v", sent)
	}
	if sent[1].Kind != "binary" || !bytes.Equal(sent[1].Data, []byte{0, 255}) {
		t.Errorf("sent %v", sent)
	}
}
