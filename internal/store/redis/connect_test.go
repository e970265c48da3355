package redis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/share"
	"github.com/fairlead-gateway/fairlead/internal/testkit/redisserver"
)

func TestPasswordUserAndDatabaseCountHoweverTheyAreGiven(t *testing.T) {
	server := redisserver.Start(t, "--requirepass", "s3cret/word")
	for name, o := range map[string]Options{
		"fields":                {Addrs: []string{server.Addr}, Password: "s3cret/word", DB: 3},
		"URL":                   {URL: "redis://default:s3cret%2Fword@" + server.Addr + "/3"},
		"URL with other fields": {URL: "redis://" + server.Addr + "?ssl_cert_reqs=none&db=3", Password: "s3cret/word"},
		"valkey URL":            {URL: "valkey://:s3cret%2Fword@" + server.Addr + "/3"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, o)
			if err := s.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.client.Set(t.Context(), "in-3", "yes", time.Minute)
			if info := s.client.ClientInfo(t.Context()).Val(); info == nil || info.DB != 3 {
				t.Errorf("%+v", info)
			}
		})
	}
}

func TestNoErrorShowsAPassword(t *testing.T) {
	server := redisserver.Start(t, "--requirepass", "right")
	for _, o := range []Options{
		{Addrs: []string{server.Addr}, Password: "canary-1", Username: "someone"},
		{URL: "redis://default:canary-2@" + server.Addr},
		{URL: "redis://default:canary-3@127.0.0.1:1"},
		{URL: "rediss://default:canary-4@" + server.Addr},
		{URL: "redis://default:canary-5%zz@host"},
		{URL: "http://default:canary-6@host"},
	} {
		o.Timeout = slow
		s, err := Open(o)
		if err == nil {
			err = s.Ready(t.Context())
			_ = s.Close()
		}
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v", err)
		}
	}
}

// certificate writes a self-signed certificate for a name and returns its files.
func certificate(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	if name == "127.0.0.1" {
		template.DNSNames, template.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestTLSChecksTheCertificateAsFarAsItIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		name string
		o    Options
		ca   bool
		ok   bool
	}{
		"the CA is given":                {"127.0.0.1", Options{TLS: true}, true, true},
		"rediss:// asks for TLS":         {"127.0.0.1", Options{URL: "rediss://ADDR"}, true, true},
		"an unknown CA":                  {"127.0.0.1", Options{TLS: true}, false, false},
		"any certificate":                {"elsewhere", Options{TLS: true, Insecure: true}, false, true},
		"another name":                   {"elsewhere", Options{TLS: true}, true, false},
		"any name":                       {"elsewhere", Options{TLS: true, AnyName: true}, true, true},
		"any name, but of an unknown CA": {"elsewhere", Options{TLS: true, AnyName: true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			cert, key := certificate(t, c.name)
			server := redisserver.StartTLS(t, cert, key)
			o := c.o
			o.Addrs = []string{server.Addr}
			o.URL = strings.Replace(o.URL, "ADDR", server.Addr, 1)
			if c.ca {
				pem, err := os.ReadFile(cert)
				if err != nil {
					t.Fatal(err)
				}
				o.CA = string(pem)
			}
			err := open(t, o).Ready(t.Context())
			if (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAClusterCountsAsOneServerDoes(t *testing.T) {
	server := redisserver.Start(t, "--cluster-enabled", "yes")
	if got := server.Do("CLUSTER", "ADDSLOTSRANGE", "0", "16383"); got != "+OK" {
		t.Fatal(got)
	}
	for deadline := time.Now().Add(slow); server.Do("SET", "x", "1") != "+OK" && time.Now().Before(deadline); {
		continue // the cluster is about to be complete
	}
	s := open(t, Options{Addrs: []string{server.Addr}, Cluster: true})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := share.Call{Node: "n", Deployment: "d", Lease: "1", Limits: route.Limits{Parallel: 1, Requests: 5, Tokens: 5}}
	if admitted(t, s, c).Refused {
		t.Fatal("the first call is refused")
	}
	c.Lease = "2"
	if !admitted(t, s, c).Refused {
		t.Error("the second is not")
	}
	err := s.Settle(t.Context(), "n", []share.Settlement{{Deployment: "d", Lease: "1"}, {Deployment: "e", Used: 1}, {Deployment: "f", Used: 1}})
	if err != nil {
		t.Error(err)
	}
	if _, err := s.Beat(t.Context(), "n"); err != nil {
		t.Error(err)
	}
}

func TestSentinelsSayWhereTheServerIs(t *testing.T) {
	server := redisserver.Start(t)
	host, port, _ := net.SplitHostPort(server.Addr)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	if err := os.WriteFile(file, []byte("sentinel monitor mymaster "+host+" "+port+" 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := redisserver.StartSentinel(t, file)
	s := open(t, Options{Addrs: []string{sentinel.Addr}, MasterName: "mymaster"})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := admitted(t, s, share.Call{Node: "n", Deployment: "d", Limits: route.Limits{Requests: 5}}); a.Requests != 1 {
		t.Errorf("%+v", a)
	}
}
