package doctor

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// address is a host and a port.
type address struct{ host, port string }

// parseAddress reads host:port, or the address of a URL.
func parseAddress(s string) address {
	if strings.Contains(s, "://") {
		if u, err := url.Parse(s); err == nil {
			return addressOf(u)
		}
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return address{"localhost", "4000"}
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return address{host, port}
}

func addressOf(u *url.URL) address {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return address{u.Hostname(), port}
}

// String returns host:port.
func (a address) String() string { return net.JoinHostPort(a.host, a.port) }

// base is the base URL of a gateway at the address.
func (a address) base() string { return "http://" + a.String() + "/v1" }

// local reports whether the host is this machine as itself sees it.
func (a address) local() bool {
	if strings.EqualFold(a.host, "localhost") || strings.HasSuffix(strings.ToLower(a.host), ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(a.host)
	return err == nil && (ip.Unmap().IsLoopback() || ip.IsUnspecified())
}
