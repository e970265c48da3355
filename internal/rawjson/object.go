package rawjson

// Member is one key and its raw value.
type Member struct {
	Key   string
	Value Value
}

// Object is an object taken apart into its members, in order, for changing a
// few of them and writing the rest back as it came.
type Object []Member

// ParseObject takes the members of v apart; the values share memory with v.
func ParseObject(v Value) Object {
	o := make(Object, 0, 8)
	for k, val := range v.Members() {
		o = append(o, Member{k, val})
	}
	return o
}

// Get returns the value of key (the last one wins), or nil.
func (o Object) Get(key string) Value {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].Key == key {
			return o[i].Value
		}
	}
	return nil
}

// Set replaces the value of key, or appends it.
func (o *Object) Set(key string, v Value) {
	for i := range *o {
		if (*o)[i].Key == key {
			(*o)[i].Value = v
			return
		}
	}
	*o = append(*o, Member{key, v})
}

// Del removes key and reports whether it was there.
func (o *Object) Del(key string) bool {
	kept, found := (*o)[:0], false
	for _, m := range *o {
		if m.Key == key {
			found = true
			continue
		}
		kept = append(kept, m)
	}
	*o = kept
	return found
}

// Rename gives a member another key and keeps its place.
func (o Object) Rename(from, to string) {
	for i := range o {
		if o[i].Key == from {
			o[i].Key = to
		}
	}
}

// Append writes the object to dst.
func (o Object) Append(dst []byte) []byte {
	dst = append(dst, '{')
	for _, m := range o {
		dst = AppendMember(dst, m.Key, m.Value)
	}
	return append(dst, '}')
}

// Value returns the object as JSON text.
func (o Object) Value() Value {
	n := 2
	for _, m := range o {
		n += len(m.Key) + len(m.Value) + 4
	}
	return o.Append(make([]byte, 0, n))
}
