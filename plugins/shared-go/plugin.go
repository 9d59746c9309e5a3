// Counts the words that everyone says, in state that all connections and several goroutines share.
//
// A text is counted; "?" is answered with the ten words said most often, as JSON.
package main

import (
	"encoding/json"
	"log"

	jackfield "jackfield/guest"
	"jackfield/guest/handler"
	"jackfield/guest/state"
)

var board = NewBoard()

func init() {
	handler.Export(onMessage)
	state.Export(state.Hooks{
		Save:    board.Save,
		Restore: func(_ string, saved []byte) error { return board.Load(saved) },
	})
}

func onMessage(connection jackfield.Connection, message jackfield.Message) {
	if !message.IsText() {
		// RFC 6455 section 7.4.1: 1003 is a kind of data that cannot be accepted.
		told(connection.Close(1003, "words are text"))
		return
	}
	if message.Text() == "?" {
		answer, err := json.Marshal(board.Top(10))
		if err != nil {
			panic(err)
		}
		told(connection.SendText(string(answer)))
		return
	}
	if leftOut := board.Add(message.Text()); leftOut > 0 {
		log.Print(leftOut, " words were left out")
	}
}

func told(err error) {
	if err != nil {
		log.Print("not answered: ", err)
	}
}

func main() {}
