package http1

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

const (
	// framingSize is room for the size line of a chunk and what follows it.
	framingSize = 32
	// sniffed is how much of a body its type is guessed from.
	sniffed = 512
)

var lineEnd = []byte("\r\n")

// appendStatus writes the first line of an answer.
func appendStatus(b []byte, old bool, status int) []byte {
	if status == http.StatusOK && !old {
		return append(b, "HTTP/1.1 200 OK\r\n"...)
	}
	b = append(b, "HTTP/1."...)
	if old {
		b = append(b, '0', ' ')
	} else {
		b = append(b, '1', ' ')
	}
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	if text := http.StatusText(status); text != "" {
		b = append(b, text...)
	} else {
		b = append(b, "status code "...)
		b = strconv.AppendInt(b, int64(status), 10)
	}
	return append(b, "\r\n"...)
}

// appendFields writes fields, but for those that except takes. What would break the
// lines is left out of names, and becomes a space in values, as net/http does.
func appendFields(b []byte, h http.Header, except func(name string, values []string) bool) []byte {
	for name, values := range h {
		if except(name, values) || !httpsyntax.IsToken(name) {
			continue
		}
		for _, v := range values {
			b = append(b, name...)
			b = append(b, ": "...)
			b = appendValue(b, httpsyntax.TrimSpace(v))
			b = append(b, "\r\n"...)
		}
	}
	return b
}

// appendValue writes a value on one line.
func appendValue(b []byte, v string) []byte {
	from := len(b)
	b = append(b, v...)
	if strings.IndexByte(v, '\n') < 0 && strings.IndexByte(v, '\r') < 0 {
		return b
	}
	for i := from; i < len(b); i++ {
		if b[i] == '\r' || b[i] == '\n' {
			b[i] = ' '
		}
	}
	return b
}

// isFraming reports whether a field says where an answer ends, in whatever case its
// name is.
func isFraming(name string, _ []string) bool {
	switch len(name) {
	case len("Content-Length"):
		return strings.EqualFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

// appendHandlers writes the handler's fields but for those of the framing, which
// are remembered for commit.
func (w *response) appendHandlers(b []byte) []byte { return appendFields(b, w.header, w.ours) }

// ours reports whether commit decides about a field, or it must not be there.
func (w *response) ours(name string, values []string) bool {
	switch name {
	case "Content-Length":
		w.length = w.declared(values)
		return true
	case "Connection":
		w.connection = values
		return true
	case "Date":
		w.dated = true
	case "Content-Type":
		w.typed = true
		return w.status == http.StatusNotModified
	case "Content-Encoding":
		w.typed = w.typed || len(values) > 0 && values[0] != ""
	case "Trailer":
		w.announce(values)
	default:
		if strings.HasPrefix(name, http.TrailerPrefix) {
			w.trailed = true
			return true
		}
		return isFraming(name, values)
	}
	return false
}

// declared reads the handler's Content-Length, -1 when there is none.
func (w *response) declared(values []string) int64 {
	if len(values) == 0 {
		return -1
	}
	n, ok := httpsyntax.ContentLength(values[:1])
	if !ok {
		w.complain("invalid Content-Length")
		return -1
	}
	return n
}

func (w *response) announce(lines []string) {
	w.trailed = true
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(httpsyntax.TrimSpace(name))
			switch name {
			case "", "Transfer-Encoding", "Content-Length", "Trailer":
				continue
			}
			w.trailers = append(w.trailers, name)
		}
	}
}

// commit decides how the body ends and completes the header. more is what the body
// goes on with, last that nothing more comes.
func (w *response) commit(more []byte, last bool) {
	if w.committed {
		return
	}
	w.committed = true
	w.r.body.begun()
	w.obtain()
	hasBody := bodyAllowed(w.status)
	if last && w.length < 0 && hasBody && !w.trailed && (!w.head || w.written > 0) {
		w.length = w.written
	}
	w.decideClose()
	b := make([]byte, 0, 192)
	switch {
	case !hasBody:
	case w.length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, w.length, 10)
		b = append(b, "\r\n"...)
	case w.head:
	case w.r.old:
		w.closing = true
	default:
		w.chunked = true
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	if hasBody && !w.typed && len(w.out)-w.mark+len(more) > 0 {
		b = appendType(b, w.begins(more))
	}
	if !w.dated {
		b = appendDate(b)
	}
	b = w.appendConnection(b, hasBody)
	w.insert(append(b, "\r\n"...))
}

// decideClose decides whether the connection can be used again. The answer does not wait
// for what is left of the request's body: that is read after it, when it may be.
func (w *response) decideClose() {
	r := w.r
	w.closing = w.closing || r.close || w.c.owner.closing.Load() || httpsyntax.HasOption(w.connection, "close")
	if w.status == http.StatusSwitchingProtocols {
		w.closing = true // unless the handler takes it over
		return
	}
	w.closing = w.closing || !w.duplex && !r.body.pass()
}

// begins is what the type of a body is guessed from.
func (w *response) begins(more []byte) []byte {
	waits := w.out[w.mark:]
	if len(waits) == 0 {
		return more
	}
	if len(waits) < sniffed && len(more) > 0 {
		return append(append([]byte(nil), waits...), more[:min(len(more), sniffed)]...)
	}
	return waits
}

func appendType(b, content []byte) []byte {
	b = append(b, "Content-Type: "...)
	b = append(b, http.DetectContentType(content)...)
	return append(b, "\r\n"...)
}

func (w *response) appendConnection(b []byte, hasBody bool) []byte {
	switch {
	case w.status == http.StatusSwitchingProtocols:
	case w.closing && httpsyntax.HasOption(w.connection, "close"):
	case w.closing && w.r.old:
		return b
	case w.closing:
		return append(b, "Connection: close\r\n"...)
	case w.r.old && w.connection == nil && (w.head || w.length >= 0 || !hasBody):
		return append(b, "Connection: keep-alive\r\n"...)
	case w.connection == nil:
		return b
	}
	return appendFields(b, http.Header{"Connection": w.connection}, func(string, []string) bool { return false })
}

// appendSize writes the line before a chunk.
func appendSize(b []byte, n int) []byte {
	b = strconv.AppendInt(b, int64(n), 16)
	return append(b, "\r\n"...)
}

// appendLast writes the end of a chunked body, with the handler's trailers.
func (w *response) appendLast(b []byte) []byte {
	b = append(b, "0\r\n"...)
	if w.trailed || len(w.header) != w.fields {
		trailers := http.Header{}
		for name, values := range w.header {
			if after, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
				trailers[after] = values
			}
		}
		for _, name := range w.trailers {
			if values := w.header[name]; values != nil {
				trailers[name] = values
			}
		}
		b = appendFields(b, trailers, isFraming)
	}
	return append(b, "\r\n"...)
}

// date is the Date field of a second.
type date struct {
	second int64
	field  []byte
}

var today atomic.Pointer[date]

// appendDate writes the Date field, which is made once a second.
func appendDate(b []byte) []byte {
	now := time.Now()
	d := today.Load()
	if d == nil || d.second != now.Unix() {
		d = &date{second: now.Unix()}
		d.field = append(d.field, "Date: "...)
		d.field = now.UTC().AppendFormat(d.field, http.TimeFormat)
		d.field = append(d.field, "\r\n"...)
		today.Store(d)
	}
	return append(b, d.field...)
}
