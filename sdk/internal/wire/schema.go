package wire

import (
	"encoding/json"

	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// Attributes makes the messages of a schema.
func Attributes(s *schema.Schema) []*pb.Attribute {
	if s == nil {
		return nil
	}
	list := make([]*pb.Attribute, 0, len(s.Attributes))
	for _, a := range s.Attributes {
		list = append(list, &pb.Attribute{
			Name: a.Name, Type: string(a.Type), Required: a.Required, DefaultJson: a.Default, Sensitive: a.Sensitive,
			OneOf: a.OneOf, Doc: a.Doc, Example: a.Example,
		})
	}
	return list
}

// Schema makes the schema of its messages. The caller checks it: another process wrote it.
func Schema(list []*pb.Attribute) *schema.Schema {
	s := &schema.Schema{}
	for _, a := range list {
		var value json.RawMessage
		if len(a.GetDefaultJson()) > 0 {
			value = a.GetDefaultJson()
		}
		s.Attributes = append(s.Attributes, schema.Attribute{
			Name: a.GetName(), Type: schema.Type(a.GetType()), Required: a.GetRequired(), Default: value,
			Sensitive: a.GetSensitive(), OneOf: a.GetOneOf(), Doc: a.GetDoc(), Example: a.GetExample(),
		})
	}
	return s
}

// ToDiagnostics makes the messages of diagnostics.
func ToDiagnostics(list []schema.Diagnostic) []*pb.Diagnostic {
	out := make([]*pb.Diagnostic, 0, len(list))
	for _, d := range list {
		path := make([]string, 0, len(d.Path))
		for _, element := range d.Path {
			path = append(path, clip(element))
		}
		out = append(out, &pb.Diagnostic{Path: path, Summary: clip(d.Summary), Detail: clip(d.Detail)})
	}
	return out
}

// FromDiagnostics makes diagnostics of their messages.
func FromDiagnostics(list []*pb.Diagnostic) []schema.Diagnostic {
	var out []schema.Diagnostic
	for _, d := range list {
		out = append(out, schema.Diagnostic{Path: d.GetPath(), Summary: d.GetSummary(), Detail: d.GetDetail()})
	}
	return out
}

// Capabilities: optional abilities that a configured provider tells of.
const (
	CapabilityCheck    = "storage.check"
	CapabilityDigest   = "storage.digest"
	CapabilityReadBack = "storage.read-back"
	CapabilityHold     = "storage.hold"
)
