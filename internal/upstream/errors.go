package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// statusClientGone is nginx's status for a client that left; nobody reads it.
const statusClientGone = 499

// failure is the error of a call that got no answer.
func (c *Client) failure(ctx context.Context, r *Request, err error) *llm.Error {
	e := c.classify(ctx, err)
	e.Provider, e.Model, e.Cause = r.Provider, r.Model, err
	if u := r.address(); u != nil && e.Kind == llm.KindConnection {
		e.Message = "Connection error: " + c.advice(u, err) + "."
		e.Cause = fmt.Errorf("calling %s: %w", sameHost(u), err) // for the log
	}
	return e
}

// broken is the error of an answer that broke off.
func (c *Client) broken(ctx context.Context, r *Request, err error) *llm.Error {
	e := c.classify(ctx, err)
	e.Provider, e.Model, e.Cause = r.Provider, r.Model, err
	if e.Kind == llm.KindConnection {
		e.Message = "Connection error: the upstream broke off its answer."
		e.Cause = errors.Join(io.ErrUnexpectedEOF, err)
	}
	return e
}

func (c *Client) classify(ctx context.Context, err error) *llm.Error {
	if ctx.Err() != nil {
		return left(context.Cause(ctx))
	}
	var late *http1.TimeoutError
	if errors.As(err, &late) {
		return tooLate(late)
	}
	var field *http1.FieldError
	if errors.As(err, &field) {
		return llm.BadRequest("", "The request to the upstream cannot be sent: "+strconv.Quote(field.Field)+" has a character that HTTP does not allow.")
	}
	var netErr net.Error
	if errors.As(err, &netErr) && netErr.Timeout() {
		if strings.Contains(err.Error(), "TLS handshake") { // net/http has no type for it
			return tooLate(&http1.TimeoutError{Stage: http1.StageTLS, Limit: c.options.TLSTimeout})
		}
		return timeout("The upstream could not be reached within " + c.options.ConnectTimeout.String() +
			"; check api_base, the firewall, and whether the way out needs a proxy (HTTPS_PROXY).")
	}
	if notHTTP(err) {
		return badGateway("The upstream's answer is not valid HTTP.")
	}
	return &llm.Error{
		Kind: llm.KindConnection, Status: http.StatusInternalServerError, Upstream: true,
		Message: "Connection error: the call to the upstream failed.",
	}
}

// left is the error when the caller's context has ended: the client went away, or a
// limit passed that the caller keeps.
func left(cause error) *llm.Error {
	var late *http1.TimeoutError
	if errors.As(cause, &late) {
		return tooLate(late)
	}
	if errors.Is(cause, context.DeadlineExceeded) {
		return timeout("The request was not answered within its time.")
	}
	return &llm.Error{Kind: llm.KindClientGone, Status: statusClientGone, Message: "The client closed the connection."}
}

func tooLate(late *http1.TimeoutError) *llm.Error {
	return timeout("The upstream did not " + string(late.Stage) + " within " + late.Limit.String() + ".")
}

func timeout(message string) *llm.Error {
	return &llm.Error{Kind: llm.KindTimeout, Status: http.StatusRequestTimeout, Upstream: true, Message: message}
}

func badGateway(message string) *llm.Error {
	return &llm.Error{Kind: llm.KindBadGateway, Status: http.StatusBadGateway, Upstream: true, Message: message}
}

func untrusted(err error) bool {
	var verify *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	return errors.As(err, &verify) || errors.As(err, &unknown) || errors.As(err, &invalid) || errors.As(err, &host)
}

func isTLS(err error) bool {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &record) || errors.As(err, &alert) || strings.Contains(err.Error(), "tls: ")
}

// notHTTP reports whether the answer broke the rules of HTTP. net/http has no
// type for most of these errors, only words.
func notHTTP(err error) bool {
	var protocol *http1.ProtocolError
	if errors.As(err, &protocol) {
		return true
	}
	text := err.Error()
	for _, words := range [...]string{"malformed", "transport connection broken", "server response headers exceeded", "too many 1xx", "invalid header", "bad Content-Length", "unsupported transfer encoding", "too many transfer encodings"} {
		if strings.Contains(text, words) {
			return !closed(err)
		}
	}
	return false
}

// closed reports whether the other side closed the connection.
func closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// accept returns the compression of an answer, or the error for one that is none:
// a redirect, which is never followed, since a key must not travel to another
// host, an upgrade, unknown compression.
func accept(r *Request, status int, h http.Header) (encoding string, e *llm.Error) {
	encoding, known := encodingOf(h)
	switch {
	case status >= 300 && status < 400:
		e = badGateway(fmt.Sprintf("The upstream answered with a redirect (status %d), which is not followed, so that no key travels to another host; set api_base to the final address.", status))
		e.Cause = errors.New("redirect to " + h.Get("Location"))
	case status < 200:
		e = badGateway(fmt.Sprintf("The upstream answered with status %d, which is no answer to this request.", status))
	case !known && status >= http.StatusBadRequest:
		return unreadable, nil // the status says enough
	case !known:
		e = badGateway("The upstream compressed its answer in a way that was not asked for and is not known.")
		e.Cause = errors.New("content-encoding " + h.Get("Content-Encoding"))
	default:
		return encoding, nil
	}
	e.Provider, e.Model, e.UpstreamStatus, e.Header = r.Provider, r.Model, status, h
	return "", e
}
