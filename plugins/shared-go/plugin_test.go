package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	jackfield "jackfield/guest"
	"jackfield/guest/handler"
	"jackfield/guest/jackfieldtest"
	"jackfield/guest/state"
)

func asked(t *testing.T, connection jackfield.Connection) string {
	t.Helper()
	handler.Call(connection, jackfield.Text("?"))
	sent := jackfieldtest.Sent(connection)
	if len(sent) != 1 {
		t.Fatalf("sent %v", sent)
	}
	return sent[0].Text()
}

func TestEveryoneCountsTogether(t *testing.T) {
	board = NewBoard()
	one, other := jackfieldtest.Connect("/"), jackfieldtest.Connect("/")
	handler.Call(one, jackfield.Text("the cat and The hat"))
	handler.Call(other, jackfield.Text("the end"))
	wanted := `[{"word":"the","count":3},{"word":"and","count":1},{"word":"cat","count":1},{"word":"end","count":1},{"word":"hat","count":1}]`
	if answer := asked(t, other); answer != wanted {
		t.Error(answer)
	}
	handler.Call(one, jackfield.Binary([]byte{1}))
	if sent := jackfieldtest.Sent(one); len(sent) != 1 || sent[0].Code != 1003 {
		t.Error(sent)
	}
}

// Run with -race, which finds a shared variable that is touched without the lock.
func TestNoWordIsLost(t *testing.T) {
	board := NewBoard()
	text := strings.Repeat("a b c d e f g ", 100)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				board.Add(text)
				board.Top(3)
			}
		})
	}
	all.Wait()
	for _, word := range board.Top(10) {
		if word.Count != 8*50*100 {
			t.Error(word)
		}
	}
}

func TestStrangersCannotFillIt(t *testing.T) {
	board := NewBoard()
	if leftOut := board.Add(strings.Repeat("x", wordMax+1) + " fine"); leftOut != 1 {
		t.Error(leftOut)
	}
	for at := range wordsMax {
		board.Add(fmt.Sprint("word", at))
	}
	if leftOut := board.Add("one more fine"); leftOut != 2 {
		t.Error(leftOut)
	}
	if words := board.Top(wordsMax + 1); len(words) != wordsMax || words[0] != (Word{"fine", 2}) {
		t.Error(len(words), words[0])
	}
}

func TestItSurvivesASwap(t *testing.T) {
	old, next := NewBoard(), NewBoard()
	old.Add("b a b")
	saved, err := old.Save()
	if err != nil || next.Load(saved) != nil {
		t.Fatal(err)
	}
	if words := next.Top(5); len(words) != 2 || words[0] != (Word{"b", 2}) {
		t.Error(words)
	}
	for _, bad := range []string{"", "{", "{}", `{"format":2,"counts":{}}`, `{"format":1}`} {
		if next.Load([]byte(bad)) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if state.Exported().Save == nil || state.Exported().Restore == nil {
		t.Error("not exported")
	}
}
