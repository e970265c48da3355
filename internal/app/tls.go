package app

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// openSSLNames are the names that litellm's --ciphers takes, for the suites that
// exist here. Those of TLS 1.3 are not chosen but always offered.
var openSSLNames = map[string]uint16{
	"ECDHE-ECDSA-AES128-GCM-SHA256": tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-ECDSA-AES256-GCM-SHA384": tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-ECDSA-CHACHA20-POLY1305": tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	"ECDHE-RSA-AES128-GCM-SHA256":   tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-RSA-AES256-GCM-SHA384":   tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-RSA-CHACHA20-POLY1305":   tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// tlsConfig reads the certificate and the cipher suites; nil without a certificate.
func (c *serveCommand) tlsConfig() (*tls.Config, error) {
	switch {
	case c.SSLCert == "" && c.SSLKey == "":
		return nil, nil
	case c.SSLCert == "" || c.SSLKey == "":
		return nil, fmt.Errorf("--ssl_certfile_path and --ssl_keyfile_path belong together; give both or neither")
	}
	cert, err := tls.LoadX509KeyPair(c.SSLCert, c.SSLKey)
	if err != nil {
		return nil, fmt.Errorf("the TLS certificate %s with the key %s cannot be used; both must be PEM files that belong together: %w", c.SSLCert, c.SSLKey, err)
	}
	suites, err := cipherSuites(c.Ciphers)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, CipherSuites: suites, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// cipherSuites reads a list of OpenSSL or IANA names; nil means Go's choice.
func cipherSuites(list string) ([]uint16, error) {
	known := map[string]uint16{}
	for name, id := range openSSLNames {
		known[name] = id
	}
	for _, s := range tls.CipherSuites() {
		known[s.Name] = s.ID
	}
	var out []uint16
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' }) {
		id, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("--ciphers names %q, which is no cipher suite of TLS 1.2 that is safe to use; for example ECDHE-RSA-AES128-GCM-SHA256", name)
		}
		out = append(out, id)
	}
	return out, nil
}
