package proto_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
)

// TestNothingReleasedHasChanged holds the protocol against the released one in baseline/: what a provider was built with
// must mean the same for ever. It is the offline half of generate.sh --breaking, which asks buf.
func TestNothingReleasedHasChanged(t *testing.T) {
	text, err := os.ReadFile("baseline/v1.txtpb")
	if err != nil {
		t.Fatal(err)
	}
	var released descriptorpb.FileDescriptorSet
	if err := prototext.Unmarshal(text, &released); err != nil {
		t.Fatal(err)
	}
	then := facts(released.GetFile())
	if len(then) < 100 {
		t.Fatalf("%d facts in the baseline", len(then))
	}
	now := facts(current())
	for what, fact := range then {
		if now[what] != fact {
			t.Errorf("%s was released as %q and is %q now", what, fact, now[what])
		}
	}
}

// TestChangesAreSeen changes what was released, one thing at a time.
func TestChangesAreSeen(t *testing.T) {
	tests := []struct {
		name   string
		change func(f *descriptorpb.FileDescriptorProto)
	}{
		{"field number", func(f *descriptorpb.FileDescriptorProto) { f.MessageType[0].Field[0].Number = proto.Int32(77) }},
		{"field name", func(f *descriptorpb.FileDescriptorProto) { f.MessageType[0].Field[0].Name = proto.String("x") }},
		{"field type", func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[0].Field[0].Type = descriptorpb.FieldDescriptorProto_TYPE_DOUBLE.Enum()
		}},
		{"message", func(f *descriptorpb.FileDescriptorProto) { f.MessageType = f.MessageType[1:] }},
		{"call", func(f *descriptorpb.FileDescriptorProto) { f.Service[0].Method = f.Service[0].Method[1:] }},
		{"stream", func(f *descriptorpb.FileDescriptorProto) { f.Service[0].Method[3].ServerStreaming = nil }},
		{"enum value", func(f *descriptorpb.FileDescriptorProto) { f.EnumType[0].Value[3].Number = proto.Int32(33) }},
	}
	then := facts(current())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := current()
			tt.change(files[0])
			now := facts(files)
			changed := 0
			for what, fact := range then {
				if now[what] != fact {
					changed++
				}
			}
			if changed == 0 {
				t.Error("no difference was seen")
			}
		})
	}
}

// current returns the protocol as it is; provider.proto comes first.
func current() []*descriptorpb.FileDescriptorProto {
	var files []*descriptorpb.FileDescriptorProto
	for _, f := range []protoreflect.FileDescriptor{
		pb.File_drydock_plugin_v1_provider_proto, pb.File_drydock_plugin_v1_storage_proto,
		pb.File_drydock_plugin_v1_compress_proto, pb.File_drydock_plugin_v1_notify_proto,
	} {
		files = append(files, protodesc.ToFileDescriptorProto(f))
	}
	return files
}

// facts says of every field, value and call what both sides of the wire rely on.
func facts(files []*descriptorpb.FileDescriptorProto) map[string]string {
	all := map[string]string{}
	for _, f := range files {
		for _, m := range f.GetMessageType() {
			message(all, f.GetPackage()+"."+m.GetName(), m)
		}
		for _, e := range f.GetEnumType() {
			for _, v := range e.GetValue() {
				all[fmt.Sprintf("value %d of %s", v.GetNumber(), e.GetName())] = v.GetName()
			}
		}
		for _, s := range f.GetService() {
			for _, m := range s.GetMethod() {
				all[fmt.Sprintf("call %s.%s", s.GetName(), m.GetName())] = fmt.Sprintf("%s to %s, streams %v %v",
					m.GetInputType(), m.GetOutputType(), m.GetClientStreaming(), m.GetServerStreaming())
			}
		}
	}
	return all
}

func message(all map[string]string, name string, m *descriptorpb.DescriptorProto) {
	all["message "+name] = "there"
	for _, f := range m.GetField() {
		all[fmt.Sprintf("field %d of %s", f.GetNumber(), name)] = strings.Join([]string{
			f.GetName(), f.GetLabel().String(), f.GetType().String(), f.GetTypeName(), f.GetJsonName()}, " ")
	}
	for _, nested := range m.GetNestedType() {
		message(all, name+"."+nested.GetName(), nested)
	}
}
