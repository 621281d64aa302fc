package testenv

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// smallUpload is up to which size the checksum of an upload is compared before it is passed on, in bytes.
const smallUpload = 1 << 20

// strict passes requests on to a fake-gcs-server and enforces what the real service does and this one ignores:
//
//   - ifGenerationMatch=0 of a compose: 412 when the target exists;
//   - the crc32c that a small upload declares: 400 when the bytes have another one;
//   - the retention of an object: 403 when it is deleted before its time.
//
// It keeps nothing itself: what exists, and until when it is held, it asks the server.
type strict struct {
	behind string
	pass   http.Handler
	client *http.Client
	mu     sync.Mutex // one compose or delete at a time, so that question and deed belong together
}

// serveStrictly starts the handler in front of a server, and returns its address.
func serveStrictly(t testing.TB, behind string) string {
	t.Helper()
	u, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host },
		Transport:    loopback(),
		ErrorHandler: broken,
	}
	server := httptest.NewServer(&strict{behind: behind, pass: proxy, client: &http.Client{Transport: loopback()}})
	t.Cleanup(server.Close)
	return server.URL
}

// broken is the answer when the server behind cannot be reached: a connection that ends, as the network would do it.
func broken(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }

// ServeHTTP passes a request on, or refuses it.
func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	object := strings.HasPrefix(r.URL.Path, "/storage/v1/b/") && strings.Contains(r.URL.Path, "/o/")
	switch {
	case object && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/compose") && query.Get("ifGenerationMatch") == "0":
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, there := s.look(r, strings.TrimSuffix(r.URL.EscapedPath(), "/compose")); there {
			refuse(w, http.StatusPreconditionFailed, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
			return
		}
	case object && r.Method == http.MethodDelete:
		s.mu.Lock()
		defer s.mu.Unlock()
		if o, there := s.look(r, r.URL.EscapedPath()); there && time.Now().Before(o.Retention.RetainUntilTime) {
			refuse(w, http.StatusForbidden, "retentionPolicyNotMet", "Object is subject to a retention policy.")
			return
		}
	case query.Get("uploadType") == "multipart":
		if err := checkSum(r); err != nil {
			refuse(w, http.StatusBadRequest, "invalid", err.Error())
			return
		}
	}
	s.pass.ServeHTTP(w, r)
}

// known is what the server says of an object.
type known struct {
	Retention struct {
		RetainUntilTime time.Time `json:"retainUntilTime"`
	} `json:"retention"`
}

// look asks the server for an object.
func (s *strict) look(r *http.Request, path string) (o known, there bool) {
	question, err := http.NewRequestWithContext(r.Context(), http.MethodGet, s.behind+path, nil)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	answer, err := s.client.Do(question)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return o, false
	}
	if err := json.NewDecoder(answer.Body).Decode(&o); err != nil {
		panic(http.ErrAbortHandler)
	}
	return o, true
}

// refuse answers as the service's JSON interface does.
func refuse(w http.ResponseWriter, status int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": status, "message": message, "errors": []any{map[string]string{"reason": reason, "message": message}},
	}})
}

// checkSum compares the checksum that a small multipart upload declares, and puts the body back.
func checkSum(r *http.Request) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, smallUpload+1))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text), r.Body))
	if len(text) > smallUpload {
		return nil
	}
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	parts := multipart.NewReader(bytes.NewReader(text), parameters["boundary"])
	declared, err := parts.NextPart()
	if err != nil {
		return err
	}
	var object struct {
		Crc32c string `json:"crc32c"`
	}
	if err := json.NewDecoder(declared).Decode(&object); err != nil || object.Crc32c == "" {
		return err
	}
	media, err := parts.NextRawPart()
	if err != nil {
		return err
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, media); err != nil {
		return err
	}
	if got := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum.Sum32())); got != object.Crc32c {
		return fmt.Errorf("provided CRC32C %q doesn't match calculated CRC32C %q", object.Crc32c, got)
	}
	return nil
}
