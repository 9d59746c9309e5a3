package jackfield_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	jackfield "jackfield/guest"
	"jackfield/guest/jackfieldtest"
)

func want(t *testing.T, err, wanted error) {
	t.Helper()
	if !errors.Is(err, wanted) {
		t.Errorf("%v, not %v", err, wanted)
	}
}

func TestMessages(t *testing.T) {
	connection := jackfieldtest.Connect("/")
	want(t, connection.Send(jackfield.Text("hé")), nil)
	want(t, connection.Send(jackfield.Binary([]byte{0, 255})), nil)
	want(t, connection.SendText(""), nil)
	want(t, connection.SendBinary(nil), nil)
	want(t, connection.SendUncompressed(jackfield.Text("secret")), nil)
	for _, bad := range []string{"\x80", "a\xff", "\xed\xa0\x80", "\xf4\x90\x80\x80"} {
		want(t, connection.Send(jackfield.Text(bad)), jackfield.ErrNotUTF8)
		want(t, connection.SendUncompressed(jackfield.Text(bad)), jackfield.ErrNotUTF8)
		want(t, connection.SendFragment(jackfield.Text(bad), true), jackfield.ErrNotUTF8)
		want(t, connection.Close(1000, bad), jackfield.ErrNotUTF8)
		want(t, connection.SetAttribute(bad, nil), jackfield.ErrNotUTF8)
		want(t, connection.RemoveAttribute(bad), jackfield.ErrNotUTF8)
		_, _, err := connection.Attribute(bad)
		want(t, err, jackfield.ErrNotUTF8)
	}
	sent := jackfieldtest.Sent(connection)
	kinds := []string{"text", "binary", "text", "binary", "text"}
	if len(sent) != len(kinds) {
		t.Fatalf("sent %v", sent)
	}
	for at, kind := range kinds {
		if sent[at].Kind != kind {
			t.Errorf("%v is no %s", sent[at], kind)
		}
	}
	if sent[0].Text() != "hé" || !bytes.Equal(sent[1].Data, []byte{0, 255}) || !sent[4].Uncompressed {
		t.Errorf("sent %v", sent)
	}
}

func TestMessageKinds(t *testing.T) {
	text, binary := jackfield.Text("a"), jackfield.Binary([]byte("b"))
	if !text.IsText() || text.Text() != "a" || string(text.Bytes()) != "a" {
		t.Error("text")
	}
	if binary.IsText() || binary.Text() != "b" || string(binary.Bytes()) != "b" {
		t.Error("binary")
	}
}

func TestFragments(t *testing.T) {
	connection := jackfieldtest.Connect("/")
	a := jackfield.Text("a")
	want(t, connection.SendFragment(a, false), nil)
	want(t, connection.SendFragment(jackfield.Binary([]byte("b")), true), jackfield.ErrFragmentOrder)
	want(t, connection.Send(a), jackfield.ErrFragmentOrder)
	want(t, connection.Ping([]byte("still there?")), nil)
	want(t, connection.SendFragment(a, true), nil)
	want(t, connection.Send(a), nil)
	if sent := jackfieldtest.Sent(connection); len(sent) != 4 || sent[0].Last || !sent[2].Last || sent[3].IsFragment {
		t.Errorf("sent %v", sent)
	}
}

func TestControlFrames(t *testing.T) {
	connection := jackfieldtest.Connect("/")
	want(t, connection.Ping(make([]byte, 125)), nil)
	want(t, connection.Ping(make([]byte, 126)), jackfield.ErrControlTooLarge)
	want(t, connection.Pong(nil), nil)
	want(t, connection.Pong(make([]byte, 126)), jackfield.ErrControlTooLarge)
}

func TestClosing(t *testing.T) {
	for _, code := range []uint16{0, 999, 1004, 1005, 1006, 1010, 1015, 2999, 5000, 65535} {
		want(t, jackfieldtest.Connect("/").Close(code, ""), jackfield.ErrInvalidCode)
	}
	for _, code := range []uint16{1000, 1003, 1007, 1009, 1011, 1014, 3000, 4999} {
		want(t, jackfieldtest.Connect("/").Close(code, ""), nil)
	}
	connection := jackfieldtest.Connect("/")
	want(t, connection.Close(4001, strings.Repeat("é", 100)), nil)
	want(t, connection.Close(4001, ""), jackfield.ErrGone)
	want(t, connection.SendText("late"), jackfield.ErrGone)
	sent := jackfieldtest.Sent(connection)
	if len(sent) != 1 || sent[0].Code != 4001 || sent[0].Text() != strings.Repeat("é", 61) {
		t.Errorf("sent %v", sent)
	}
	want(t, jackfield.Connection(999999).Disconnect(), jackfield.ErrGone)
	want(t, jackfieldtest.Connect("/").Disconnect(), nil)
}

func TestAttributes(t *testing.T) {
	connection := jackfieldtest.Connect("/")
	want(t, connection.SetAttribute("user", []byte("ada")), nil)
	want(t, connection.SetAttribute("user", make([]byte, 20000)), jackfield.ErrTooLarge)
	want(t, connection.SetAttribute("rest", make([]byte, 16*1024-4-3-4)), nil)
	want(t, connection.SetAttribute("x", nil), jackfield.ErrTooLarge)
	jackfieldtest.End(connection)
	if value, ok, err := connection.Attribute("user"); string(value) != "ada" || !ok || err != nil {
		t.Error(value, ok, err)
	}
	want(t, connection.RemoveAttribute("user"), nil)
	want(t, connection.RemoveAttribute("user"), nil)
	if value, ok, err := connection.Attribute("user"); value != nil || ok || err != nil {
		t.Error(value, ok, err)
	}
	_, _, err := jackfield.Connection(999999).Attribute("user")
	want(t, err, jackfield.ErrGone)
}

func TestBeforeAndAfter(t *testing.T) {
	request := jackfieldtest.Request("/chat", "Sec-WebSocket-Protocol", "a, b")
	connection := request.Connection
	if len(request.Protocols) != 2 || request.Protocols[1] != "b" {
		t.Error(request.Protocols)
	}
	want(t, connection.SendText("early"), jackfield.ErrGone)
	jackfieldtest.Accept(connection, "a")
	want(t, connection.SendText("now"), nil)
	if info, ok := connection.Info(); !ok || info.Protocol != "a" || info.Route != "/chat" {
		t.Error(info, ok)
	}
	if _, ok := jackfield.Connection(999999).Info(); ok {
		t.Error("known")
	}
	jackfieldtest.RefuseSends(connection, jackfield.ErrBacklogFull)
	want(t, connection.SendText("x"), jackfield.ErrBacklogFull)
	jackfieldtest.RefuseSends(connection, nil)
	jackfieldtest.End(connection)
	want(t, connection.SendText("late"), jackfield.ErrGone)
}

func TestRequest(t *testing.T) {
	request := jackfieldtest.Request("/a?room=1&b=%41+c&bad=%zz", "X-One", "1", "x-one", "2", "cookie", "a=1; b = 2 ;c", "Cookie", "a=3;e==5")
	if request.Path != "/a" || !request.HasQuery || request.Query != "room=1&b=%41+c&bad=%zz" {
		t.Error(request)
	}
	check := func(value string, ok bool, wanted string, found bool) {
		t.Helper()
		if value != wanted || ok != found {
			t.Errorf("%q %v", value, ok)
		}
	}
	value, ok := request.Header("x-ONE")
	check(value, ok, "1", true)
	value, ok = request.Header("x-on")
	check(value, ok, "", false)
	for name, wanted := range map[string]string{"a": "1", "b": "2", "e": "=5"} {
		value, ok = request.Cookie(name)
		check(value, ok, wanted, true)
	}
	for _, name := range []string{"c", "A", ""} {
		value, ok = request.Cookie(name)
		check(value, ok, "", false)
	}
	value, ok = request.QueryParameter("b")
	check(value, ok, "A c", true)
	for _, name := range []string{"bad", "c"} {
		value, ok = request.QueryParameter(name)
		check(value, ok, "", false)
	}
	if jackfieldtest.Request("/").HasQuery || !jackfieldtest.Request("/?").HasQuery {
		t.Error("query")
	}
}

func TestBearerToken(t *testing.T) {
	for field, wanted := range map[string]string{"Bearer abc": "abc", "bEARER   abc ": "abc", "Bearer": "", "Bearer ": "", "Basic abc": "", "Bearerabc": ""} {
		token, ok := jackfieldtest.Request("/", "Authorization", field).BearerToken()
		if token != wanted || ok != (wanted != "") {
			t.Errorf("%q: %q %v", field, token, ok)
		}
	}
	if _, ok := jackfieldtest.Request("/", "authorization", "Bearer a", "authorization", "Bearer b").BearerToken(); ok {
		t.Error("of two")
	}
}
