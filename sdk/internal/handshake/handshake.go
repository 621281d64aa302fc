// Package handshake holds what the two sides of the plugin boundary must agree on before the first call.
package handshake

import goplugin "github.com/hashicorp/go-plugin"

// LifelineEnv names the environment variable that holds the number of an inherited descriptor: the read end of a pipe
// whose write end only the agent has. End of file on it means that the agent is gone. It backs up the Lifeline call,
// which is the contract; a provider may ignore it.
const LifelineEnv = "DRYDOCK_PLUGIN_LIFELINE_FD"

// MaxMessage is the largest gRPC message in bytes. It is sized for a frame that travels inside a message because shared
// memory could not be had.
const MaxMessage = 20 << 20

// Window is the flow control window of a call and of the connection in bytes. That it is fixed keeps gRPC from measuring
// the path with pings around every call.
const Window = 1 << 20

// PluginName is the one entry of the plugin set.
const PluginName = "provider"

// Config is go-plugin's handshake. The cookie is no secret: it tells a provider that it was not started by hand.
func Config() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{
		ProtocolVersion:  1,
		MagicCookieKey:   "DRYDOCK_PLUGIN",
		MagicCookieValue: "b5b0f4d5-2b4f-4d52-8f0c-5d9b1f6f7a11",
	}
}
