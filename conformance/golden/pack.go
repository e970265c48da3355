package golden

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

const maxLine = 64 << 20 // bytes of one vector

// ReadPack reads vectors, one JSON object a line. Signatures are collected over the whole pack, so read it whole and
// choose cases afterwards.
func ReadPack(r io.Reader) ([]*Vector, error) {
	var pack []*Vector
	err := eachLine(r, func(line string) error {
		v := &Vector{line: line}
		if err := json.Unmarshal([]byte(line), v); err != nil {
			return err
		}
		pack = append(pack, v)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the pack of vectors can't be read: %w", err)
	}
	known := mintedSignatures(pack)
	plain := map[string]bool{}
	for _, s := range known {
		plain[base64Plain(s)] = true
	}
	for _, v := range pack {
		v.known, v.signaturesSeen = known, plain
		v.betterOnly = len(v.Upstream) == 0 || v.Response.Status >= 400
	}
	return pack, nil
}

// At returns the vector with upstream, host:port, wherever it names the scripted upstream.
func (v *Vector) At(upstream string) (*Vector, error) {
	out := &Vector{line: v.line, known: v.known, signaturesSeen: v.signaturesSeen, betterOnly: v.betterOnly}
	err := json.Unmarshal([]byte(strings.ReplaceAll(v.line, UpstreamToken, upstream)), out)
	return out, err
}

// eachLine calls f for every line that is not empty and no comment.
func eachLine(r io.Reader, f func(string) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := f(line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return s.Err()
}

var signatureField = regexp.MustCompile(`"thoughtSignature": ?"([^"]+)"`)

// mintedSignatures collects every thought signature that an upstream of the pack ever answered, without the dummies.
func mintedSignatures(pack []*Vector) []string {
	known := map[string]bool{}
	for _, v := range pack {
		for _, u := range v.Upstream {
			collectSignatures(tree(u.Response.Body), known)
		}
	}
	for _, d := range dummySignatures {
		delete(known, d)
	}
	return slices.Sorted(maps.Keys(known))
}

func collectSignatures(t any, known map[string]bool) {
	switch v := t.(type) {
	case object:
		for k, x := range v {
			s, ok := x.(string)
			if ok && (k == "thoughtSignature" || k == "thought_signature") {
				known[s] = true
				continue
			}
			collectSignatures(x, known)
		}
	case []any:
		for _, x := range v {
			collectSignatures(x, known)
		}
	case string:
		for _, m := range signatureField.FindAllStringSubmatch(v, -1) {
			known[m[1]] = true
		}
	}
}

// dummySignatures are the values that Google accepts in place of a real signature.
var dummySignatures = []string{
	"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
	"skip_thought_signature_validator",
	"context_engineering_is_the_way_to_go",
	"Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv",
}

func isDummy(plain string) bool {
	return slices.ContainsFunc(dummySignatures, func(d string) bool { return base64Plain(d) == plain })
}

// Deviation is a wanted difference: the cases it covers and the reason, which a reader must find convincing.
type Deviation struct {
	Glob, Reason string
}

// ReadDeviations reads lines "case-glob: reason".
func ReadDeviations(r io.Reader) ([]Deviation, error) {
	var out []Deviation
	err := eachLine(r, func(line string) error {
		glob, reason, ok := strings.Cut(line, ": ")
		if !ok || strings.TrimSpace(reason) == "" {
			return fmt.Errorf("%q is not \"case-glob: reason\"", line)
		}
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("%q is not a glob: %w", glob, err)
		}
		out = append(out, Deviation{strings.TrimSpace(glob), strings.TrimSpace(reason)})
		return nil
	})
	return out, err
}

// Matches reports whether glob (with * ? and [sets]) covers the case.
func Matches(glob, name string) bool {
	ok, err := path.Match(glob, name)
	return ok && err == nil
}
