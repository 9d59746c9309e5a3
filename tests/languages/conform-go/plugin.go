// The conformance plugin in Go; what it does is in ../README.md.
package main

import (
	"errors"
	"fmt"
	"log"
	"strconv"
	"sync"

	jackfield "jackfield/guest"
	"jackfield/guest/connectionevents"
	"jackfield/guest/handler"
	"jackfield/guest/handshake"
	"jackfield/guest/state"
)

var count int

func init() {
	handshake.Export(handshake.Hooks{CheckCustomHeader: check, SelectProtocol: choose})
	handler.Export(onMessage)
	connectionevents.Export(connectionevents.Hooks{
		OnHandshakeSuccess: func(connection jackfield.Connection) { must(connection.SendText("welcome")) },
		OnDisconnected: func(_ jackfield.Connection, ending jackfield.Ending) {
			fmt.Println("ended", ending.Code, ending.Reason)
		},
	})
	state.Export(state.Hooks{
		Save: func() ([]byte, error) { return []byte(strconv.Itoa(count)), nil },
		Restore: func(_ string, saved []byte) (err error) {
			count, err = strconv.Atoi(string(saved))
			return err
		},
	})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

//go:noinline
func deepFault() { panic("on purpose") }

func check(request *jackfield.Request) ([]jackfield.Header, *jackfield.Rejection) {
	if _, ok := request.Header("x-fault"); ok {
		deepFault()
	}
	fields := []jackfield.Header{{Name: "x-lang", Value: "go"}}
	if _, ok := request.Header("x-refuse"); ok {
		return nil, &jackfield.Rejection{Status: 403, Body: "refused by go\n", Headers: fields}
	}
	must(request.Connection.SetAttribute("who", []byte(request.Path)))
	return fields, nil
}

func choose(_ jackfield.Connection, offered []string) string {
	last := offered[len(offered)-1]
	if last == "none" {
		return ""
	}
	return last
}

func onMessage(connection jackfield.Connection, message jackfield.Message) {
	count++
	text := ""
	if message.IsText() {
		text = message.Text()
	}
	switch text {
	case "who":
		value, _, err := connection.Attribute("who")
		must(err)
		must(connection.SendText(string(value)))
	case "info":
		info, _ := connection.Info()
		must(connection.SendText(info.Route + " " + info.Protocol))
	case "fragments":
		must(connection.SendFragment(jackfield.Text("a"), false))
		must(connection.SendFragment(jackfield.Text("b"), false))
		must(connection.SendFragment(jackfield.Text("c"), true))
	case "print":
		fmt.Println("printed by go")
	case "warn":
		log.Print("warned by go")
	case "close":
		must(connection.Close(4001, "bye"))
	case "bad close":
		if errors.Is(connection.Close(1005, ""), jackfield.ErrInvalidCode) {
			must(connection.SendText("refused"))
		}
	case "count":
		must(connection.SendText(strconv.Itoa(count)))
	case "churn":
		churn(connection)
		must(connection.SendText("churned"))
	case "fault":
		deepFault()
	default:
		must(connection.Send(message))
	}
}

// Garbage by goroutines that call the host too, and one that outlives the call.
func churn(connection jackfield.Connection) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 16 {
				kept = make([]byte, 4096)
				_, _, err := connection.Attribute("who")
				must(err)
			}
		})
	}
	go func() {
		for range 16 {
			kept = make([]byte, 4096)
			// It may be gone by the time this runs.
			_, _, _ = connection.Attribute("who")
		}
	}()
	all.Wait()
}

// So that the compiler does not do without the garbage.
var kept []byte

func main() {}
