package http2

import (
	"encoding/binary"
	"errors"
	"time"
)

// Parameters of SETTINGS (RFC 9113, section 6.5.2).
const (
	settingTable      = 0x1
	settingPush       = 0x2
	settingStreams    = 0x3
	settingWindow     = 0x4
	settingFrame      = 0x5
	settingHeaderList = 0x6
)

// handle takes a frame that was read, or the error of reading it.
func (c *Conn) handle(f frame, err error) error {
	if errors.Is(err, errFrameSize) {
		return broke(codeFrameSize, err.Error())
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return c.err
	case !c.greeted && (f.kind != kindSettings || f.has(flagAck)):
		return broke(codeProtocol, "the connection does not begin with SETTINGS")
	case c.block.open != (f.kind == kindContinuation) || c.block.open && f.id != c.block.id:
		return broke(codeProtocol, "a header is not whole")
	}
	if connection := f.kind == kindSettings || f.kind == kindPing || f.kind == kindGoAway; f.kind != kindWindowUpdate && f.kind <= kindContinuation && connection != (f.id == 0) {
		return broke(codeProtocol, "a frame is on the wrong stream")
	}
	return c.dispatch(f)
}

func (c *Conn) dispatch(f frame) error {
	switch f.kind {
	case kindData:
		return c.data(f)
	case kindHeaders, kindContinuation:
		return c.header(f)
	case kindReset:
		return c.reset(f)
	case kindSettings:
		return c.settings(f)
	case kindPushPromise:
		return broke(codeProtocol, "a push, which was refused")
	case kindPing:
		return c.pong(f)
	case kindGoAway:
		return c.goAway(f)
	case kindWindowUpdate:
		return c.windowUpdate(f)
	}
	return nil // PRIORITY, and what is unknown
}

// stream returns an open stream, nil for one that has ended, and an error for one that
// has never been opened.
func (c *Conn) stream(id uint32) (*Response, error) {
	if a := c.streams[id]; a != nil {
		return a, nil
	}
	if id%2 == 0 || id >= c.nextID {
		return nil, broke(codeProtocol, "a frame on a stream that was never opened")
	}
	return nil, nil
}

// data takes DATA. The connection's window is credited when it arrives, the stream's
// when it is read.
func (c *Conn) data(f frame) error {
	size := int64(len(f.payload))
	if c.received += size; c.received > connWindow {
		return broke(codeFlowControl, "more DATA than the window allows")
	}
	if c.received >= connWindow/2 {
		c.write(appendNumber(c.output().b, kindWindowUpdate, 0, uint32(c.received)))
		c.received = 0
	}
	c.asked = false
	a, err := c.stream(f.id)
	if a == nil {
		return err
	}
	p, ok := f.unpadded()
	if !ok {
		return broke(codeProtocol, "more padding than frame")
	}
	if a.window -= size; a.window < 0 {
		c.cancel(a, codeFlowControl, malformed("more than the window allows"))
		return nil
	}
	c.credit(a, int(size)-len(p))
	c.deliver(a, p, f.has(flagEndStream))
	return nil
}

// deliver gives a part of a body to its stream.
func (c *Conn) deliver(a *Response, p []byte, last bool) {
	switch {
	case a.Header == nil:
		c.cancel(a, codeProtocol, malformed("a body before the header"))
	case int64(len(p)) > a.expected:
		c.cancel(a, codeProtocol, malformed("the body is longer than announced"))
	case a.closed && len(p) > 0:
		c.cancel(a, codeCancel, errClosed)
	case last:
		a.take(p)
		c.finish(a)
	default:
		a.take(p)
	}
}

// credit lets the upstream send n bytes more of an answer, as soon as it is worth it.
func (c *Conn) credit(a *Response, n int) {
	if a.read += int64(n); a.read < streamWindow/2 || !a.open {
		return
	}
	c.write(appendNumber(c.output().b, kindWindowUpdate, a.id, uint32(a.read)))
	a.window += a.read
	a.read = 0
}

// finish is the end of an answer. One that came before its request was whole ends
// that too.
func (c *Conn) finish(a *Response) {
	if a.expected > 0 && a.Length >= 0 {
		c.cancel(a, codeProtocol, malformed("the body is shorter than announced"))
		return
	}
	a.done = true
	a.news.Signal()
	if a.left > 0 {
		c.write(appendNumber(c.output().b, kindReset, a.id, uint32(codeCancel)))
	}
	c.remove(a)
}

// reset takes RST_STREAM. With NO_ERROR after an answer it is only that the rest of
// the request is not wanted; then the stream has ended already.
func (c *Conn) reset(f frame) error {
	if len(f.payload) != 4 {
		return broke(codeFrameSize, "RST_STREAM of a wrong size")
	}
	a, err := c.stream(f.id)
	if a == nil {
		return err
	}
	a.fail(&ResetError{Code: binary.BigEndian.Uint32(f.payload)})
	c.remove(a)
	return nil
}

func (c *Conn) settings(f frame) error {
	c.greeted = true
	switch {
	case f.has(flagAck) && len(f.payload) == 0:
		return nil
	case f.has(flagAck) || len(f.payload)%6 != 0:
		return broke(codeFrameSize, "SETTINGS of a wrong size")
	}
	for p := f.payload; len(p) > 0; p = p[6:] {
		if err := c.setting(binary.BigEndian.Uint16(p), binary.BigEndian.Uint32(p[2:])); err != nil {
			return err
		}
	}
	return c.answer(kindSettings, nil)
}

func (c *Conn) setting(id uint16, value uint32) error {
	switch id {
	case settingTable:
		c.enc.SetMaxDynamicTableSize(value) // or what it is limited to
	case settingStreams:
		c.maxStreams = value
	case settingPush:
		if value != 0 {
			return broke(codeProtocol, "a server wants to be pushed to")
		}
	case settingFrame:
		if value < maxFrame || value > 1<<24-1 {
			return broke(codeProtocol, "a size of frames that is not allowed")
		}
	case settingWindow:
		return c.resize(int64(value))
	}
	return nil
}

// resize changes the windows of the streams, of which those of open ones may become
// negative.
func (c *Conn) resize(window int64) error {
	if window > maxWindow {
		return broke(codeFlowControl, "a window that is too large")
	}
	change := window - c.streamWindow
	c.streamWindow = window
	for _, a := range c.streams {
		if a.sendWindow += change; a.sendWindow > maxWindow {
			return broke(codeFlowControl, "a window that is too large")
		}
		c.queue(a)
	}
	return nil
}

// pong takes PING.
func (c *Conn) pong(f frame) error {
	if len(f.payload) != 8 {
		return broke(codeFrameSize, "PING of a wrong size")
	}
	if !f.has(flagAck) {
		return c.answer(kindPing, f.payload)
	}
	if !c.pinged.IsZero() {
		c.pinged, c.asked, c.resets = time.Time{}, true, 0
	}
	return nil
}

// goAway takes GOAWAY: no more streams, and those behind the last one that the
// upstream names it has not looked at.
func (c *Conn) goAway(f frame) error {
	if len(f.payload) < 8 {
		return broke(codeFrameSize, "GOAWAY of a wrong size")
	}
	c.leaving, c.away = true, true
	c.last = min(c.last, binary.BigEndian.Uint32(f.payload)&^(1<<31))
	if why := binary.BigEndian.Uint32(f.payload[4:]); why != 0 {
		c.parting = &ResetError{Code: why, Whole: true}
	}
	for id, a := range c.streams {
		if id > c.last {
			a.fail(errUnseen)
			c.remove(a)
		}
	}
	c.rest()
	return nil
}

func (c *Conn) windowUpdate(f frame) error {
	if len(f.payload) != 4 {
		return broke(codeFrameSize, "WINDOW_UPDATE of a wrong size")
	}
	n := int64(binary.BigEndian.Uint32(f.payload) &^ (1 << 31))
	if f.id == 0 {
		if c.sendWindow += n; n == 0 || c.sendWindow > maxWindow {
			return broke(codeFlowControl, "a window that is too large, or was not enlarged")
		}
		return nil
	}
	a, err := c.stream(f.id)
	if a == nil {
		return err
	}
	if a.sendWindow += n; n == 0 || a.sendWindow > maxWindow {
		c.cancel(a, codeFlowControl, malformed("a window that is too large, or was not enlarged"))
		return nil
	}
	c.queue(a)
	return nil
}
