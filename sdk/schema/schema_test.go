package schema_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/sdk/schema"
)

type mode string

// everything has a field of every type.
type everything struct {
	Path   string            `hcl:"path" doc:"Where." example:"/mnt/nas"`
	Mode   mode              `hcl:"mode,optional" default:"fast" oneof:"fast|safe"`
	Port   int               `hcl:"port,optional" default:"587"`
	Big    int64             `hcl:"big,optional"`
	TLS    bool              `hcl:"tls,optional" default:"true"`
	Wait   time.Duration     `hcl:"wait,optional" default:"1d12h"`
	Part   schema.Size       `hcl:"part,optional" default:"64MiB"`
	To     []string          `hcl:"to,optional" default:"a,b" oneof:"a|b|c"`
	Header map[string]string `hcl:"header,optional"`
	Key    schema.Secret     `hcl:"key,optional" oneof:"s3cret|other"`
	Keys   []schema.Secret   `hcl:"keys,optional"`
	Out    string            `hcl:"-"`
	inside int
}

func of(t testing.TB, prototype any) *schema.Schema {
	t.Helper()
	s, err := schema.Of(prototype)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOf reads every kind of tag; the schema survives JSON.
func TestOf(t *testing.T) {
	s := of(t, &everything{inside: 1})
	want := &schema.Schema{Attributes: []schema.Attribute{
		{Name: "path", Type: schema.TypeString, Required: true, Doc: "Where.", Example: "/mnt/nas"},
		{Name: "mode", Type: schema.TypeString, Default: json.RawMessage(`"fast"`), OneOf: []string{"fast", "safe"}},
		{Name: "port", Type: schema.TypeInt, Default: json.RawMessage(`587`)},
		{Name: "big", Type: schema.TypeInt},
		{Name: "tls", Type: schema.TypeBool, Default: json.RawMessage(`true`)},
		{Name: "wait", Type: schema.TypeDuration, Default: json.RawMessage(`"1d12h"`)},
		{Name: "part", Type: schema.TypeSize, Default: json.RawMessage(`"64MiB"`)},
		{Name: "to", Type: schema.TypeStringList, Default: json.RawMessage(`["a","b"]`), OneOf: []string{"a", "b", "c"}},
		{Name: "header", Type: schema.TypeStringMap},
		{Name: "key", Type: schema.TypeString, Sensitive: true, OneOf: []string{"s3cret", "other"}},
		{Name: "keys", Type: schema.TypeStringList, Sensitive: true},
	}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Fatal(diff)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	back := &schema.Schema{}
	if err := json.Unmarshal(text, back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, back); diff != "" {
		t.Error(diff)
	}
}

// TestOfMistakes lists what is wrong with a struct.
func TestOfMistakes(t *testing.T) {
	tests := []struct {
		prototype any
		want      string
	}{
		{nil, "not a struct"},
		{7, "not a struct"},
		{struct{ A string }{}, `field A: has no tag hcl:"name"`},
		{struct {
			a string `hcl:"a"`
		}{}, "not exported"},
		{struct {
			A string `hcl:"a,block"`
		}{}, `unknown hcl tag option "block"`},
		{struct {
			A float64 `hcl:"a"`
		}{}, "type float64 cannot be configured"},
		{struct {
			A []int `hcl:"a"`
		}{}, "cannot be configured"},
		{struct {
			A string `hcl:"Bad-Name"`
		}{}, "a name is a lower case letter"},
		{struct {
			A string `hcl:"a"`
			B string `hcl:"a"`
		}{}, `attribute "a": named twice`},
		{struct {
			A string `hcl:"a" default:"x"`
		}{}, "required, so it cannot have a default"},
		{struct {
			A int `hcl:"a,optional" default:"x"`
		}{}, "not a number"},
		{struct {
			A bool `hcl:"a,optional" default:"yes"`
		}{}, "neither true nor false"},
		{struct {
			A time.Duration `hcl:"a,optional" default:"soon"`
		}{}, "not a valid duration"},
		{struct {
			A schema.Size `hcl:"a,optional" default:"big"`
		}{}, "not a valid size"},
		{struct {
			A string `hcl:"a,optional" default:"x" oneof:"y|z"`
		}{}, `"x" is not allowed`},
		{struct {
			A map[string]string `hcl:"a,optional" default:"x"`
		}{}, "a map cannot have a default"},
		{struct {
			A int `hcl:"a,optional" oneof:"1|2"`
		}{}, "one-of does not go with type int"},
	}
	for _, tt := range tests {
		if _, err := schema.Of(tt.prototype); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%T: %v, want %q", tt.prototype, err, tt.want)
		}
	}
}

// TestDecode sets every field, from values and from defaults.
func TestDecode(t *testing.T) {
	s := of(t, everything{})
	tests := []struct {
		name, config string
		want         everything
	}{
		{"defaults", `{"path": "/a", "big": null}`, everything{
			Path: "/a", Mode: "fast", Port: 587, TLS: true, Wait: 36 * time.Hour, Part: 64 << 20, To: []string{"a", "b"},
		}},
		{"values", `{"path": "", "mode": "safe", "port": -1, "big": 9223372036854775807, "tls": false, "wait": "0", "part": "1.5KB",
			"to": [], "header": {"A": "b", "": ""}, "key": "s3cret", "keys": ["x"]}`, everything{
			Mode: "safe", Port: -1, Big: 1<<63 - 1, Part: 1500, To: []string{},
			Header: map[string]string{"A": "b", "": ""}, Key: "s3cret", Keys: []schema.Secret{"x"},
		}},
	}
	for _, tt := range tests {
		var got everything
		if diags := s.Decode([]byte(tt.config), &got); len(diags) > 0 {
			t.Errorf("%s: %v", tt.name, diags)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(everything{})); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

// TestDecodeMistakes shows the path and the text of every diagnostic. None of them quotes a sensitive value.
func TestDecodeMistakes(t *testing.T) {
	s := of(t, everything{})
	tests := []struct {
		config string
		want   []string // Diagnostic.Error of each
	}{
		{``, []string{`path: missing attribute "path": Where. Example: "/mnt/nas".`}},
		{`null`, []string{`path: missing attribute "path": Where. Example: "/mnt/nas".`}},
		{`[]`, []string{"configuration is not a JSON object"}},
		{`{"key": "s3cret"`, []string{"configuration is not a JSON object"}},
		{`{"path": 1}`, []string{"path: wrong type: Expected a string, got a number."}},
		{`{"path": "", "pathh": 1}`, []string{`pathh: unknown attribute "pathh": Did you mean "path"?`}},
		{`{"path": "", "zzzzzzzz": 1}`, []string{`zzzzzzzz: unknown attribute "zzzzzzzz": ` +
			`Known attributes: big, header, key, keys, mode, part, path, port, tls, to, wait.`}},
		{`{"path": "", "mode": "slow"}`, []string{`mode: "slow" is not allowed: Allowed: "fast", "safe".`}},
		{`{"path": "", "key": "hunter22"}`, []string{`key: value is not allowed: Allowed: "s3cret", "other".`}},
		{`{"path": "", "keys": ["ok", {"hunter22": 1}]}`, []string{"keys.1: wrong type: Expected a string, got a map."}},
		{`{"path": "", "port": 1.5}`, []string{"port: wrong type: Expected a whole number of at most 64 bits, got a number with a fraction or an exponent."}},
		{`{"path": "", "port": "1"}`, []string{"port: wrong type: Expected a whole number of at most 64 bits, got a string."}},
		{`{"path": "", "tls": 1}`, []string{"tls: wrong type: Expected true or false, got a number."}},
		{`{"path": "", "wait": 10}`, []string{`wait: wrong type: Expected a duration string such as "10m", got a number.`}},
		{`{"path": "", "wait": "10"}`, []string{`wait: not a valid duration: duration "10" is not valid; a duration is numbers with ` +
			`units such as "90s", "10m", "1h30m", "1d12h" or "2w"`}},
		{`{"path": "", "to": "a"}`, []string{"to: wrong type: Expected a list of strings, got a string."}},
		{`{"path": "", "to": ["a", "x", null]}`, []string{`to.1: "x" is not allowed: Allowed: "a", "b", "c".`,
			"to.2: wrong type: Expected a string, got null."}},
		{`{"path": "", "header": {"a.b": true}}`, []string{"header.a.b: wrong type: Expected a string, got a bool."}},
		{`{"path": true, "port": [], "part": "x"}`, []string{
			"path: wrong type: Expected a string, got a bool.",
			"port: wrong type: Expected a whole number of at most 64 bits, got a list.",
			`part: not a valid size: size "x" is not valid; a size is a number and a unit, such as "512", "10KB" (1000 bytes each), ` +
				`"64MiB" or "1.5GiB" (1024 bytes each)`,
		}},
	}
	for _, tt := range tests {
		var got []string
		for _, d := range s.Decode([]byte(tt.config), &everything{}) {
			got = append(got, d.Error())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s\n%s", tt.config, diff)
		}
		if strings.Contains(strings.Join(got, " "), "hunter22") {
			t.Errorf("%s: a secret in %v", tt.config, got)
		}
		if diff := cmp.Diff(s.Decode([]byte(tt.config), &everything{}), s.Validate([]byte(tt.config))); diff != "" {
			t.Errorf("%s: Validate differs from Decode:\n%s", tt.config, diff)
		}
	}
	if diags := s.Decode([]byte(`{"path": ""}`), everything{}); len(diags) != 1 {
		t.Errorf("a struct instead of a pointer: %v", diags)
	}
	if diags := (*schema.Schema)(nil).Validate([]byte(`{"a": 1}`)); len(diags) != 1 || diags[0].Detail != "This provider has no attributes." {
		t.Errorf("no schema: %v", diags)
	}
}

// TestCheck distrusts a schema that came from elsewhere.
func TestCheck(t *testing.T) {
	for _, text := range []string{
		`{"attributes": [{"name": "", "type": "string"}]}`,
		`{"attributes": [{"name": "a", "type": "float"}]}`,
		`{"attributes": [{"name": "a", "type": "int", "default": "x"}]}`,
		`{"attributes": [{"name": "a", "type": "string"}, {"name": "a", "type": "int"}]}`,
	} {
		s := &schema.Schema{}
		if err := json.Unmarshal([]byte(text), s); err != nil {
			t.Fatal(err)
		}
		if s.Check() == nil {
			t.Errorf("%s passed", text)
		}
	}
}

// FuzzDecode decodes anything without a panic; what it accepts, it accepts again, with the same result.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"path": "x"}`, `{"path": "x", "wait": "1d", "part": "1KiB", "to": ["a"], "header": {"a": "b"}}`, `{"path": 1e999}`,
		`{"path": "x", "port": 1e2}`, `{"keys": [null]}`, `[[`, `{"path": "a", "path": "b"}`,
	} {
		f.Add([]byte(seed))
	}
	s := of(f, everything{})
	f.Fuzz(func(t *testing.T, config []byte) {
		var one, two everything
		diags := s.Decode(config, &one)
		for _, d := range diags {
			if d.Summary == "" {
				t.Errorf("a diagnostic without a summary: %+v", d)
			}
		}
		if len(diags) > 0 {
			return
		}
		if diags := s.Decode(config, &two); len(diags) > 0 {
			t.Errorf("accepted once, refused then: %v", diags)
		}
		if diff := cmp.Diff(one, two, cmp.AllowUnexported(everything{})); diff != "" {
			t.Error(diff)
		}
	})
}
