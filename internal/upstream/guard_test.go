package upstream

import (
	"net/netip"
	"testing"
)

func TestS18PrivateAndReservedAddressesAreForbidden(t *testing.T) {
	forbidden := []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
		"198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8%eth0", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
		"2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
	}
	for _, s := range forbidden {
		if s == "::ffff:8.8.8.8%eth0" {
			continue // mapped addresses have no zone
		}
		if publicAddr(netip.MustParseAddr(s)) {
			t.Errorf("%s counts as public", s)
		}
		if err := guardDial("tcp", netip.AddrPortFrom(netip.MustParseAddr(s), 443).String(), nil); err == nil {
			t.Errorf("%s may be dialled", s)
		}
	}
	for _, s := range []string{"1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450::1"} {
		if !publicAddr(netip.MustParseAddr(s)) {
			t.Errorf("%s counts as private", s)
		}
		if err := guardDial("tcp", netip.AddrPortFrom(netip.MustParseAddr(s), 443).String(), nil); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	if publicAddr(netip.Addr{}) || guardDial("tcp", "no address", nil) == nil {
		t.Error("no address counts as public")
	}
}

func TestS22HostsInOddNotations(t *testing.T) {
	for _, host := range []string{
		"", ".", "localhost", "LOCALHOST.", "a.localhost", "metadata", "metadata.google.internal", "metadata.goog", "x.internal",
		"printer.local", "redis", "2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "0177.0.0.1", "1.0x", "a.0x7f",
		"127.0.0.1", "127.0.0.1.", "::1", "::ffff:10.0.0.1", "①②⑦.⓪.⓪.①", "exämple.com", "a%2eb.com", "a b.com", "1.2.3.256",
	} {
		if err := publicHost(host); err == nil {
			t.Errorf("%q counts as public", host)
		}
	}
	for _, host := range []string{"example.com", "EXAMPLE.com.", "a-b.c_d.example", "1.1.1.1", "2606:4700::1111", "xn--exmple-cua.com", "0x7f.example"} {
		if err := publicHost(host); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestS23PortsOfOtherServices(t *testing.T) {
	for port, want := range map[string]bool{"": true, "80": true, "443": true, "8080": true, "65535": true, "22": false, "25": false, "0": false, "70000": false, "x": false, "-1": false} {
		if publicPort(port) != want {
			t.Errorf("port %q: %v", port, !want)
		}
	}
}

func FuzzPublicHost(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "0x7f.1", "example.com", "::1", "a..b", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if publicHost(host) != nil {
			return
		}
		if addr, err := netip.ParseAddr(host); err == nil && (addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || addr.IsUnspecified()) {
			t.Fatalf("%q counts as public", host)
		}
	})
}
