package main

import (
	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/plugins/compress/deflate"
	"github.com/drydock-backup/drydock/plugins/compress/store"
	"github.com/drydock-backup/drydock/plugins/compress/zstd"
	"github.com/drydock-backup/drydock/plugins/notify/webhook"
	"github.com/drydock-backup/drydock/plugins/storage/azure"
	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/plugins/storage/gcs"
	receiver "github.com/drydock-backup/drydock/plugins/storage/receiver/client"
	"github.com/drydock-backup/drydock/plugins/storage/s3"
	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// provider is one that is linked into the binary. It runs in a process of its own, started as
// `drydock plugin serve KIND NAME`.
type provider struct {
	plugin.Builtin
	serve func() // blocks until the host ends it
}

// providers is the list of what is linked in; a new provider is one more line.
func providers() []provider {
	return []provider{
		storageProvider(file.Provider()),
		storageProvider(s3.Provider()),
		storageProvider(azure.Provider()),
		storageProvider(gcs.Provider()),
		storageProvider(receiver.Provider()),
		compressProvider(zstd.Provider()),
		compressProvider(deflate.Provider()),
		compressProvider(store.Provider()),
		notifyProvider(webhook.Provider()),
	}
}

func storageProvider(p storage.Provider) provider {
	b := plugin.Builtin{Kind: "storage", Name: p.Name, Version: p.Version, Doc: p.Doc, Schema: p.Schema, Environment: p.Environment}
	return provider{b, func() { storage.Serve(p) }}
}

func compressProvider(p compress.Provider) provider {
	b := plugin.Builtin{Kind: "compress", Name: p.Name, Version: p.Version, Doc: p.Doc, Schema: p.Schema}
	return provider{b, func() { compress.Serve(p) }}
}

func notifyProvider(p notify.Provider) provider {
	b := plugin.Builtin{Kind: "notify", Name: p.Name, Version: p.Version, Doc: p.Doc, Schema: p.Schema}
	return provider{b, func() { notify.Serve(p) }}
}

// builtins is the list as the plugin host takes it.
func builtins() []plugin.Builtin {
	var all []plugin.Builtin
	for _, p := range providers() {
		all = append(all, p.Builtin)
	}
	return all
}

// serve is one provider until the host ends it.
func serve(kind, name string) error {
	for _, p := range providers() {
		if p.Kind == kind && p.Name == name {
			p.serve()
			return nil
		}
	}
	return usagef("no %s provider %q is built in", kind, name)
}
