package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// copyBuffers spare the floor an allocation for every answer: it shall be as good as
// a plain proxy can be.
type copyBuffers struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (c *copyBuffers) Get() []byte { return c.pool.Get().(*[32 << 10]byte)[:] }

// Put implements httputil.BufferPool.
func (c *copyBuffers) Put(b []byte) { c.pool.Put((*[32 << 10]byte)(b)) }

// listenFloor serves the plain reverse proxy to base and returns its address.
func listenFloor(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(u) },
		FlushInterval: -1,
		BufferPool:    &copyBuffers{sync.Pool{New: func() any { return new([32 << 10]byte) }}},
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 4096, MaxIdleConns: 4096, DisableCompression: true, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		},
	}
	s := &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(ln) }() // until the process ends
	return ln.Addr().String(), nil
}
