package config

import "path/filepath"

// Limits on includes.
const (
	maxIncludes     = 64
	maxIncludeDepth = 16
)

// include merges the files that root names, as LiteLLM does: nested, each file
// once, relative to the file that names it; lists are appended, every other
// key is replaced as a whole.
func (l *loader) include(root *node, file string, read map[string]bool, depth int) *node {
	read[filepath.Clean(file)] = true
	names := root.get("include").elements()
	for i, name := range names {
		path := element("include", i)
		if !name.isScalar() {
			l.report.errorf(name.pos, path, "Give the path of a YAML file.", "An include must be a path; this is %s.", name.name())
			continue
		}
		target := name.text
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(file), target)
		}
		if read[filepath.Clean(target)] {
			continue
		}
		if depth >= maxIncludeDepth || len(read) > maxIncludes {
			l.report.errorf(name.pos, path, "", "%s is not read: there are more than %d includes, or they nest deeper than %d.", name.show(), maxIncludes, maxIncludeDepth)
			continue
		}
		data, err := l.o.ReadFile(target)
		if err != nil {
			l.report.errorf(name.pos, path, "The path is relative to the file that names it.", "The included file %s is not used: %s.", name.show(), pathError(err))
			continue
		}
		included := l.parseRoot(target, data)
		if included == nil {
			l.report.errorf(name.pos, path, "Correct that file, or remove it from include.", "The included file %s is not used.", name.show())
			continue
		}
		l.overlay(root, l.include(included, target, read, depth+1))
	}
	return root
}

// overlay merges an included root into the one that named it.
func (l *loader) overlay(root, included *node) {
	for _, f := range included.fields {
		if f.key == "include" {
			continue
		}
		old := root.field(f.key)
		switch {
		case old == nil:
			root.fields = append(root.fields, f)
		case old.val != nil && old.val.kind == listKind && f.val.kind == listKind:
			merged := *old.val
			merged.items = append(append([]*node{}, old.val.items...), f.val.items...)
			old.val = &merged
		default:
			l.report.notef(f.pos, f.key, "An include replaces a section as a whole, as LiteLLM does.", "`%s` of this included file replaces the one at %s.", f.key, old.pos)
			*old = f
		}
	}
}
