package upstream

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// address is where a request goes; nil when it says nowhere.
func (r *Request) address() *url.URL {
	switch {
	case r.URL != nil:
		return r.URL
	case r.Base != nil:
		return &r.Base.url
	}
	return nil
}

// advice says for the client what is wrong with the way to an upstream and what to
// do. It names the address of a server on this machine only: another's is nothing
// that every client should learn, and stands in the log.
func (c *Client) advice(u *url.URL, err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &op) && (op.Op == "proxyconnect" || op.Op == "socks connect"):
		return "the configured proxy could not be reached; check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY (fairlead doctor shows which is in use)"
	case errors.As(err, &dns):
		return "the name of the upstream could not be resolved; check the host in api_base and this machine's DNS (from a container, the host is host.docker.internal and another container is its service's name)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return refusedAt(u)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "the upstream's network cannot be reached; check api_base, the route and the firewall, and whether the way out needs a proxy (HTTPS_PROXY)"
	case untrusted(err):
		return "the upstream's certificate is not valid or not trusted; check the host in api_base, or name the CA that signed it in SSL_CERT_FILE or ssl_verify"
	case isTLS(err):
		return "no secure connection to the upstream could be agreed on; check that it speaks https at the port of api_base (a server without a certificate needs http://)"
	case closed(err):
		return "the upstream closed the connection without an answer; try again, and look into its own log if that goes on"
	case c.options.Proxies.For(u) != nil:
		return "the configured proxy did not let the call through; check its address, user and password in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY (the gateway's log has its words)"
	}
	return "the call to the upstream failed; the gateway's log has the cause"
}

// refusedAt is the advice when nothing listens.
func refusedAt(u *url.URL) string {
	if !onThisMachine(u.Hostname()) {
		return "the upstream refused the connection; check that it runs and that api_base has its port"
	}
	return "the upstream refused the connection: nothing listens at " + u.Host + "; start that server, or correct the port in api_base (in a container that address is the container itself: write host.docker.internal or the service's name)"
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}
