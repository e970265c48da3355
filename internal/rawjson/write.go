package rawjson

import (
	"bytes"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Bad UTF-8 becomes U+FFFD; nothing
// is HTML-escaped.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := nextSpecial(s, 0); i < len(s); i = nextSpecial(s, i) {
		c := s[i]
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\ufffd"...)
			start = i + 1
		}
		i += n
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// nextSpecial returns the index of the first byte at or after i that is not plain
// ASCII within a JSON string. Eight bytes at a time, as [Check] does it.
func nextSpecial(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		if hit := special(w) | w&highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] < utf8.RuneSelf && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// String returns s as a JSON string value.
func String(s string) Value { return AppendString(make([]byte, 0, len(s)+2), s) }

// Int returns n as a JSON number.
func Int(n int64) Value { return strconv.AppendInt(nil, n, 10) }

// AppendInt appends n as a JSON number.
func AppendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// AppendKey appends a comma unless dst ends in '{' or '[', then the quoted key
// and a colon: objects are written member by member without counting.
func AppendKey(dst []byte, key string) []byte {
	dst = AppendComma(dst)
	dst = AppendString(dst, key)
	return append(dst, ':')
}

// AppendComma appends a comma unless dst ends in '{', '[' or ':' (the element
// or member that follows is the first).
func AppendComma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' && dst[n-1] != '[' && dst[n-1] != ':' {
		return append(dst, ',')
	}
	return dst
}

// AppendMember appends a member with a raw value; an absent value adds nothing.
func AppendMember(dst []byte, key string, v Value) []byte {
	if len(v) == 0 {
		return dst
	}
	return append(AppendKey(dst, key), v...)
}

// AppendStringMember appends a member whose value is the string s.
func AppendStringMember(dst []byte, key, s string) []byte {
	return AppendString(AppendKey(dst, key), s)
}

// AppendIntMember appends a member whose value is the number n.
func AppendIntMember(dst []byte, key string, n int64) []byte {
	return strconv.AppendInt(AppendKey(dst, key), n, 10)
}

func appendUnescaped(dst, b []byte) []byte {
	for {
		n := bytes.IndexByte(b, '\\')
		if n < 0 {
			return append(dst, b...)
		}
		dst = append(dst, b[:n]...)
		if n+1 >= len(b) {
			return dst
		}
		c := b[n+1]
		b = b[n+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, used := unescapeRune(b, 0)
			dst, b = utf8.AppendRune(dst, r), b[used:]
		default:
			dst = append(dst, c)
		}
	}
}

// unescapeRune decodes the four hex digits at i, and a low surrogate after a
// high one.
func unescapeRune(b []byte, i int) (rune, int) {
	r, ok := hex4(b, i)
	if !ok {
		return utf8.RuneError, i
	}
	i += 4
	if !utf16.IsSurrogate(r) {
		return r, i
	}
	if i+6 <= len(b) && b[i] == '\\' && b[i+1] == 'u' {
		if low, ok := hex4(b, i+2); ok {
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				return full, i + 6
			}
		}
	}
	return utf8.RuneError, i
}
