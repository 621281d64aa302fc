package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/config"
)

func unitCommand() *cobra.Command {
	var name, user string
	var socket bool
	cmd := &cobra.Command{
		Use:   "unit",
		Short: "print a hardened systemd unit for this receiver, or the socket unit that goes with it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := config.Load(name)
			if err != nil {
				return err
			}
			if socket {
				fmt.Fprint(cmd.OutOrStdout(), socketUnit(f.Listen))
				return nil
			}
			self, err := os.Executable()
			if err == nil {
				fmt.Fprint(cmd.OutOrStdout(), serviceUnit(self, name, user, f))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&name, "config", defaultConfig, "configuration")
	cmd.Flags().StringVar(&user, "user", "drydock-receiver", "user that the service runs as; root and keys must belong to it")
	cmd.Flags().BoolVar(&socket, "socket", false, "print the socket unit: systemd listens, and restarts lose no connection")
	return cmd
}

func serviceUnit(self, name, user string, f *config.File) string {
	return `[Unit]
Description=drydock receiver
After=network-online.target local-fs.target
Wants=network-online.target
RequiresMountsFor=` + f.Root + `

[Service]
Type=notify
NotifyAccess=main
ExecStart=` + self + ` serve --config ` + name + `
ExecReload=/bin/kill -HUP $MAINPID
User=` + user + `
Restart=on-failure
RestartSec=2
TimeoutStopSec=` + fmt.Sprint(int(f.DrainTimeout.Seconds())+30) + `
LimitNOFILE=65536
UMask=0077
ReadWritePaths=` + f.Root + `
LogsDirectory=drydock-receiver
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
CapabilityBoundingSet=

[Install]
WantedBy=multi-user.target
`
}

func socketUnit(addresses []string) string {
	var listen strings.Builder
	for _, a := range addresses {
		listen.WriteString("ListenStream=" + a + "\n")
	}
	return `[Unit]
Description=drydock receiver

[Socket]
` + listen.String() + `BindIPv6Only=ipv6-only

[Install]
WantedBy=sockets.target
`
}
