package fault

// Boundary is something that the agent does between two fault points.
type Boundary struct {
	Name string
	Doc  string
}

// Points returns the names of the two points of a boundary.
func (b Boundary) Points() [2]string { return [2]string{b.Name + before, b.Name + after} }

const (
	before = ".before"
	after  = ".after"
)

// Modes returns what can happen at a point.
//
//	kill      the agent gets SIGKILL
//	kill-all  so do its providers, just before it
//	term      the agent gets SIGTERM, and goes on
//	error     the boundary fails: without being crossed (before), or although it was (after)
//	hang      nothing happens for 30 seconds
func Modes() []string { return []string{"kill", "kill-all", "term", "error", "hang"} }

// Boundaries returns all boundaries. The matrix of the tests enumerates them, and a test compares them with the calls.
func Boundaries() []Boundary {
	list := []Boundary{
		{"known.rename", "the file that remembers where the job came from gets its name"},
		{"state.link", "a job's new state file gets its name"},
		{"state.sync", "the directories of a new state file are fsynced"},
		{"state.holder", "the name of the lock's holder is written beside the state file"},
		{"lock.state", "the job's lock is taken"},
		{"lock.datadir", "the data directory's lock is taken"},

		{"plugin.start", "the process of a provider is started"},
		{"plugin.configure", "a provider gets its configuration"},
		{"plugin.frames", "a compressor opens its frames"},
		{"plugin.slot", "a frame is asked for"},
		{"plugin.notify", "a notifier sends an event"},
		{"plugin.close", "all providers are ended"},
		{"storage.check", "a target is asked whether it can take the artifact"},
		{"storage.begin", "an upload begins"},
		{"storage.put", "a target takes a chunk"},
		{"storage.chunks", "a target lists the chunks of an upload"},
		{"storage.commit", "an upload becomes an object"},
		{"storage.abort", "an upload is dropped"},
		{"storage.read", "an object is read"},
		{"storage.stat", "an object is looked at"},

		{"record.run", "transaction: the run is known"},
		{"record.intent", "transaction: what was running, and how to start it"},
		{"guardian.rescue", "the guardian brings the server up"},
		{"guardian.arm", "the process that would bring the server up is started"},
		{"record.disarm", "transaction: the server is up again"},
		{"record.artifact", "transaction: the artifact is whole"},
		{"record.upload", "transaction: the token of an upload"},
		{"record.arrived", "transaction: chunks that a target has confirmed"},
		{"record.stored", "transaction: a target holds the backup"},
		{"record.end", "transaction: how the run ended"},
		{"record.revived", "transaction: the server of a dead run is up again"},
		{"record.settled", "transaction: what became of a dead run"},

		{"spool.create", "the spool of a run is made"},
		{"spool.rename", "a complete chunk gets its name"},
		{"spool.sync", "the file of a chunk is fsynced"},
		{"spool.sync-dir", "the spool's directories are fsynced"},
		{"spool.remove", "a chunk that every target holds is removed"},
		{"spool.destroy", "the spool is removed"},

		{"mysql.facts", "the server tells about itself"},
		{"mysql.shutdown", "the server is asked to stop, over SQL"},
		{"mysql.free", "the stopped server leaves its data directory"},
		{"service.start", "the start command is launched"},
		{"service.stop", "the stop command is launched"},
		{"instance.answers", "the server is asked for an answer"},
		{"mysql.apply", "what a restart loses is put back"},
		{"archive.scan", "the data directory is looked through"},
		{"archive.write", "the data directory is archived"},
		{"manifest.put", "the manifest is stored at a target: from now on it is a backup"},
	}
	for _, step := range []string{
		"preflight", "stop", "capture", "ship", "restart", "confirm", "deliver", "commit", "clean", "resume",
	} {
		list = append(list,
			Boundary{"step." + step + ".begun", "checkpoint: step " + step + " begins"},
			Boundary{"step." + step + ".done", "checkpoint: step " + step + " is done"})
	}
	return list
}
