package form

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/textproto"
	"slices"
)

// Edit says what changes in a form. Files never change.
type Edit struct {
	// Set puts fields first and in the place of those of the same name.
	Set []Field
	// Drop names fields to leave out; nil leaves out none.
	Drop func(name string) bool
}

func (e *Edit) keeps(p *part) bool {
	if p.file {
		return true
	}
	if slices.ContainsFunc(e.Set, func(s Field) bool { return s.Name == p.name }) {
		return false
	}
	return e.Drop == nil || !e.Drop(p.name)
}

// Reader writes the edited form: its content type with a boundary of its own, and
// its bytes. Of a form that is not whole it can be read once only.
func (f *Form) Reader(e Edit) (contentType string, r io.Reader) {
	w := multipart.NewWriter(io.Discard) // makes a random boundary
	return w.FormDataContentType(), &reader{form: f, edit: e, boundary: w.Boundary()}
}

// Bytes writes the edited form whole. The error is of what had not been read yet.
func (f *Form) Bytes(e Edit) (contentType string, body []byte, err error) {
	contentType, r := f.Reader(e)
	body, err = io.ReadAll(r)
	return contentType, body, err
}

// reader writes a form as it is read.
type reader struct {
	form     *Form
	edit     Edit
	boundary string

	set, next int // of edit.Set and form.parts
	begun     bool
	pending   []byte
	content   io.Reader
	done      bool
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for {
		switch {
		case len(r.pending) > 0:
			n := copy(p, r.pending)
			r.pending = r.pending[n:]
			return n, nil
		case r.content != nil:
			n, err := r.content.Read(p)
			if err == io.EOF {
				r.content, err = nil, nil
			}
			if n > 0 || err != nil {
				return n, err
			}
		case r.done:
			return 0, io.EOF
		default:
			if err := r.advance(); err != nil {
				return 0, err
			}
		}
	}
}

// advance begins the next part, or the end.
func (r *reader) advance() error {
	if r.set < len(r.edit.Set) {
		s := r.edit.Set[r.set]
		r.set++
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + quoted(s.Name) + `"`}}
		r.begin(h, bytes.NewReader([]byte(s.Value)))
		return nil
	}
	for r.next < len(r.form.parts) {
		p := &r.form.parts[r.next]
		r.next++
		if r.edit.keeps(p) {
			r.begin(p.header, r.held(p))
			return nil
		}
	}
	return r.unread()
}

// held is the content of a part that was read, the last perhaps only in part.
func (r *reader) held(p *part) io.Reader {
	content := io.Reader(bytes.NewReader(p.content))
	if r.form.open != nil && r.next == len(r.form.parts) {
		content = io.MultiReader(content, r.form.open)
	}
	return content
}

// unread passes on parts that were not read before.
func (r *reader) unread() error {
	for r.form.rest != nil {
		p, raw, err := r.form.next()
		if err != nil {
			return err
		}
		if raw != nil && r.edit.keeps(&p) {
			r.begin(p.header, raw)
			return nil
		}
	}
	r.pending = append(r.delimiter(), "--\r\n"...)
	r.done = true
	return nil
}

func (r *reader) begin(h textproto.MIMEHeader, content io.Reader) {
	b := append(r.delimiter(), "\r\n"...)
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			b = append(append(append(append(b, name...), ": "...), v...), "\r\n"...)
		}
	}
	r.pending, r.content = append(b, "\r\n"...), content
}

func (r *reader) delimiter() []byte {
	b := make([]byte, 0, 256)
	if r.begun {
		b = append(b, "\r\n"...)
	}
	r.begun = true
	return append(append(b, "--"...), r.boundary...)
}

// quoted escapes what cannot stand in a quoted name.
func quoted(name string) string {
	var b []byte
	for i := range len(name) {
		switch c := name[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\r', '\n':
			b = append(b, ' ')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}
