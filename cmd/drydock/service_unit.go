package main

import (
	"cmp"
	_ "embed"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// agentUnit is the unit file of the service. It says in comments why it is as it is.
//
//go:embed drydock.service
var agentUnit string

func (a *app) agentUnitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "unit",
		Short: "print a hardened unit file for systemd",
		Long: `unit prints the unit file of the service, for this binary and for the agent file of --config (default
/etc/drydock/agent.hcl):

  drydock agent unit > /etc/systemd/system/drydock.service
  systemctl daemon-reload && systemctl enable --now drydock`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			config, err := filepath.Abs(cmp.Or(a.config, "/etc/drydock/agent.hcl"))
			if err != nil {
				return err
			}
			a.printf("%s", strings.NewReplacer("@BINARY@", unitWord(self), "@CONFIG@", unitWord(config)).Replace(agentUnit))
			return nil
		},
	}
}

// unitWord quotes a word of a unit file's command line.
func unitWord(s string) string {
	s = strings.NewReplacer("%", "%%", "$", "$$").Replace(s)
	if !strings.ContainsAny(s, " \t\"'\\") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
