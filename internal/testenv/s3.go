package testenv

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// S3 is one private server that speaks the S3 protocol.
type S3 struct {
	Product   string // install.VersityGW or install.MinIO
	Addr      string // host and port
	Endpoint  string // http://127.0.0.1:port
	CAFile    string // vouches for a server that speaks HTTPS; else empty
	Region    string
	AccessKey string // of the owner, who may do everything
	SecretKey string
	Dir       string // holds everything below; objects are in Dir/data

	log string
}

// VersityGW starts Versity's gateway on an empty directory.
func VersityGW(t testing.TB) *S3 {
	t.Helper()
	s := newS3(t, install.VersityGW)
	s.start(t, "/healthz", []string{"ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey},
		"--port", s.Addr, "--region", s.Region, "--quiet", "--health", "/healthz", "--iam-dir", s.sub(t, "iam"),
		"posix", "--versioning-dir", s.sub(t, "versions"), s.sub(t, "data"))
	return s
}

// MinIO starts a MinIO server on an empty directory.
func MinIO(t testing.TB) *S3 {
	t.Helper()
	return MinIOWith(t, false)
}

// MinIOWith starts a MinIO with more settings, as NAME=VALUE of its environment. With secure it speaks HTTPS, with a certificate
// that its CAFile vouches for.
func MinIOWith(t testing.TB, secure bool, settings ...string) *S3 {
	t.Helper()
	s := newS3(t, install.MinIO)
	certs := s.sub(t, "certs")
	if secure {
		s.Endpoint = "https://" + s.Addr
		s.CAFile, _ = Certificate(t, certs, "public.crt", "private.key")
	}
	env := []string{"MINIO_ROOT_USER=" + s.AccessKey, "MINIO_ROOT_PASSWORD=" + s.SecretKey, "MINIO_UPDATE=off", "MINIO_BROWSER=off",
		"HOME=" + s.sub(t, "home"), "MINIO_REGION=" + s.Region}
	s.start(t, "/minio/health/ready", append(env, settings...),
		"server", "--quiet", "--address", s.Addr, "--certs-dir", certs, s.sub(t, "data"))
	Eventually(t, patience, "MinIO's token service is ready", func() bool { // a while after the rest
		_, err := s.assume(context.WithoutCancel(t.Context()), nil)
		return err == nil
	})
	return s
}

// Behind returns the server as clients see it at another address, such as that of a Front or a Proxy before it.
func (s *S3) Behind(addr string) *S3 {
	other := *s
	other.Addr, other.Endpoint = addr, "http://"+addr
	return &other
}

// EachS3 runs f as a subtest for each product; start gives a fresh server of that product.
func EachS3(t *testing.T, f func(t *testing.T, start func(testing.TB) *S3)) {
	t.Helper()
	t.Run(install.VersityGW, func(t *testing.T) { f(t, VersityGW) })
	t.Run(install.MinIO, func(t *testing.T) { f(t, MinIO) })
}

func newS3(t testing.TB, product string) *S3 {
	t.Helper()
	dir := Dir(t)
	addr := "127.0.0.1:" + strconv.Itoa(freePort(t))
	return &S3{
		Product: product, Addr: addr, Endpoint: "http://" + addr, Region: "us-east-1",
		AccessKey: "owner-of-the-test", SecretKey: "secret-of-the-test", Dir: dir, log: filepath.Join(dir, "log"),
	}
}

// sub makes a directory of the server.
func (s *S3) sub(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(s.Dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// start starts the server and waits until it says that it is ready. It dies with the test: its directory is on its command
// line, where the reaper of the directory looks.
func (s *S3) start(t testing.TB, health string, env []string, args ...string) {
	t.Helper()
	program, err := install.Built(s.Product)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	cmd.Dir, cmd.Env = s.Dir, append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	detach(cmd)
	out, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", s.Product, err)
	}
	_ = out.Close() // the server has its own descriptor
	ended := make(chan struct{})
	go func() { // reaps the server; ends with it, which the reaper of its directory sees to
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s: last lines of its log:\n%s", s.Product, s.logTail())
		}
	})
	for deadline := time.Now().Add(patience); !s.healthy(health); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatalf("start %s: it ended by itself\n%s", s.Product, s.logTail())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("start %s: not ready within %s\n%s", s.Product, patience, s.logTail())
		}
	}
}

func (s *S3) healthy(path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+path, nil)
	if err != nil {
		return false
	}
	way := loopback()
	defer way.CloseIdleConnections()
	answer, err := (&http.Client{Transport: way}).Do(r)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (s *S3) logTail() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// Client is the vendor's own client, with the owner's rights.
func (s *S3) Client() *s3.Client {
	o := s3.Options{
		BaseEndpoint: aws.String(s.Endpoint), UsePathStyle: true, Region: s.Region,
		Credentials: credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	}
	if s.CAFile != "" {
		o.HTTPClient = &http.Client{Transport: loopback()}
	}
	return s3.New(o)
}

// RoleKeys returns temporary keys that may do what a policy says, from MinIO's own token service.
func (s *S3) RoleKeys(t testing.TB, policy string) RoleKeys {
	t.Helper()
	c, err := s.assume(context.WithoutCancel(t.Context()), &policy)
	if err != nil {
		t.Fatalf("make keys at %s: %v", s.Product, err)
	}
	return RoleKeys{AccessKey: *c.AccessKeyId, SecretKey: *c.SecretAccessKey, SessionToken: *c.SessionToken, Expires: *c.Expiration}
}

func (s *S3) assume(ctx context.Context, policy *string) (*types.Credentials, error) {
	from := s.Client().Options()
	client := sts.New(sts.Options{BaseEndpoint: &s.Endpoint, Region: s.Region,
		Credentials: from.Credentials, HTTPClient: from.HTTPClient})
	out, err := client.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::111122223333:role/drydock"), RoleSessionName: aws.String("test"), Policy: policy,
	})
	if err != nil {
		return nil, err
	}
	return out.Credentials, nil
}

// Bucket makes an empty bucket with a name of its own, with Object Lock (and so with versions) if asked for.
func (s *S3) Bucket(t testing.TB, lock bool) string {
	t.Helper()
	name := "bucket-" + strings.ToLower(rand.Text()[:12])
	_, err := s.Client().CreateBucket(context.WithoutCancel(t.Context()),
		&s3.CreateBucketInput{Bucket: &name, ObjectLockEnabledForBucket: aws.Bool(lock)})
	if err != nil {
		t.Fatalf("make a bucket at %s: %v", s.Product, err)
	}
	return name
}

// Target is the target block of a job for a bucket, with more attributes as text.
func (s *S3) Target(label, bucket, more string) string {
	return fmt.Sprintf(`target "s3" %q {
    endpoint   = %q
    path_style = true
    bucket     = %q
    access_key = %q
    secret_key = %q
    %s
  }`, label, s.Endpoint, bucket, s.AccessKey, s.SecretKey, more)
}
