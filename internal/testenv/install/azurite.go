package install

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Azurite is Microsoft's own stand-in for Azure Blob Storage.
const Azurite = "azurite"

const azuriteVersion = "3.37.0"

// AzuriteMain is the script that node runs, in the cache.
func AzuriteMain(cache string) string {
	return filepath.Join(cache, "azurite-"+azuriteVersion, "node_modules", "azurite", "dist", "src", "blob", "main.js")
}

func azuriteTools() []tool { return []tool{{"node", "nodejs"}, {"npm", "npm"}} }

// installAzurite installs the npm package into a directory of its own, which gets its name when it is whole.
func installAzurite(ctx context.Context, cache string, log io.Writer) error {
	if err := aptInstall(ctx, log, azuriteTools()); err != nil {
		return err
	}
	if present(AzuriteMain(cache)) {
		return nil
	}
	say(log, "installing Azurite %s with npm (about a minute)", azuriteVersion)
	dir := filepath.Join(cache, "azurite-"+azuriteVersion)
	fresh := dir + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(dir), os.Mkdir(fresh, 0o755)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(fresh, "package.json"), []byte(`{"private": true}`), 0o644); err != nil {
		return err
	}
	_, err := run(ctx, fresh, nil, "npm", "install", "--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts",
		"--omit=optional", "azurite@"+azuriteVersion)
	if err != nil {
		return err
	}
	return os.Rename(fresh, dir)
}
