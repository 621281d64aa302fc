package hcl

// agentLanguage is the language of the agent file. Names of unsupported parts are in unsupported.go.
func agentLanguage() language {
	return language{noun: "agent file", example: `agent { data_dir = "/var/lib/drydock" }`, root: &blockSpec{
		name: "agent file",
		blocks: []childSpec{
			{blockSpec: agentSpec()}, {blockSpec: logSpec()}, {blockSpec: queueSpec()}, {blockSpec: pluginSpec(), many: true},
		},
	}}
}

func agentSpec() *blockSpec {
	return &blockSpec{
		name: "agent", example: "agent { ... }",
		attrs: []attrSpec{
			{name: "data_dir", example: `data_dir = "/var/lib/drydock"`},
			{name: "spool_dir", example: `spool_dir = "/var/spool/drydock"`},
			{name: "plugin_dir", example: `plugin_dir = "/usr/lib/drydock/plugins"`},
			{name: "jobs_dir", example: `jobs_dir = "/etc/drydock/jobs.d"`},
		},
	}
}

func queueSpec() *blockSpec {
	return &blockSpec{
		name: "queue", example: "queue { ... }",
		attrs: []attrSpec{
			{name: "max_bytes", example: `max_bytes = "500GiB"`},
			{name: "retry_min", example: `retry_min = "1m"`},
			{name: "retry_max", example: `retry_max = "1h"`},
			{name: "patience", example: `patience = "2m"`},
		},
	}
}

func logSpec() *blockSpec {
	return &blockSpec{
		name: "log", example: "log { ... }",
		attrs: []attrSpec{{name: "level", example: `level = "info"`}, {name: "format", example: `format = "json"`}},
	}
}

func pluginSpec() *blockSpec {
	return &blockSpec{
		name: "plugin", labels: []string{"kind", "name"}, example: `plugin "storage" "sftp" { version = "~> 1.2" }`,
		attrs: []attrSpec{{name: "version", required: true, example: `version = "~> 1.2"`, doc: "the versions that may be used"}},
	}
}

// lockLanguage is the language of the lock file.
func lockLanguage() language {
	entry := pluginSpec()
	entry.attrs = []attrSpec{
		{name: "version", required: true, example: `version = "1.2.3"`},
		{name: "sha256", required: true, example: `sha256 = "..."`},
		{name: "constraint", example: `constraint = "~> 1.2"`},
	}
	return language{noun: "lock file", example: entry.example, root: &blockSpec{
		name: "lock file", blocks: []childSpec{{blockSpec: entry, many: true}},
	}}
}
