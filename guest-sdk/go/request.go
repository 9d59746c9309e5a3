package jackfield

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// Header is one HTTP field line. Those of a request have their names in lower case, and values as the bytes received.
type Header struct {
	Name, Value string
}

// Request is an upgrade request that passed every check of RFC 6455 section 4.2.1.
type Request struct {
	// Connection is the one that asks; it keeps its id when the upgrade succeeds. Attributes can be set on it now.
	Connection Connection
	// Peer is its address and port, as 192.0.2.1:5000 or [2001:db8::1]:5000.
	Peer string
	// Secure says whether the connection is encrypted (wss).
	Secure bool
	// Authority is the Host field: host and optional port.
	Authority string
	// Path is that of the request target, percent-encoding untouched.
	Path string
	// Query is what follows the first ? of the target; HasQuery says whether there is a ?.
	Query    string
	HasQuery bool
	// Headers are the field lines, in the order received.
	Headers []Header
	// Protocols are the subprotocols offered (Sec-WebSocket-Protocol), in the client's order of preference.
	Protocols []string
}

// Header is the value of the first field of this name, in whatever case. It may not be UTF-8.
func (r *Request) Header(name string) (value string, ok bool) {
	for _, header := range r.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Value, true
		}
	}
	return "", false
}

// BearerToken is the token of "Authorization: Bearer <token>" (RFC 6750 section 2.1). There is none either when there are
// several Authorization fields, of which nobody can say which one counts.
func (r *Request) BearerToken() (token string, ok bool) {
	var values []string
	for _, header := range r.Headers {
		if header.Name == "authorization" {
			values = append(values, header.Value)
		}
	}
	if len(values) != 1 {
		return "", false
	}
	// RFC 9110 section 11.1: the scheme is case-insensitive.
	scheme, token, found := strings.Cut(values[0], " ")
	token = strings.Trim(token, " \t")
	if !found || !strings.EqualFold(scheme, "bearer") || token == "" || !utf8.ValidString(token) {
		return "", false
	}
	return token, true
}

// Cookie is the value of a cookie (RFC 6265 section 4.2.1), as it was sent; of several of the same name, the first.
func (r *Request) Cookie(name string) (value string, ok bool) {
	for _, header := range r.Headers {
		if header.Name != "cookie" {
			continue
		}
		for pair := range strings.SplitSeq(header.Value, ";") {
			key, value, found := strings.Cut(pair, "=")
			if found && strings.Trim(key, " \t") == name {
				return strings.Trim(value, " \t"), true
			}
		}
	}
	return "", false
}

// QueryParameter is the value of a parameter of the query, decoded as a form's is; of several of the same name, the first. What
// cannot be decoded is not there. Queries end up in the logs of whatever stands between the client and here: no place for
// secrets.
func (r *Request) QueryParameter(name string) (value string, ok bool) {
	for pair := range strings.SplitSeq(r.Query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key, err := url.QueryUnescape(key); err != nil || key != name {
			continue
		}
		if value, err := url.QueryUnescape(value); err == nil {
			return value, true
		}
	}
	return "", false
}

// Rejection is why an upgrade is refused; sent as the HTTP response.
type Rejection struct {
	// Status is 400 to 599. Anything else is sent as 500.
	Status int
	// Body is sent as text/plain; charset=utf-8 unless Headers say otherwise.
	Body string
	// Headers are extra fields. Framing and connection fields, and values with CR, LF or NUL, are dropped by the host.
	Headers []Header
}
