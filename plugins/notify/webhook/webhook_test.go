package webhook_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/plugins/notify/webhook"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/notifytest"
	"github.com/drydock-backup/drydock/sdk/schema"
)

func TestMain(m *testing.M) { conformance.Main(m, func() { notify.Serve(webhook.Provider()) }) }

// The secrets of the configuration under test: in the address, the signature key, a header.
const (
	pathToken = "T0KEN-IN-PATH"
	userToken = "T0KEN-IN-USERINFO"
	signKey   = "S1GNING-KEY"
	bearer    = "B34RER"
)

func config(address string) map[string]any {
	return map[string]any{
		"url":    strings.Replace(address, "http://", "http://me:"+userToken+"@", 1) + "/hook/" + pathToken + "?key=" + pathToken,
		"secret": signKey, "headers": map[string]string{"Authorization2": bearer}, "timeout": "1s",
	}
}

func receiver(t notifytest.T) notifytest.Receiver { return notifytest.NewHTTP(t, "Webhook-Id") }

func secrets() []string { return []string{pathToken, userToken, signKey, bearer} }

// openWith opens the provider as the SDK does, from JSON.
func openWith(t notifytest.T, config map[string]any) notify.Notifier {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	n, diags, err := webhook.Provider().Open(t.Context(), text)
	if err != nil || len(diags) > 0 {
		t.Fatalf("open: %v %v", diags, err)
	}
	return n
}

func TestConformance(t *testing.T) {
	notifytest.Run(t, notifytest.Subject{Receiver: receiver, Secrets: secrets(),
		Open: func(t notifytest.T, r notifytest.Receiver) notify.Notifier { return openWith(t, config(r.Address())) }})
}

func TestConformanceSpawned(t *testing.T) {
	self := func(t notifytest.T) conformance.Binary { return conformance.Self(t, "notify", "webhook") }
	notifytest.Run(t, notifytest.Subject{Receiver: receiver, Secrets: secrets(), Open: notifytest.Spawned(self, config),
		Process: notifytest.Process(self, receiver, config)})
}

func event() notify.Event {
	return notify.Event{ID: "evt-1", Type: "failure", Severity: notify.Critical, Time: time.Unix(1_700_000_000, 0).UTC(),
		Host: "db1", Job: "orders", Run: "run-1", Summary: "one line", Fields: map[string]string{"k": "v"}}
}

func TestRequest(t *testing.T) {
	r := notifytest.NewHTTP(t, "Webhook-Id")
	// The example of the Standard Webhooks libraries' own tests: this key, id, time and body.
	n, err := webhook.New(webhook.Config{URL: schema.Secret(r.Address() + "/a?b=c"), Timeout: time.Second,
		Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Headers: map[string]schema.Secret{"x-team": "dba"}},
		func() time.Time { return time.Unix(1614265330, 0) })
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Send(t.Context(), event()); err != nil {
		t.Fatal(err)
	}
	req := r.Requests()[0]
	got := map[string]string{"method": req.Method, "uri": req.RequestURI}
	for _, h := range []string{"Content-Type", "Webhook-Id", "Webhook-Timestamp", "Idempotency-Key", "X-Team", "User-Agent"} {
		got[h] = req.Header.Get(h)
	}
	want := map[string]string{"method": "POST", "uri": "/a?b=c", "Content-Type": "application/json", "Webhook-Id": "evt-1",
		"Webhook-Timestamp": "1614265330", "Idempotency-Key": "evt-1", "X-Team": "dba", "User-Agent": "drydock-webhook/1.0.0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	var body notify.Event
	if err := json.Unmarshal([]byte(r.Deliveries()[0].Text), &body); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(event(), body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	sig := webhook.Sign(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "evt-1", "1614265330", r.Deliveries()[0].Text)
	if got := req.Header.Get("Webhook-Signature"); got != sig {
		t.Errorf("signature %q, want %q", got, sig)
	}
}

func TestSignatureOfTheStandard(t *testing.T) {
	got := webhook.Sign(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
		`{"test": 2432232314}`)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %q, want %q", got, want)
	}
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		status int
		header string
		kind   errs.Kind
		after  time.Duration
	}{
		{200, "", "", 0}, {201, "", "", 0}, {204, "", "", 0},
		{301, "", errs.Permanent, 0}, {304, "", errs.Permanent, 0},
		{400, "", errs.Permanent, 0}, {401, "", errs.Permission, 0}, {403, "", errs.Permission, 0},
		{404, "", errs.Permanent, 0}, {408, "", errs.Transient, 0}, {410, "", errs.Permanent, 0}, {425, "", errs.Transient, 0},
		{429, "", errs.Throttled, 0}, {429, "30", errs.Throttled, 30 * time.Second}, {429, "soon", errs.Throttled, 0},
		{429, "-5", errs.Throttled, 0}, {429, "99999999999", errs.Throttled, 24 * time.Hour},
		{429, "Sun, 06 Nov 1994 08:49:37 GMT", errs.Throttled, 0},
		{500, "", errs.Transient, 0}, {502, "", errs.Transient, 0}, {503, "", errs.Transient, 0},
		{503, "12", errs.Throttled, 12 * time.Second}, {504, "12", errs.Transient, 0},
	}
	for _, tt := range tests {
		t.Run(http.StatusText(tt.status)+" "+tt.header, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", tt.header)
				w.WriteHeader(tt.status)
			}))
			defer s.Close()
			err := openWith(t, map[string]any{"url": s.URL}).Send(t.Context(), event())
			if tt.kind == "" {
				if err != nil {
					t.Errorf("error %v, want none", err)
				}
				return
			}
			after, _ := errs.Retryable(err)
			if !errs.Is(err, tt.kind) || after != tt.after {
				t.Errorf("error %v of kind %q after %s; want %q after %s", err, errs.KindOf(err), after, tt.kind, tt.after)
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	other := notifytest.NewHTTP(t, "Webhook-Id")
	mux := http.NewServeMux()
	var arrived []string
	to := func(path, target string, status int) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target, status)
		})
	}
	to("/same-307", "/end", http.StatusTemporaryRedirect)
	to("/same-308", "/end", http.StatusPermanentRedirect)
	to("/same-302", "/end", http.StatusFound)
	to("/other-307", other.Address()+"/end", http.StatusTemporaryRedirect)
	to("/loop", "/loop", http.StatusTemporaryRedirect)
	mux.HandleFunc("/end", func(_ http.ResponseWriter, r *http.Request) { arrived = append(arrived, r.Method) })
	s := httptest.NewServer(mux)
	defer s.Close()
	for path, follows := range map[string]bool{"/same-307": true, "/same-308": true, "/same-302": false, "/other-307": false,
		"/loop": false} {
		arrived = nil
		err := openWith(t, map[string]any{"url": s.URL + path}).Send(t.Context(), event())
		if follows && (err != nil || len(arrived) != 1 || arrived[0] != "POST") {
			t.Errorf("%s: arrived %q, error %v; want one POST", path, arrived, err)
		}
		if !follows && (!errs.Is(err, errs.Permanent) || len(arrived) > 0) {
			t.Errorf("%s: arrived %q, error %v; want a permanent error", path, arrived, err)
		}
	}
	if n := len(other.Deliveries()); n > 0 {
		t.Errorf("the event was handed to another host %d times", n)
	}
}

func TestCertificates(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := openWith(t, map[string]any{"url": s.URL, "ca_file": ca}).Send(t.Context(), event()); err != nil {
		t.Errorf("with ca_file: %v", err)
	}
	if err := openWith(t, map[string]any{"url": s.URL}).Send(t.Context(), event()); !errs.Is(err, errs.Permanent) {
		t.Errorf("without ca_file: error %v of kind %q; want permanent", err, errs.KindOf(err))
	}
}

func TestBadConfiguration(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(name string, value any) map[string]any {
		return map[string]any{"url": "https://example.com/" + pathToken, name: value}
	}
	header := func(name, value string) map[string]any { return with("headers", map[string]string{name: value}) }
	tests := []struct {
		name   string
		config map[string]any
		path   []string
	}{
		{"no url", map[string]any{}, []string{"url"}},
		{"empty url", with("url", ""), []string{"url"}},
		{"relative url", with("url", "/"+pathToken), []string{"url"}},
		{"bare host", with("url", "example.com/"+pathToken), []string{"url"}},
		{"other scheme", with("url", "ftp://example.com/"+pathToken), []string{"url"}},
		{"no host", with("url", "https://:443/"+pathToken), []string{"url"}},
		{"bad escape", with("url", "https://example.com/%zz"+pathToken), []string{"url"}},
		{"bad secret", with("secret", "whsec_!!"+signKey), []string{"secret"}},
		{"empty whsec", with("secret", "whsec_"), []string{"secret"}},
		{"zero timeout", with("timeout", "0s"), []string{"timeout"}},
		{"bad timeout", with("timeout", "soon"), []string{"timeout"}},
		{"missing ca_file", with("ca_file", "/does/not/exist"), []string{"ca_file"}},
		{"empty ca_file", with("ca_file", empty), []string{"ca_file"}},
		{"header name", header("bad name", "x"), []string{"headers", "bad name"}},
		{"header value", header("X-A", bearer+"\r\nX-B: y"), []string{"headers", "X-A"}},
		{"our header", header("webhook-ID", "x"), []string{"headers", "webhook-ID"}},
		{"framing header", header("content-length", "1"), []string{"headers", "content-length"}},
		{"unknown attribute", with("uri", "x"), []string{"uri"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := json.Marshal(tt.config)
			if err != nil {
				t.Fatal(err)
			}
			_, diags, err := webhook.Provider().Open(t.Context(), text)
			if err != nil || len(diags) != 1 {
				t.Fatalf("%d diagnostics %v, error %v; want one", len(diags), diags, err)
			}
			if diff := cmp.Diff(tt.path, diags[0].Path); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
			for _, secret := range secrets() {
				if strings.Contains(diags[0].Error(), secret) {
					t.Errorf("%q shows a secret", diags[0].Error())
				}
			}
		})
	}
}

func TestSchemaHidesSecrets(t *testing.T) {
	p := webhook.Provider()
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, a := range p.Schema.Attributes {
		got[a.Name] = a.Sensitive
	}
	want := map[string]bool{"url": true, "secret": true, "headers": true, "timeout": false, "ca_file": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sensitive attributes (-want +got):\n%s", diff)
	}
}

func TestEventIDThatIsNoHeader(t *testing.T) {
	r := notifytest.NewHTTP(t, "Webhook-Id")
	n := openWith(t, map[string]any{"url": r.Address()})
	e := event()
	e.ID = "a\r\nX-Evil: 1"
	if err := n.Send(t.Context(), e); !errs.Is(err, errs.Invalid) {
		t.Errorf("error %v, want invalid", err)
	}
	if len(r.Deliveries()) > 0 {
		t.Errorf("the event was sent")
	}
}

func TestDeadlineOfTheCaller(t *testing.T) {
	r := notifytest.NewHTTP(t, "Webhook-Id")
	r.Answer(notifytest.Hang)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := openWith(t, map[string]any{"url": r.Address()}).Send(ctx, event())
	if !errs.Is(err, errs.Canceled) {
		t.Errorf("error %v of kind %q, want canceled", err, errs.KindOf(err))
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "7", "-1", "1e3", "99999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		after, ok := webhook.RetryAfter(text, time.Unix(1_700_000_000, 0))
		if after < 0 || after > 24*time.Hour || (!ok && after != 0) {
			t.Errorf("%q: %s, %v", text, after, ok)
		}
	})
}
