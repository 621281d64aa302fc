package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Of returns the schema of a tagged struct (a value of it or a pointer to one). Every exported field needs a tag
// `hcl:"name"` (required) or `hcl:"name,optional"`; `hcl:"-"` leaves a field out. More tags: doc, default (as a person
// would write it in a job file, without quotes; a list separates its elements by commas), oneof:"a|b",
// sensitive:"true", example. Field types: string and types made of it, [Secret], int, int64, bool, time.Duration,
// [Size], []string, map[string]string. The fields of an embedded struct count as the struct's own.
//
// An error is a mistake in the struct, so it shows at the first start of the provider.
func Of(prototype any) (*Schema, error) {
	t := reflect.TypeOf(prototype)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("schema of %T: not a struct", prototype)
	}
	s := &Schema{}
	for _, f := range fieldsOf(t) {
		a, err := attributeOf(f)
		if err != nil {
			return nil, fmt.Errorf("schema of %s: field %s: %w", t, f.Name, err)
		}
		if a != nil {
			s.Attributes = append(s.Attributes, *a)
		}
	}
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", t, err)
	}
	return s, nil
}

// fieldsOf returns the fields of a struct, those of embedded structs in their place.
func fieldsOf(t reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.Anonymous || f.Type.Kind() != reflect.Struct || f.Tag.Get("hcl") != "" {
			fields = append(fields, f)
			continue
		}
		for _, inner := range fieldsOf(f.Type) {
			inner.Index = append(slices.Clone(f.Index), inner.Index...)
			fields = append(fields, inner)
		}
	}
	return fields
}

// attributeOf returns nil for a field that is no attribute.
func attributeOf(f reflect.StructField) (*Attribute, error) {
	tag := f.Tag.Get("hcl")
	if tag == "-" || (!f.IsExported() && tag == "") {
		return nil, nil
	}
	name, option, _ := strings.Cut(tag, ",")
	typ := typeOf(f.Type)
	switch {
	case !f.IsExported():
		return nil, errors.New("has an hcl tag but is not exported")
	case name == "":
		return nil, errors.New(`has no tag hcl:"name" (hcl:"-" leaves it out)`)
	case option != "" && option != "optional":
		return nil, fmt.Errorf("unknown hcl tag option %q", option)
	case typ == "":
		return nil, fmt.Errorf("type %s cannot be configured", f.Type)
	}
	a := &Attribute{
		Name: name, Type: typ, Required: option == "",
		Sensitive: f.Tag.Get("sensitive") == "true" || secret(f.Type),
		Doc:       f.Tag.Get("doc"), Example: f.Tag.Get("example"),
	}
	if list := f.Tag.Get("oneof"); list != "" {
		a.OneOf = strings.Split(list, "|")
	}
	text, has := f.Tag.Lookup("default")
	if !has {
		return a, nil
	}
	var err error
	a.Default, err = encode(typ, text)
	return a, err
}

// secret reports whether t is a Secret, or a list or map of them.
func secret(t reflect.Type) bool {
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t == reflect.TypeFor[Secret]()
}

// typeOf returns the attribute type of a Go type, or "" when there is none.
func typeOf(t reflect.Type) Type {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return TypeDuration
	case t == reflect.TypeFor[Size]():
		return TypeSize
	}
	switch t.Kind() {
	case reflect.String:
		return TypeString
	case reflect.Int, reflect.Int64:
		return TypeInt
	case reflect.Bool:
		return TypeBool
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return TypeStringList
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String {
			return TypeStringMap
		}
	}
	return ""
}

// encode turns the text of a default tag into JSON. What the text means is checked later, by Schema.Check.
func encode(t Type, text string) (json.RawMessage, error) {
	switch t {
	case TypeInt:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("default %q: not a number", text)
		}
		return json.Marshal(n)
	case TypeBool:
		if text != "true" && text != "false" {
			return nil, fmt.Errorf("default %q: neither true nor false", text)
		}
		return json.RawMessage(text), nil
	case TypeStringList:
		list := []string{}
		if text != "" {
			list = strings.Split(text, ",")
		}
		return json.Marshal(list)
	case TypeStringMap:
		return nil, errors.New("a map cannot have a default")
	}
	return json.Marshal(text)
}
