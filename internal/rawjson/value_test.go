package rawjson

import (
	"strings"
	"testing"
)

func TestValuesAreReadInPlace(t *testing.T) {
	v := Value(`{"s":"a\n\u00e9\ud83d\ude00","n":12,"f":1.5,"w":2e3,"b":true,"z":null,"l":[1,"x",{}],"o":{"p":{"q":7}},"k\u0065y":1,"s":"last"}`)
	switch {
	case v.Get("s").Text() != "last", v.First() != nil, v.Path("o", "p", "q").Kind() != '0', v.Path("o", "x", "q") != nil:
		t.Error("lookups")
	case string(v.Get("key")) != "1", v.Len() != 10, v.Get("l").Len() != 3, string(v.Get("l").First()) != "1":
		t.Error("keys and lengths")
	case v.Get("z").Present(), v.Get("none").Present(), !v.Get("b").True(), v.Get("b").Is("true"):
		t.Error("presence")
	}
	if n, ok := v.Get("w").Int(); !ok || n != 2000 {
		t.Errorf("2e3 = %d %v", n, ok)
	}
	if _, ok := v.Get("f").Int(); ok {
		t.Error("1.5 is whole")
	}
	if f, ok := v.Get("f").Float(); !ok || f != 1.5 {
		t.Errorf("1.5 = %v", f)
	}
	if s, _ := Value(`"a\n\u00e9\ud83d\ude00\ud800x\u12"`).Str(); s != "a\né😀\ufffdx\ufffd12" {
		t.Errorf("decoded %q", s)
	}
	if got := v.Get("o").Clone(); string(got) != `{"p":{"q":7}}` {
		t.Errorf("clone %s", got)
	}
}

func TestLongAndEscapedStringsAreSkippedWhole(t *testing.T) {
	for _, s := range []string{
		`"`, `\"`, `\\`, `\\\"`, `x\"y\\`, strings.Repeat("long text ", 50) + `\"` + strings.Repeat(`\\`, 9), strings.Repeat(`\"`, 40), "", "short", "exactly8", `1234567\"`,
	} {
		if s == `"` {
			continue
		}
		body := Value(`{"a":"` + s + `","b":["` + s + `",{"` + s + `":1}],"z":7}`)
		if got := body.Get("z"); string(got) != "7" {
			t.Errorf("%s: z = %s", s, got)
		}
	}
}

func TestObjectIsEditedInPlace(t *testing.T) {
	o := ParseObject(Value(`{"a":1, "b" : 2.0 ,"c":3}`))
	o.Set("b", Value("20"))
	o.Set("d", Value("4"))
	o.Rename("c", "x")
	if !o.Del("a") || o.Del("none") {
		t.Error("Del")
	}
	if got := string(o.Value()); got != `{"b":20,"x":3,"d":4}` {
		t.Errorf("%s", got)
	}
	if o.Get("x").Kind() != '0' || o.Get("c") != nil {
		t.Error("Get")
	}
}

func TestWritersBuildObjects(t *testing.T) {
	dst := []byte{'{'}
	dst = AppendStringMember(dst, "s", "a\"b\x01\u2028<")
	dst = AppendIntMember(dst, "n", -5)
	dst = AppendMember(dst, "none", nil)
	dst = AppendMember(dst, "v", Value("[1]"))
	if got := string(append(dst, '}')); got != `{"s":"a\"b\u0001`+"\u2028"+`<","n":-5,"v":[1]}` {
		t.Errorf("%s", got)
	}
	if string(Int(7)) != "7" || string(AppendInt(nil, -1)) != "-1" {
		t.Error("Int")
	}
}

func TestCursorVisitsEveryMember(t *testing.T) {
	c := Cursor{B: []byte(` { "a" : 1 , "b" : [ ] , "c" : { } , "d" : [ 1 , [ 2 ] ] } x`), I: 1}
	var seen []string
	for ok := c.Open('{'); ok; ok = c.Next() {
		key := c.Key()
		seen = append(seen, string(key.Bare())+"="+string(c.Skip()))
	}
	if got := strings.Join(seen, ";"); got != "a=1;b=[ ];c={ };d=[ 1 , [ 2 ] ]" || c.Peek() != ' ' {
		t.Errorf("%s, next %q", got, c.Peek())
	}
	if !Value(`"a\n"`).Escaped() || Value(`"a"`).Escaped() || Value(`5`).Bare() != nil {
		t.Error("Escaped, Bare")
	}
}
