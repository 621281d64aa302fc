package scaffold

// kind is what differs between the kinds besides their templates.
type kind struct {
	flags string // of drydock plugin test
	block string // of a job; %q is the provider's name
	files []described
}

func kinds() map[string]kind {
	const test = "the conformance test"
	return map[string]kind{
		"storage": {
			flags: " --set path={dir}",
			block: "target %q \"nas\" { path = \"/mnt/backups\" }",
			files: []described{
				{"main.go", "version, configuration and its checks"},
				{"store.go", "reading, listing, deleting; how errors get their kinds"},
				{"uploads.go", "how chunks arrive"},
				{"commit.go", "how an object becomes visible, whole or not at all"},
				{"provider_test.go", test},
			},
		},
		"compress": {
			block: "compress %q { level = \"fast\" }",
			files: []described{
				{"main.go", "version, configuration and its checks"},
				{"codec.go", "frames there and back"},
				{"provider_test.go", test},
			},
		},
		"notify": {
			flags: " --set url={address}/{secret} --set timeout=1s",
			block: "notify %q \"dba\" {\n  on  = [\"failure\", \"mysql-down\"]\n  url = credential(\"dba-hook\")\n}",
			files: []described{
				{"main.go", "version, configuration and its checks"},
				{"send.go", "one attempt to deliver an event, and what its outcome means"},
				{"provider_test.go", test},
			},
		},
	}
}

// sdkRequires are the modules that a provider built with the SDK and its conformance test needs. That the list is complete
// is proved by the test that builds such providers.
func sdkRequires(kind string) []string {
	requires := []string{
		"github.com/fatih/color",
		"github.com/golang/protobuf",
		"github.com/hashicorp/go-hclog",
		"github.com/hashicorp/go-plugin",
		"github.com/hashicorp/yamux",
		"github.com/mattn/go-colorable",
		"github.com/mattn/go-isatty",
		"github.com/oklog/run",
		"golang.org/x/net",
		"golang.org/x/sys",
		"golang.org/x/text",
		"google.golang.org/genproto/googleapis/rpc",
		"google.golang.org/grpc",
		"google.golang.org/protobuf",
	}
	if kind == "compress" {
		requires = append(requires, "github.com/klauspost/compress") // the suite's own decoders
	}
	return requires
}
