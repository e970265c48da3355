package sse

import "bytes"

// ContentType of an event stream.
const ContentType = "text/event-stream"

// Done is the payload that ends a Chat Completions stream.
const Done = "[DONE]"

// AppendData appends an event with this payload. A newline within the payload
// begins another data line, so text can never forge an event.
func AppendData(dst, payload []byte) []byte {
	dst = append(dst, "data: "...)
	for {
		n := bytes.IndexAny(payload, "\r\n")
		if n < 0 {
			break
		}
		dst = append(append(dst, payload[:n]...), "\ndata: "...)
		if payload[n] == '\r' && n+1 < len(payload) && payload[n+1] == '\n' {
			n++
		}
		payload = payload[n+1:]
	}
	return append(append(dst, payload...), "\n\n"...)
}

// AppendNamed appends an event with a name and a payload.
func AppendNamed(dst []byte, name string, payload []byte) []byte {
	dst = append(append(append(dst, "event: "...), name...), '\n')
	return AppendData(dst, payload)
}

// AppendComment appends a comment, which clients ignore: a keepalive.
func AppendComment(dst []byte, text string) []byte {
	return append(append(append(dst, ": "...), text...), "\n\n"...)
}
