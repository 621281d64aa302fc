package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
)

// TestReferenceIsFresh: docs/plugins/protocol.md is what the .proto files say now. It needs no network.
func TestReferenceIsFresh(t *testing.T) {
	want, err := render(t.Context(), "..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../../docs/plugins/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("docs/plugins/protocol.md is stale: run make generate (-want +got):\n%s", d)
	}
}

// TestReferenceIsWhole: every service, call, message and field of the protocol is in the reference.
func TestReferenceIsWhole(t *testing.T) {
	text, err := render(t.Context(), "..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []protoreflect.FileDescriptor{
		pb.File_drydock_plugin_v1_provider_proto, pb.File_drydock_plugin_v1_storage_proto,
		pb.File_drydock_plugin_v1_compress_proto, pb.File_drydock_plugin_v1_notify_proto,
	} {
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			wants(t, text, "## Service "+string(s.Name()))
			for j := range s.Methods().Len() {
				wants(t, text, "\n| `"+string(s.Methods().Get(j).Name())+"` | [")
			}
		}
		for i := range f.Messages().Len() {
			m := f.Messages().Get(i)
			wants(t, text, "### "+string(m.Name())+"\n")
			for j := range m.Fields().Len() {
				wants(t, text, "\n| `"+string(m.Fields().Get(j).Name())+"` | ")
			}
		}
	}
	if strings.Contains(text, " |  |\n") {
		t.Error("something in the reference has no meaning: a declaration without a comment")
	}
}

func wants(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("the reference lacks %q", part)
	}
}
