package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/server"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// described is a receiver, and what docs/formats/receiver.openapi.yaml says of it.
type described struct {
	*peer
	doc    *openapi3.T
	router routers.Router
	http   *http.Client
	seen   map[string]bool // "operation status"
}

func describe(t *testing.T, p *peer) *described {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../../../docs/formats/receiver.openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: "https://" + p.r.Address}}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: p.tls, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &described{p, doc, router, &http.Client{Transport: transport, Timeout: patience}, map[string]bool{}}
}

// exchange is a request: what is sent, and the status that has to come back.
type exchange struct {
	method, target, body string
	digest               string // of a chunk; empty: no header
	status               int
}

// The description and the running server say the same: every operation with every status that is listed for it, headers and
// bodies, and no route that is missing on either side.
func TestOpenAPI(t *testing.T) {
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{
		Main:   `stall_timeout = "4s"`,
		Blocks: "client \"small\" {\n  quota = \"2B\"\n}\nclient \"kept\" {\n  append_only = true\n}\n",
	})
	p := newPeer(t, r, "shop")
	d := describe(t, p)
	p.store(t, "there", "abcdefgh")
	open, done, twice := p.begin(t, "open"), p.begin(t, "done"), p.begin(t, "there2")
	p.put(t, done, 0, "1234")
	p.put(t, twice, 0, "1234")
	p.store(t, "there2", "abcd")
	const unknown = "00000000000000000000000000000000"
	chunk := func(token string) string { return "/v1/uploads/" + token + "/chunks/0" }
	for _, e := range []exchange{
		{"GET", wire.PathHealth, "", "", 200},
		{"GET", wire.PathCheck, "", "", 200},
		{"POST", wire.PathUploads, `{"key":"new","chunk_size":4}`, "", 201},
		{"POST", wire.PathUploads, `{"key":"../new","chunk_size":4}`, "", 400},
		{"POST", wire.PathUploads, `{"key":"there","chunk_size":4}`, "", 409},
		{"PUT", chunk(open), "abcd", "abcd", 204},
		{"PUT", chunk(open), "abcd", "", 400},
		{"PUT", chunk(unknown), "abcd", "abcd", 404},
		{"PUT", "/v1/uploads/" + open + "/chunks/1", "abcd", "dcba", 422},
		{"GET", "/v1/uploads/" + open + "/chunks", "", "", 200},
		{"GET", "/v1/uploads/" + open + "/chunks?x=1", "", "", 400},
		{"GET", "/v1/uploads/" + unknown + "/chunks", "", "", 404},
		{"POST", "/v1/uploads/" + open + "/commit", `{"size":5}`, "", 400},
		{"POST", "/v1/uploads/" + done + "/commit", `{"size":4}`, "", 200},
		{"POST", "/v1/uploads/" + unknown + "/commit", `{"size":4}`, "", 404},
		{"POST", "/v1/uploads/" + twice + "/commit", `{"size":4}`, "", 409},
		{"DELETE", "/v1/uploads/" + open, "", "", 204},
		{"DELETE", "/v1/uploads/" + open + "?x=1", "", "", 400},
		{"GET", "/v1/objects?prefix=the", "", "", 200},
		{"GET", "/v1/objects?prefix=the&prefix=se", "", "", 400},
		{"GET", "/v1/object?key=there", "", "", 200},
		{"GET", "/v1/object?key=..", "", "", 400},
		{"GET", "/v1/object?key=missing", "", "", 404},
		{"GET", "/v1/object/content?key=there&offset=2&length=4", "", "", 200},
		{"GET", "/v1/object/content?key=there&offset=7&length=4", "", "", 400},
		{"GET", "/v1/object/content?key=missing&offset=0&length=4", "", "", 404},
		{"GET", "/v1/object/digest?key=there&offset=2&length=4", "", "", 200},
		{"GET", "/v1/object/digest?key=there&offset=7&length=4", "", "", 400},
		{"GET", "/v1/object/digest?key=missing&offset=0&length=4", "", "", 404},
		{"DELETE", "/v1/object?key=there", "", "", 204},
		{"DELETE", "/v1/object?key=..", "", "", 400},
	} {
		d.try(t, e)
	}
	d.others(t, r)
	d.wantAll(t)
}

// others are the statuses that it takes another client, or another state of the server, to see.
func (d *described) others(t *testing.T, r *testenv.Receiver) {
	t.Helper()
	small := describe(t, newPeer(t, r, "small"))
	small.seen = d.seen
	token := small.begin(t, "large")
	small.try(t, exchange{"PUT", "/v1/uploads/" + token + "/chunks/0", "abcd", "abcd", 507})
	kept := describe(t, newPeer(t, r, "kept"))
	kept.seen = d.seen
	kept.store(t, "there", "abcd")
	kept.try(t, exchange{"DELETE", "/v1/object?key=there", "", "", 403})
	d.asleep(t)
}

// asleep sends half of a chunk.
func (d *described) asleep(t *testing.T) {
	t.Helper()
	target := "/v1/uploads/" + d.begin(t, "asleep") + "/chunks/0"
	a := d.raw(t, "PUT "+target+" HTTP/1.1\r\nHost: x\r\n"+digestHeader("abcd")+"\r\nContent-Length: 4\r\n\r\nab")
	d.judge(t, "PUT", target, 503, a)
}

// judge holds an answer to a request that was written by hand against the description.
func (d *described) judge(t *testing.T, method, target string, status int, a answer) {
	t.Helper()
	input := d.input(t, exchange{method: method, target: target})
	if input == nil || a.status != status {
		t.Errorf("%s %s: status %d, want %d\n%s", method, target, a.status, status, a.body)
		return
	}
	d.check(t, method+" "+target, input, a)
}

// try makes one exchange and holds both sides of it against the description.
func (d *described) try(t *testing.T, e exchange) {
	t.Helper()
	input := d.input(t, e)
	if input == nil {
		return
	}
	a := d.send(t, e, input)
	name := fmt.Sprintf("%s %s", e.method, e.target)
	if a.status != e.status {
		t.Errorf("%s: status %d, want %d\n%s", name, a.status, e.status, a.body)
		return
	}
	if a.status < 300 {
		if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
			t.Errorf("%s: the server takes what the description refuses: %v", name, err)
		}
	}
	d.check(t, name, input, a)
}

// send sends a request.
func (d *described) send(t *testing.T, e exchange, input *openapi3filter.RequestValidationInput) answer {
	t.Helper()
	response, err := d.http.Do(input.Request)
	if err != nil {
		t.Fatalf("%s %s: %v", e.method, e.target, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", e.method, e.target, err)
	}
	input.Request.Body = io.NopCloser(strings.NewReader(e.body)) // to be read again
	return answer{response.StatusCode, response.Header, body}
}

// input makes a request and finds its description; nil when there is none.
func (d *described) input(t *testing.T, e exchange) *openapi3filter.RequestValidationInput {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), e.method, "https://"+d.r.Address+e.target, strings.NewReader(e.body))
	if err != nil {
		t.Fatal(err)
	}
	if e.body == "" {
		r.Body = http.NoBody
	} else {
		r.Header.Set("Content-Type", map[bool]string{true: wire.Bytes, false: wire.JSON}[e.method == http.MethodPut])
		r.Header.Set("Content-Length", strconv.Itoa(len(e.body))) // for the description's sake: it is sent in any case
	}
	if e.digest != "" {
		r.Header.Set(wire.HeaderDigest, strings.TrimPrefix(digestHeader(e.digest), wire.HeaderDigest+": "))
	}
	route, params, err := d.router.FindRoute(r)
	if err != nil {
		t.Errorf("%s %s is not described: %v", e.method, e.target, err)
		return nil
	}
	return &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
}

// check holds an answer against the description.
func (d *described) check(t *testing.T, name string, input *openapi3filter.RequestValidationInput, a answer) {
	t.Helper()
	d.seen[fmt.Sprint(input.Route.Operation.OperationID, " ", a.status)] = true
	listed := input.Route.Operation.Responses.Value(strconv.Itoa(a.status))
	if listed == nil {
		t.Errorf("%s: status %d is not described", name, a.status)
		return
	}
	kind := a.header.Get("Content-Type")
	if (kind == "") != (len(listed.Value.Content) == 0) || kind == "" && len(a.body) > 0 {
		t.Errorf("%s: content type %q, %d bytes", name, kind, len(a.body))
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: a.status, Header: a.header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: kind == wire.Stream},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), output.SetBodyBytes(a.body)); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if kind == wire.Stream {
		checkLines(t, name, listed.Value.Content[wire.Stream], a.body)
	}
}

// checkLines holds each line of a stream against its schema; the last has to say that it is.
func checkLines(t *testing.T, name string, media *openapi3.MediaType, body []byte) {
	t.Helper()
	if media == nil {
		t.Errorf("%s: a stream is not described", name)
		return
	}
	last := ""
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		var value any
		last = lines.Text()
		err := json.Unmarshal(lines.Bytes(), &value)
		if err == nil {
			err = media.Schema.Value.VisitJSON(value)
		}
		if err != nil {
			t.Errorf("%s: line %s: %v", name, last, err)
		}
	}
	if last != `{"end":true}` {
		t.Errorf("%s: the last line is %q", name, last)
	}
}

// wantAll demands that every status of every operation was seen, and that description and server have the same routes.
func (d *described) wantAll(t *testing.T) {
	t.Helper()
	var routes []string
	for path, item := range d.doc.Paths.Map() {
		for method, op := range item.Operations() {
			routes = append(routes, method+" "+path)
			for status := range op.Responses.Map() {
				if name := op.OperationID + " " + status; status != "default" && !d.seen[name] {
					t.Errorf("%s is described, and was not seen", name)
				}
			}
		}
	}
	slices.Sort(routes)
	if want := slices.Sorted(slices.Values(server.Routes())); !slices.Equal(routes, want) {
		t.Errorf("described are\n%q,\nserved are\n%q", routes, want)
	}
	t.Logf("%d statuses of %d routes: %q", len(d.seen), len(routes), slices.Sorted(maps.Keys(d.seen)))
}
