// Package redis keeps what the nodes of a gateway share on a Redis or Valkey server:
// counts for limits, cooldowns, reasoning state and the answers of the Responses API.
// It is the only package that imports a Redis driver, and one of two that dial.
//
// Every key begins with the operator's namespace and "fairlead:", has a time to live,
// and holds a bounded value. What concerns one deployment lies in one slot, so that it
// works on a cluster too. Redis 5, Valkey 7.2 or newer.
package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Options say where the server is.
type Options struct {
	// URL is redis://, rediss:// (TLS) or unix://, with user, password and database;
	// "" means Addrs. What it does not say is taken from the other fields.
	URL string
	// Addrs are host:port of the server, of the Sentinels when MasterName is set, or of
	// some nodes of a cluster when Cluster is.
	Addrs              []string
	Cluster            bool
	MasterName         string
	Username, Password string
	SentinelPassword   string
	DB                 int
	// TLS speaks TLS. CA is a PEM bundle instead of the system's; Insecure believes any
	// certificate, AnyName one of the bundle whatever its name.
	TLS               bool
	CA                string
	Insecure, AnyName bool
	// Namespace goes before every key.
	Namespace string
	// Connections bounds those that are open; 0 means 64.
	Connections int
	// Timeout limits one round trip.
	Timeout time.Duration
}

const (
	defaultConnections = 64
	connectTimeout     = time.Second
	// bufferSize of a connection: messages are small, and many connections idle.
	bufferSize = 4 << 10
)

// Server is the connection. It is safe for concurrent use.
type Server struct {
	client    redis.UniversalClient
	namespace string
}

// silence keeps the driver from writing to standard error on its own; what fails is
// said by whoever asked.
var silence = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

type silent struct{}

// Printf writes nothing.
func (silent) Printf(context.Context, string, ...any) {}

// Open makes a connection pool. It does not connect: that happens with the first
// question. The error is a sentence without secrets.
func Open(o Options) (*Server, error) {
	silence()
	u := &redis.UniversalOptions{
		Addrs: o.Addrs, MasterName: o.MasterName, IsClusterMode: o.Cluster,
		Username: o.Username, Password: o.Password, SentinelPassword: o.SentinelPassword, DB: o.DB,
		Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, PoolTimeout: o.Timeout, DialTimeout: connectTimeout,
		PoolSize: defaultConnections, ReadBufferSize: bufferSize, WriteBufferSize: bufferSize,
	}
	if o.Connections > 0 {
		u.PoolSize = o.Connections
	}
	secure := o.TLS
	if o.URL != "" {
		overTLS, err := fromURL(u, o.URL)
		if err != nil {
			return nil, err
		}
		secure = secure || overTLS
	}
	d := dialer{Dialer: net.Dialer{Timeout: connectTimeout}}
	if secure {
		var err error
		if d.tls, err = tlsConfig(o); err != nil {
			return nil, err
		}
	}
	u.Dialer = d.dial
	return &Server{client: redis.NewUniversalClient(u), namespace: prefix(o.Namespace)}, nil
}

func prefix(namespace string) string {
	if namespace == "" {
		return "fairlead:"
	}
	return namespace + ":fairlead:"
}

// errURL repeats nothing of the address, which holds the password.
var errURL = errors.New("the URL of the Redis server cannot be read; write redis://user:password@host:6379/0, or rediss:// for TLS, with special characters in the password percent-encoded")

// fromURL takes what the URL says, and whether it asks for TLS.
func fromURL(u *redis.UniversalOptions, text string) (secure bool, err error) {
	scheme, rest, _ := strings.Cut(text, "://")
	switch scheme {
	case "valkey":
		text = "redis://" + rest
	case "valkeys":
		text = "rediss://" + rest
	}
	parsed, err := redis.ParseURL(withoutQuery(text))
	if err != nil {
		return false, errURL
	}
	u.Addrs = []string{parsed.Addr}
	if parsed.Username != "" {
		u.Username = parsed.Username
	}
	if parsed.Password != "" {
		u.Password = parsed.Password
	}
	if parsed.DB != 0 {
		u.DB = parsed.DB
	}
	return parsed.TLSConfig != nil, nil
}

// withoutQuery leaves out options that other clients read from a URL, but for the
// database.
func withoutQuery(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	db := u.Query().Get("db")
	u.RawQuery = ""
	if _, err := strconv.Atoi(db); err == nil && strings.Trim(u.Path, "/") == "" {
		u.Path = "/" + db
	}
	return u.String()
}

func tlsConfig(o Options) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.Insecure || o.AnyName} //nolint:gosec // the operator's choice
	if o.CA != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(o.CA)) {
			return nil, errors.New("the CA bundle for the Redis server holds no certificate in PEM form")
		}
	}
	if o.AnyName && !o.Insecure {
		c.VerifyConnection = chainOnly(c.RootCAs)
	}
	return c, nil
}

// chainOnly checks that a certificate comes from a trusted CA, whatever name it has.
func chainOnly(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, cert := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(cert)
		}
		_, err := s.PeerCertificates[0].Verify(o)
		return err
	}
}

// dialer connects within the time of the question, TLS included.
type dialer struct {
	net.Dialer
	tls *tls.Config
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil || d.tls == nil {
		return conn, err
	}
	c := d.tls.Clone()
	if c.ServerName == "" {
		c.ServerName, _, _ = net.SplitHostPort(addr)
	}
	secure := tls.Client(conn, c)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the TLS handshake with the Redis server failed: %w", err), conn.Close())
	}
	return secure, nil
}

// Close ends the connections.
func (s *Server) Close() error { return s.client.Close() }
