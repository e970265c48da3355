//go:build unix

package faults

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// names is the address of the server of DNS that the process asks.
var names atomic.Value

// askNames makes the process ask it; a lookup may go on after its test, so it stays.
func askNames() {
	names.Store("127.0.0.1:9")
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "udp", names.Load().(string))
		if err != nil {
			return nil, err
		}
		return hasty{conn.(*net.UDPConn)}, nil
	}}
}

// resolver answers every question of the process with this code of DNS, or never.
func resolver(t *testing.T, code byte, answers bool) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 512); ; {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if answers && n > 3 {
				buf[2], buf[3] = buf[2]|0x80, 0x80|code
				_, _ = pc.WriteTo(buf[:n], from)
			}
		}
	}()
	names.Store(pc.LocalAddr().String())
	t.Cleanup(func() {
		pc.Close()
		<-done
	})
}

// hasty is a connection to a server of DNS that waits a moment at most: a lookup goes on
// when nobody waits for it any more.
type hasty struct{ *net.UDPConn }

// SetDeadline implements net.Conn.
func (h hasty) SetDeadline(at time.Time) error {
	if most := time.Now().Add(300 * time.Millisecond); at.After(most) {
		at = most
	}
	return h.UDPConn.SetDeadline(at)
}

func TestU01NameOfTheUpstreamIsNotResolved(t *testing.T) {
	for name, dns := range map[string]struct {
		code    byte
		answers bool
	}{"no such name": {3, true}, "no address": {0, true}, "server failure": {2, true}, "silence": {0, false}} {
		t.Run(name, func(t *testing.T) {
			resolver(t, dns.code, dns.answers)
			survive(t, fault{name: "name", base: "http://nowhere.example.", settings: "connect_timeout: 0.4"})
		})
	}
}

func TestU02ConnectionRefused(t *testing.T) {
	_, addr := bound(t)
	survive(t, fault{name: "nobody listens", base: "http://" + addr})
}

// bound is a socket with an address of its own on which nobody listens: no other program
// can take the port.
func bound(t *testing.T) (fd int, addr string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
}

// blackHole is an address whose queue of connections is full: the system drops what
// else wants to connect.
func blackHole(t *testing.T) string {
	t.Helper()
	fd, addr := bound(t)
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		c, err := net.DialTimeout("tcp", addr, 400*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this system does not drop connections when the queue is full")
	return ""
}

func TestU03ConnectingIsABlackHole(t *testing.T) {
	survive(t, fault{name: "no answer to a SYN", base: "http://" + blackHole(t), settings: "connect_timeout: 0.3"})
}

// authority signs certificates; its own is in the file ca.
type authority struct {
	ca   string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{ca: filepath.Join(t.TempDir(), "ca.pem"), key: key}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "faults"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// server is the TLS of a server with this name and end of validity.
func (a *authority) server(t testing.TB, ip net.IP, until time.Time, protocols ...string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{ip}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{NextProtos: protocols, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// files are a certificate for this host and its key.
func (a *authority) files(t testing.TB) (cert, key string) {
	t.Helper()
	pair := a.server(t, net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour)).Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestU04TLSFails(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	here, later := net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour)
	old := a.server(t, here, later)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	trusting := ", ssl_verify: " + a.ca
	plain := serve(t, healthy, nil)
	stalled, stop := listen(t, nil, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	t.Cleanup(stop)
	survive(t,
		fault{name: "a good certificate", do: healthy, secure: a.server(t, here, later), options: trusting, alone: right},
		fault{name: "expired", do: healthy, secure: a.server(t, here, time.Now().Add(-time.Minute)), options: trusting},
		fault{name: "another host", do: healthy, secure: a.server(t, net.IPv4(127, 0, 0, 9), later), options: trusting},
		fault{name: "unknown authority", do: healthy, secure: stranger.server(t, here, later), options: trusting},
		fault{name: "TLS 1.0", do: healthy, secure: old, options: trusting},
		fault{name: "no TLS at all", base: "https://" + plain.addr},
		fault{name: "stalled handshake", base: "https://" + stalled, settings: "tls_timeout: 0.4"},
	)
}
