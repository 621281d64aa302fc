package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/hcl"
)

func (a *app) fmtCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt [--check] PATH...",
		Short: "lay job files out in the canonical way",
		Long: `fmt rewrites job files in the canonical layout and prints the names of those that it changed. A directory stands
for its *.hcl files. With --check nothing is written, and the exit code is 1 when a file would change.`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.format(args, check)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only say which files would change")
	return cmd
}

func (a *app) format(paths []string, check bool) error {
	files, err := jobFiles(paths)
	if err != nil {
		return &usageError{err}
	}
	changed := 0
	for _, file := range files {
		did, err := a.formatFile(file, check)
		if err != nil {
			return err
		}
		if did {
			changed++
			a.printf("%s\n", file)
		}
	}
	if check && changed > 0 {
		return &silentError{exitFailed}
	}
	return nil
}

func (a *app) formatFile(file string, check bool) (changed bool, err error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return false, &usageError{err}
	}
	out, diags := hcl.Format(src, file)
	if diags.HasErrors() {
		return false, a.diagnosed(diags)
	}
	if string(out) == string(src) {
		return false, nil
	}
	if check {
		return true, nil
	}
	return true, replaceFile(file, out)
}

// replaceFile writes a file under a temporary name and renames it, with the mode that it had.
func replaceFile(path string, data []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".drydock-fmt-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// jobFiles replaces directories by their *.hcl files.
func jobFiles(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, p)
			continue
		}
		found, err := filepath.Glob(filepath.Join(p, "*.hcl"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: %w: no *.hcl file in it", p, fs.ErrNotExist)
		}
		files = append(files, found...)
	}
	return files, nil
}
