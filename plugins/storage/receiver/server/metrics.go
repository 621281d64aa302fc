package server

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// metrics is what a Prometheus server may read. Labels are bounded: clients are enrolled, routes and reasons are fixed.
type metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec // client, route, status
	refused     *prometheus.CounterVec // reason
	received    *prometheus.CounterVec // client
	sent        *prometheus.CounterVec // client
	commits     *prometheus.CounterVec // client
	expired     prometheus.Counter
	connections prometheus.Gauge
	transfers   prometheus.Gauge
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "drydock_receiver", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "drydock_receiver", Name: name, Help: help})
	}
	m := &metrics{
		registry:    prometheus.NewRegistry(),
		requests:    counter("requests_total", "Requests by client, route and HTTP status.", "client", "route", "status"),
		refused:     counter("refused_connections_total", "Connections that were refused or did not speak HTTP, by reason.", "reason"),
		received:    counter("received_bytes_total", "Bytes of chunks that came, by client.", "client"),
		sent:        counter("sent_bytes_total", "Bytes of objects that were read, by client.", "client"),
		commits:     counter("committed_objects_total", "Objects that were committed, by client.", "client"),
		expired:     prometheus.NewCounter(prometheus.CounterOpts{Name: "drydock_receiver_expired_uploads_total", Help: "Uploads that were abandoned and dropped."}),
		connections: gauge("connections", "Connections that are open."),
		transfers:   gauge("transfers", "Chunks and reads that are being moved."),
	}
	m.registry.MustRegister(m.requests, m.refused, m.received, m.sent, m.commits, m.expired, m.connections, m.transfers,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// usage reports what clients use at the moment they are asked.
type usage struct {
	s           *Server
	used, quota *prometheus.Desc
	expires     *prometheus.Desc
}

func newUsage(s *Server) usage {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("drydock_receiver_"+name, help, labels, nil)
	}
	return usage{s,
		desc("used_bytes", "Bytes of a client's objects and unfinished uploads, since it first came.", "client"),
		desc("quota_bytes", "A client's quota; 0 means no limit.", "client"),
		desc("certificate_expiry_seconds", "When the server's certificate expires, in seconds since 1970."),
	}
}

// Describe implements prometheus.Collector.
func (u usage) Describe(to chan<- *prometheus.Desc) { to <- u.used; to <- u.quota; to <- u.expires }

// Collect implements prometheus.Collector.
func (u usage) Collect(to chan<- prometheus.Metric) {
	for _, c := range u.s.clients.all() {
		to <- prometheus.MustNewConstMetric(u.used, prometheus.GaugeValue, float64(c.account.used()), c.name)
		to <- prometheus.MustNewConstMetric(u.quota, prometheus.GaugeValue, float64(c.terms.Load().Quota), c.name)
	}
	to <- prometheus.MustNewConstMetric(u.expires, prometheus.GaugeValue, float64(u.s.trust.Load().Expires.Unix()))
}

// Admin is what is served without a certificate, on an address that only the administrator reaches: /metrics and /healthz.
func (s *Server) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		status, health := http.StatusOK, wire.Health{Status: "ok"}
		if s.draining.Load() {
			status, health.Status = http.StatusServiceUnavailable, "draining"
		}
		_ = sendJSON(&writer{ResponseWriter: w}, status, health) // who asks and goes away needs no answer
	})
	return mux
}
