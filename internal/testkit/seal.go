package testkit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"sync/atomic"
)

// sealer makes and recognises the opaque reasoning state of one account.
type sealer struct{ secret []byte }

// serial makes ids and signatures differ between all fakes of a process, as they
// do between the servers of the world.
var serial atomic.Uint64

func newSealer(account string) *sealer { return &sealer{secret: []byte("testkit " + account)} }

// Layout of a thought signature: counter, filler so that it is as long as real
// ones are, checksum. The total is no multiple of three, so that padding matters.
const (
	counterSize   = 8
	fillerSize    = 300
	checksumSize  = sha256.Size
	signatureSize = counterSize + fillerSize + checksumSize
)

// signature makes a new thought signature in standard base64.
func (s *sealer) signature() string {
	raw := make([]byte, counterSize, signatureSize)
	binary.BigEndian.PutUint64(raw, serial.Add(1))
	for i := range fillerSize {
		raw = append(raw, byte(i*37+int(raw[counterSize-1])))
	}
	return base64.StdEncoding.EncodeToString(append(raw, s.mac(raw)...))
}

// made reports whether this account made the signature.
func (s *sealer) made(sig string) bool {
	raw, err := decodeBase64(sig)
	if err != nil || len(raw) != signatureSize {
		return false
	}
	body := raw[:counterSize+fillerSize]
	return hmac.Equal(raw[len(body):], s.mac(body))
}

// sign makes the signature that belongs to a text.
func (s *sealer) sign(kind, text string) string {
	inner := s.mac([]byte(kind + "\x00" + text))
	return base64.StdEncoding.EncodeToString(append(inner, s.mac(inner)...))
}

// issued reports whether sign made the signature, for whatever text.
func (s *sealer) issued(sig string) bool {
	raw, err := base64.StdEncoding.DecodeString(sig)
	if err != nil || len(raw) != 2*checksumSize {
		return false
	}
	return hmac.Equal(raw[checksumSize:], s.mac(raw[:checksumSize]))
}

func (s *sealer) mac(b []byte) []byte {
	h := hmac.New(sha256.New, s.secret)
	h.Write(b)
	return h.Sum(nil)
}

// decodeBase64 reads a bytes field as proto JSON does: standard or URL alphabet,
// with or without padding.
func decodeBase64(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.DecodeString(s)
}

// Placeholders that AI Studio accepts in place of a thought signature, plain and
// in base64 (wire-format rule G12).
var placeholders = map[string]bool{
	"skip_thought_signature_validator":                                                true,
	"context_engineering_is_the_way_to_go":                                            true,
	base64.StdEncoding.EncodeToString([]byte("skip_thought_signature_validator")):     true,
	base64.StdEncoding.EncodeToString([]byte("context_engineering_is_the_way_to_go")): true,
}

// id makes a new identifier with a prefix.
func (s *sealer) id(prefix string) string { return sprintf("%s_%d", prefix, serial.Add(1)) }
