package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

const png = "\x89PNG\r\n\x1a\n0123456789"

// images is a server of files, and how often it was asked.
func images(t *testing.T) (*httptest.Server, *atomic.Int32) {
	var asked atomic.Int32
	mux := http.NewServeMux()
	serve := func(path, kind, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
		})
	}
	serve("/a.png", "application/octet-stream", png)
	serve("/lies.png", "text/html", png)
	serve("/a.heic", "image/heic", "\x00\x01\x02\x03")
	serve("/doc.pdf", "application/pdf", "%PDF-1.7 x")
	serve("/notes.md", "text/markdown; charset=utf-8", "# hello")
	serve("/unknown", "nonsense//", "\x00\x01\x02\x03")
	serve("/page", "image/png", "<!DOCTYPE html><html><body>log in</body></html>")
	serve("/empty", "image/png", "")
	serve("/big", "image/png", png+strings.Repeat("x", 5000))
	for status := range map[int]bool{301: true, 302: true, 303: true, 307: true, 308: true} {
		mux.Handle(fmt.Sprintf("/to/%d", status), http.RedirectHandler("/a.png", status))
	}
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.HandleFunc("/nowhere", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(302) })
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(compressed("gzip", png))
	})
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		for _, name := range []string{"Authorization", "Cookie", "Referer", "X-Api-Key", HopHeader} {
			if r.Header.Get(name) != "" {
				t.Errorf("the fetch of %s sends %s", r.URL, name)
			}
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s, &asked
}

// wantUnfetched fails unless e is the client's mistake that says what.
func wantUnfetched(t *testing.T, e *llm.Error, what string) {
	t.Helper()
	if e == nil || e.Kind != llm.KindBadRequest || e.Status != 400 || e.Upstream || !strings.HasPrefix(e.Message, "Unable to fetch image from URL. ") || !strings.Contains(e.Message, what) {
		t.Fatalf("error %+v, want one that says %q", e, what)
	}
}

func TestS24AllowedHostIsFetchedAndItsTypeSeen(t *testing.T) {
	s, _ := images(t)
	f := NewFetcher(FetchOptions{Allowed: []string{strings.TrimPrefix(s.URL, "http://")}})
	for path, kind := range map[string]string{
		"/a.png": "image/png", "/lies.png": "image/png", "/a.heic": "image/heic", "/doc.pdf": "application/pdf", "/notes.md": "text/markdown",
		"/unknown": "application/octet-stream", "/to/301": "image/png", "/to/302": "image/png", "/to/303": "image/png", "/to/307": "image/png", "/to/308": "image/png",
	} {
		file, e := f.Fetch(context.Background(), s.URL+path)
		if e != nil || file.MIME != kind || len(file.Data) == 0 {
			t.Errorf("%s: %+v %v, want %s", path, file, e, kind)
		}
	}
}

func TestS24WhatIsNoFileOrTooMuchIsRefused(t *testing.T) {
	s, _ := images(t)
	f := NewFetcher(FetchOptions{Allowed: []string{"127.0.0.1"}, MaxBytes: 4096})
	for path, say := range map[string]string{
		"/page": "web page", "/empty": "empty", "/big": "larger than 4096 bytes", "/missing": "status 404", "/loop": "redirects more than 3 times",
		"/nowhere": "redirects to nowhere", "/gzip": "compressed",
	} {
		_, e := f.Fetch(context.Background(), s.URL+path+"?token=hunter2")
		wantUnfetched(t, e, say)
		if strings.Contains(e.Message, "hunter2") {
			t.Errorf("%s: the message shows the query: %s", path, e.Message)
		}
	}
	slow := NewFetcher(FetchOptions{Allowed: []string{"127.0.0.1"}, Timeout: 20 * time.Millisecond})
	_, e := slow.Fetch(context.Background(), s.URL+"/hang")
	wantUnfetched(t, e, "could not resolve or reach")
}

func TestS18PrivateAddressIsNotFetched(t *testing.T) {
	s, asked := images(t)
	for _, o := range []FetchOptions{{}, {Allowed: []string{"other.example", "127.0.0.1:1"}}} {
		for _, address := range []string{
			s.URL + "/a.png", strings.Replace(s.URL, "127.0.0.1", "localhost", 1), strings.Replace(s.URL, "127.0.0.1", "2130706433", 1),
			strings.Replace(s.URL, "127.0.0.1", "127.1", 1), strings.Replace(s.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1),
			"http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/", "https://example.com:22/",
		} {
			_, e := NewFetcher(o).Fetch(context.Background(), address)
			wantUnfetched(t, e, "URL policy rejected it")
		}
	}
	if asked.Load() != 0 {
		t.Error("the server was reached")
	}
}

func TestS19AddressIsCheckedAfterTheNameIsResolved(t *testing.T) {
	s, asked := images(t)
	f := NewFetcher(FetchOptions{})
	// The transport itself refuses, whatever name led to the address.
	r, _ := http.NewRequest(http.MethodGet, strings.Replace(s.URL, "127.0.0.1", "localhost", 1)+"/a.png", nil)
	resp, err := f.guarded.RoundTrip(r)
	if err == nil {
		resp.Body.Close()
	}
	if !errors.Is(err, errForbidden) || asked.Load() != 0 {
		t.Fatalf("error %v, asked %d times", err, asked.Load())
	}
}

func TestS20RedirectToAPrivateAddressIsNotFollowed(t *testing.T) {
	private, asked := images(t)
	public := httptest.NewServer(http.RedirectHandler(private.URL+"/a.png", http.StatusFound))
	t.Cleanup(public.Close)
	f := NewFetcher(FetchOptions{Allowed: []string{strings.TrimPrefix(public.URL, "http://")}})
	_, e := f.Fetch(context.Background(), public.URL)
	wantUnfetched(t, e, "URL policy rejected it")
	if asked.Load() != 0 {
		t.Error("the private server was reached")
	}
}

func TestS21SchemesAndUsersAreRefused(t *testing.T) {
	f := NewFetcher(FetchOptions{Unguarded: true})
	for _, address := range []string{"", "file:///etc/passwd", "ftp://h/x", "gopher://h", "http:opaque", "//h/x", "http://", "http://u:p@h.example/x", "http://h\x00/", "javascript:x", "http://[::1"} {
		_, e := f.Fetch(context.Background(), address)
		wantUnfetched(t, e, "")
		if strings.Contains(e.Message, "u:p") {
			t.Errorf("%q: the message shows the password: %s", address, e.Message)
		}
	}
}

func TestGuardCanBeLifted(t *testing.T) {
	s, _ := images(t)
	if _, e := NewFetcher(FetchOptions{Unguarded: true}).Fetch(context.Background(), s.URL+"/a.png"); e != nil {
		t.Fatal(e)
	}
}

func TestFetchThroughAProxyChecksTheWrittenHost(t *testing.T) {
	f := NewFetcher(FetchOptions{Proxies: proxyServer(t, png)})
	file, e := f.Fetch(context.Background(), "http://pictures.example/a.png")
	if e != nil || file.MIME != "image/png" {
		t.Fatalf("%+v %v", file, e)
	}
	for _, address := range []string{"http://10.0.0.1/a.png", "http://metadata.google.internal/", "http://intranet/"} {
		_, e := f.Fetch(context.Background(), address)
		wantUnfetched(t, e, "URL policy rejected it")
	}
}

func FuzzFetchAddress(f *testing.F) {
	for _, s := range []string{"http://127.0.0.1/x", "http://0x7f.1", "http://[::1]:80", "http://u@h", "https://localhost."} {
		f.Add(s)
	}
	fetcher := NewFetcher(FetchOptions{})
	f.Fuzz(func(t *testing.T, address string) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nothing is dialled; only the reading of the address is tried
		if file, e := fetcher.Fetch(ctx, address); file != nil || e == nil || e.Status != 400 {
			t.Fatalf("%q: %v %v", address, file, e)
		}
	})
}
