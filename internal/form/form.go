// Package form rewrites multipart/form-data on its way to an upstream: a field is
// replaced, others are left out, and every file passes as the bytes it came as.
// Nothing is written to a disk, a file's name is never looked at, and what is held
// in memory is bounded: a small form is held whole, so that it can be sent again,
// and of a large one only what stands before the field that decides where it goes.
package form

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

const (
	// maxParts bounds the parts of a form.
	maxParts = 1000
	// maxField bounds the value of a field that is no file, in bytes.
	maxField = 1 << 20
)

// Limits bound what is held of a form, in bytes.
type Limits struct {
	// Hold is how much is held of a form whose wanted field is known: a smaller one
	// is held whole.
	Hold int64
	// Search is how much is held at most while the wanted field is looked for.
	Search int64
}

// Field is a field that is no file.
type Field struct{ Name, Value string }

// Form is a form as far as it was read.
type Form struct {
	parts []part
	// rest holds the parts that have not been read, nil when all were.
	rest *multipart.Reader
	// open is the rest of the last part, nil when it was read to its end.
	open  io.Reader
	count int
	held  int64
}

type part struct {
	header  textproto.MIMEHeader
	name    string
	file    bool
	content []byte
}

// Read reads a form until the field want is known and the limits say stop. Errors
// are of the reader, or an *llm.Error with status 400 for a form that is none.
func Read(body io.Reader, contentType, want string, l Limits) (*Form, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" {
		return nil, llm.BadRequest("request_body", "This route takes a form: send the content type multipart/form-data with a boundary.")
	}
	boundary := params["boundary"]
	if boundary == "" || len(boundary) > 70 {
		return nil, llm.BadRequest("request_body", "The boundary of the multipart form is missing or longer than 70 characters.")
	}
	src := &source{r: body}
	f := &Form{rest: multipart.NewReader(src, boundary)}
	for f.rest != nil && f.open == nil {
		if err := f.read(want, l); err != nil {
			return nil, src.cause(err)
		}
	}
	return f, nil
}

// read reads one part.
func (f *Form) read(want string, l Limits) error {
	p, raw, err := f.next()
	if err != nil || raw == nil {
		return err
	}
	_, known := f.Value(want)
	if !p.file {
		if known && p.name == want {
			return llm.BadRequest(want, fmt.Sprintf("The form has the field %q twice; send it once.", want))
		}
		return f.readField(p, raw, l)
	}
	limit := l.Search
	if known {
		limit = l.Hold
	}
	left := max(limit-f.held, 0)
	if p.content, err = io.ReadAll(io.LimitReader(raw, left+1)); err != nil {
		return err
	}
	f.held += int64(len(p.content))
	f.parts = append(f.parts, p)
	if int64(len(p.content)) <= left {
		return nil
	}
	if !known {
		return llm.BadRequest(want, fmt.Sprintf("The form has more than %d bytes before its field %q; put that field before the file.", l.Search, want))
	}
	f.open = raw
	return nil
}

func (f *Form) readField(p part, raw io.Reader, l Limits) (err error) {
	if p.content, err = io.ReadAll(io.LimitReader(raw, maxField+1)); err != nil {
		return err
	}
	if f.held += int64(len(p.content)); len(p.content) > maxField || f.held > l.Search+maxField {
		return llm.BadRequest(p.name, fmt.Sprintf("The fields of the form are longer than %d bytes; send long content as a file.", maxField))
	}
	f.parts = append(f.parts, p)
	return nil
}

// next begins the next part; raw is nil at the end of the form.
func (f *Form) next() (p part, raw io.Reader, err error) {
	mp, err := f.rest.NextRawPart()
	if err == io.EOF {
		f.rest = nil
		return part{}, nil, nil
	}
	if err != nil {
		return part{}, nil, err
	}
	if f.count++; f.count > maxParts {
		return part{}, nil, llm.BadRequest("request_body", fmt.Sprintf("The form has more than %d parts.", maxParts))
	}
	p.header = mp.Header
	if kind, params, err := mime.ParseMediaType(mp.Header.Get("Content-Disposition")); err == nil && kind == "form-data" {
		p.name = params["name"]
		_, p.file = params["filename"]
	} else {
		p.file = true // unknown parts pass as they are
	}
	return p, mp, nil
}

// Value returns the value of a field among those that were read.
func (f *Form) Value(name string) (string, bool) {
	for i := range f.parts {
		if p := &f.parts[i]; p.name == name && !p.file {
			return string(p.content), true
		}
	}
	return "", false
}

// HasFile reports whether a file of this name, or a list of it (name[]), was read.
func (f *Form) HasFile(name string) bool {
	for i := range f.parts {
		if p := &f.parts[i]; p.file && (p.name == name || p.name == name+"[]") {
			return true
		}
	}
	return false
}

// Fields lists the fields that were read and are no files.
func (f *Form) Fields() []Field {
	var out []Field
	for i := range f.parts {
		if p := &f.parts[i]; !p.file {
			out = append(out, Field{p.name, string(p.content)})
		}
	}
	return out
}

// Whole reports whether the form was read to its end, so that it can be sent more
// than once.
func (f *Form) Whole() bool { return f.rest == nil }

// source remembers why reading ended: the form's reader hides it.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// cause is the reader's error, else the form's as one for the client.
func (s *source) cause(err error) error {
	if s.err != nil {
		return s.err
	}
	if e, ok := err.(*llm.Error); ok {
		return e
	}
	e := llm.BadRequest("request_body", "The multipart form is broken or cut off.")
	e.Cause = err
	return e
}
