package upstream

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// forbidden are the networks that no client may make the gateway call: private,
// local, reserved, documentation, multicast, and the metadata services of clouds.
// IPv6 is allowed only in the global unicast space and not where an IPv4 address
// is wrapped in it.
var forbidden = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var globalUnicast = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// publicAddr reports whether an address is on the public Internet.
func publicAddr(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.Is6() && !globalUnicast.Contains(a) {
		return false
	}
	for _, p := range forbidden {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsValid()
}

var errForbidden = errors.New("the address is not public")

// guardDial is the control function of a dialer: it sees each address after the
// name was resolved, right before the connection, so that no later answer of the
// DNS can change it.
func guardDial(_, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errForbidden, address)
	}
	if !publicAddr(addr.Addr()) {
		return fmt.Errorf("%w: %s", errForbidden, address)
	}
	return nil
}

// publicHost checks the host of a URL before anything is resolved: names that
// stand for the machine, its network or a metadata service, and addresses,
// however they are written.
func publicHost(host string) error {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		if !publicAddr(addr) {
			return errForbidden
		}
		return nil
	}
	for i := range len(host) {
		if !nameByte(host[i]) {
			return fmt.Errorf("%w: the host name is not plain ASCII", errForbidden)
		}
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	if host == "" || len(labels) == 1 || localTLD[last] || numeric(last) {
		return errForbidden
	}
	if host == "metadata.goog" || strings.HasSuffix(host, ".metadata.goog") {
		return errForbidden
	}
	return nil
}

// localTLD are top-level names that never lead to the public Internet;
// metadata.google.internal and its kin are below internal. A name without a dot
// (localhost, metadata, redis) is local too.
var localTLD = map[string]bool{
	"localhost": true, "local": true, "internal": true, "intranet": true, "lan": true, "home": true, "corp": true,
	"localdomain": true, "arpa": true, "onion": true,
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_'
}

// numeric reports whether a last label is a number: then the host is an address
// in a notation (decimal, octal, hexadecimal, shortened) that resolvers read
// differently.
func numeric(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		if hex == "" {
			return true
		}
		_, err := strconv.ParseUint(hex, 16, 64)
		return err == nil
	}
	return strings.Trim(label, "0123456789") == ""
}

// publicPort allows the ports of the web and unprivileged ones, so that nobody
// makes the gateway speak to a mail server.
func publicPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && (n == 80 || n == 443 || n >= 1024 && n <= 65535)
}

// hostPort is the host and host:port of a URL in small letters, for the
// operator's list.
func hostPort(host, port, scheme string) (bare, full string) {
	if port == "" {
		port = "80"
		if scheme == "https" {
			port = "443"
		}
	}
	bare = strings.ToLower(strings.TrimSuffix(host, "."))
	return bare, net.JoinHostPort(bare, port)
}
