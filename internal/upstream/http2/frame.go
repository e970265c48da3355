package http2

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// Sizes of frames (RFC 9113, sections 4.1, 4.2).
const (
	frameHeader = 9
	// maxFrame is the largest payload, of the frames that are sent too: every
	// endpoint takes as much.
	maxFrame = 16 << 10
	// smallRead is the read buffer while no larger frame comes.
	smallRead = 4 << 10
)

// kind is the type of a frame (RFC 9113, section 6).
type kind uint8

const (
	kindData kind = iota
	kindHeaders
	kindPriority
	kindReset
	kindSettings
	kindPushPromise
	kindPing
	kindGoAway
	kindWindowUpdate
	kindContinuation
)

// Flags of frames.
const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// frame is one as it was read; its payload is overwritten by the next.
type frame struct {
	kind    kind
	flags   uint8
	id      uint32
	payload []byte
}

func (f frame) has(flag uint8) bool { return f.flags&flag != 0 }

// unpadded takes the padding off, and what stands before the content of HEADERS;
// false means that it is longer than the frame.
func (f frame) unpadded() ([]byte, bool) {
	p, padding := f.payload, 0
	if f.has(flagPadded) {
		if len(p) == 0 {
			return nil, false
		}
		padding, p = int(p[0]), p[1:]
	}
	if f.kind == kindHeaders && f.has(flagPriority) {
		if len(p) < 5 {
			return nil, false
		}
		p = p[5:]
	}
	if padding > len(p) {
		return nil, false
	}
	return p[:len(p)-padding], true
}

// appendFrame appends the header of a frame.
func appendFrame(b []byte, size int, k kind, flags uint8, id uint32) []byte {
	b = append(b, byte(size>>16), byte(size>>8), byte(size), byte(k), flags)
	return binary.BigEndian.AppendUint32(b, id)
}

// appendNumber appends a frame that holds one number.
func appendNumber(b []byte, k kind, id, n uint32) []byte {
	return binary.BigEndian.AppendUint32(appendFrame(b, 4, k, 0, id), n)
}

// Read buffers by size.
var (
	smallReads = sync.Pool{New: func() any { return newBlock(smallRead) }}
	largeReads = sync.Pool{New: func() any { return newBlock(frameHeader + maxFrame) }}
)

func newBlock(size int) *[]byte {
	b := make([]byte, size)
	return &b
}

// frames reads frames.
type frames struct {
	from       io.Reader
	heard      func() // is called when something was read
	block      *[]byte
	start, end int
}

var errFrameSize = errors.New("a frame is larger than was allowed")

// whole reports whether the next frame is there without a read.
func (r *frames) whole() bool {
	have := r.end - r.start
	return have >= frameHeader && have >= frameHeader+r.size()
}

// size is that of the next frame's payload.
func (r *frames) size() int {
	b := (*r.block)[r.start:]
	return int(b[0])<<16 | int(b[1])<<8 | int(b[2])
}

// next reads a frame.
func (r *frames) next() (f frame, err error) {
	if r.start == r.end {
		r.shrink()
	}
	if err = r.fill(frameHeader); err != nil {
		return f, err
	}
	size := r.size()
	if size > maxFrame {
		return f, errFrameSize
	}
	if err = r.fill(frameHeader + size); err != nil {
		return f, err
	}
	b := (*r.block)[r.start : r.start+frameHeader+size]
	r.start += len(b)
	f.kind, f.flags = kind(b[3]), b[4]
	f.id = binary.BigEndian.Uint32(b[5:]) &^ (1 << 31)
	f.payload = b[frameHeader:]
	return f, nil
}

// fill reads until n bytes are there.
func (r *frames) fill(n int) error {
	for r.end-r.start < n {
		if r.start+n > len(*r.block) {
			r.room(n)
		}
		m, err := r.from.Read((*r.block)[r.end:])
		if r.end += m; err != nil && r.end-r.start < n {
			return err
		}
		r.heard()
	}
	return nil
}

// room makes room for n bytes.
func (r *frames) room(n int) {
	old := r.block
	if n > len(*old) {
		r.block = largeReads.Get().(*[]byte)
	}
	r.end = copy(*r.block, (*old)[r.start:r.end])
	r.start = 0
	if r.block != old {
		smallReads.Put(old)
	}
}

// shrink begins anew in a small buffer.
func (r *frames) shrink() {
	r.start, r.end = 0, 0
	if r.block != nil && len(*r.block) == smallRead {
		return
	}
	if r.block != nil {
		largeReads.Put(r.block)
	}
	r.block = smallReads.Get().(*[]byte)
}
