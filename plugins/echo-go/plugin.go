// The smallest plugin: every message goes back to where it came from, text as text, binary as binary.
package main

import (
	"log"

	jackfield "jackfield/guest"
	"jackfield/guest/handler"
)

func init() { handler.Export(echo) }

func echo(connection jackfield.Connection, message jackfield.Message) {
	if err := connection.Send(message); err != nil {
		log.Print("not echoed: ", err)
	}
}

func main() {}
