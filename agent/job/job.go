package job

import "time"

// Job is one job block: one MySQL or MariaDB instance and where its backups go.
type Job struct {
	Name     string // unique among all loaded jobs
	File     string // path of the job file that the job was read from
	MySQL    MySQL
	Artifact Artifact
	Compress Provider // Label is empty
	Encrypt  *Encrypt // nil: backups are not encrypted
	Restart  Restart
	Targets  []Provider // at least one; labels are unique within the job
	Notify   []Notify
	Verify   Verify
}

// Verify says how a backup is proven by a drill: a restore with a real server. The zero value of a field is its default.
type Verify struct {
	// Drill is how old the last proof may get before a run ends with a drill of its backup; 0: runs make none.
	Drill   time.Duration
	Server  string        // absolute path of the server's program; "": one that fits is looked for
	Scratch string        // absolute path of a directory with room for the data; "": in the agent's own
	Timeout time.Duration // of a drill, from the first byte that is fetched to the end of its server
	Queries []Query
	Keyring []string // absolute paths of copies of the server's keyring files; none: those in the backup
}

// DrillAlways has every run make a drill.
const DrillAlways time.Duration = 1

// Query is a statement that is run on the restored server, and the one value that it has to give.
type Query struct {
	Name   string
	SQL    string
	Expect string // as text; "NULL" for NULL
}

// MySQL says how to reach, stop and start the server.
type MySQL struct {
	Host     string // host name or IP address; empty when Socket is set
	Port     int    // TCP port; 0 when Socket is set
	Socket   string // path of the Unix socket; empty when Host is set
	User     string
	Password Secret
	DataDir  string // absolute path of the data directory

	StopTimeout  time.Duration // how long a clean shutdown may take
	StartTimeout time.Duration // how long until the server answers a query after its start

	// MaxDowntime is the budget of a run: past it the server gets its data directory back first. 0 is none.
	MaxDowntime time.Duration

	// AllowPrimary permits the backup of a writable server that replicas are attached to.
	AllowPrimary bool

	Service Service
}

// Service kinds that a job can name.
const (
	ServiceExec    = "exec"
	ServiceSystemd = "systemd"
)

// Service says how the host starts and stops the server. Kind decides which fields count.
type Service struct {
	Kind  string   // ServiceExec or ServiceSystemd
	Start []string // exec: argument vector that starts the server; at least one element
	Stop  []string // exec: argument vector that stops it; empty means SQL SHUTDOWN
	Unit  string   // systemd: unit name, with its suffix
}

// Artifact says how Data.zip is named and cut.
type Artifact struct {
	// Name gives the artifact's key at every target: a relative, slash-separated path. It is evaluated once per run,
	// when the server has told its facts.
	Name func(Vars) (string, error)

	ChunkSize      int64    // bytes; every chunk but the last has this length
	Exclude        []string // doublestar patterns against slash-separated paths relative to the data directory
	IncludeKeyring bool     // archive the keyring files of encryption at rest too
	SkipPages      bool     // do not check InnoDB's pages
}

// Encrypt says who can open the job's backups: whoever knows the passphrase, and the owner of any recipient's key. At least
// one of the two is set.
type Encrypt struct {
	Passphrase Secret
	Recipients []string // public keys: age1..., ssh-ed25519 ..., ssh-rsa ...
}

// Vars are the values that an artifact name may refer to (job.name is known to the decoder already).
type Vars struct {
	RunID         string
	RunStarted    time.Time // UTC
	RunType       string    // "full"
	MySQLHostname string
	MySQLVersion  string
	MySQLServerID uint32
}

// Restart is the moment of a run at which MySQL is started again.
type Restart string

// The restart moments of the job language.
const (
	RestartAfterShip    Restart = "after-ship"
	RestartAfterCapture Restart = "after-capture"
)

// Provider names a plugin and carries its configuration.
type Provider struct {
	Type   string // provider name: "s3", "zstd", "webhook"
	Label  string // the name that the job gives it: "offsite"
	Config Config
}

// Notify is one notify block.
type Notify struct {
	Provider
	On []string // event names (see Events func); never empty
}

// Events lists the events that a notify block can ask for.
func Events() []string { return []string{"success", "failure", "mysql-down", "recovered", "missed"} }
