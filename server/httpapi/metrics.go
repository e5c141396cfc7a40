package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/netground/netground/server/session"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what the server tells Prometheus, in a registry of its own.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	handler  http.Handler
}

func newMetrics(registry *prometheus.Registry, stats func() session.Stats) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "netground_http_requests_total", Help: "Requests that were answered.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "netground_http_request_seconds", Help: "How long answers took; streams are left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route"}),
	}
	for _, c := range []prometheus.Collector{
		m.requests, m.seconds, newSessionCollector(stats),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m, nil
}

// observe counts an answer by the route's pattern: addresses have no bound.
func (m *metrics) observe(method, route string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodPut, http.MethodPatch, http.MethodOptions:
	default:
		method = "other" // anybody can invent one
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	if status != http.StatusSwitchingProtocols && route != "/api/sessions/:session/events" {
		m.seconds.WithLabelValues(method, route).Observe(took.Seconds())
	}
}

func (a *API) serveMetrics(c *call) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	a.metrics.handler.ServeHTTP(c.Response(), c.Request())
	return nil
}

func (a *API) healthz(c *call) error { return c.plain(http.StatusOK, "ok\n") }

func (a *API) readyz(c *call) error {
	if a.ctx.Err() != nil {
		return closing()
	}
	if a.o.Ready != nil {
		ctx, cancel := context.WithTimeout(c.Request().Context(), 2*time.Second)
		defer cancel()
		if err := a.o.Ready(ctx); err != nil {
			return &problem{status: http.StatusServiceUnavailable, code: "not-ready", cause: err, retry: 5 * time.Second,
				detail: text("The server is not ready yet. Try again in a moment.", "서버가 아직 준비되지 않았습니다. 잠시 뒤에 다시 시도하십시오.")}
		}
	}
	return c.plain(http.StatusOK, "ready\n")
}

func (c *call) plain(status int, s string) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.String(status, s)
}

// sessionCollector reads the sessions' counters when Prometheus asks.
type sessionCollector struct {
	stats func() session.Stats
	gauge map[string]*prometheus.Desc
	ended *prometheus.Desc
}

func newSessionCollector(stats func() session.Stats) *sessionCollector {
	c := &sessionCollector{stats: stats, gauge: map[string]*prometheus.Desc{}}
	for name, help := range map[string]string{
		"sessions":                   "Live sessions of learners.",
		"sandboxes_ready":            "Sandboxes that stand ready.",
		"sandboxes_max":              "Sandboxes that fit.",
		"queue":                      "Learners who wait for a place.",
		"subscribers":                "Open event streams.",
		"results_unstored":           "Results that wait for the database.",
		"sessions_created_total":     "Sessions made.",
		"sessions_from_pool_total":   "Sessions made of a sandbox that stood ready.",
		"sessions_resumed_total":     "Live sessions that were opened again.",
		"sessions_failed_total":      "Sessions that could not be made.",
		"sessions_refused_total":     "Sessions refused by a full server.",
		"resets_total":               "Sessions given a new sandbox.",
		"reboots_total":              "Hosts rebooted.",
		"catch_ups_total":            "Times that steps were solved for a learner.",
		"evaluations_total":          "Evaluations of a session's steps.",
		"checks_total":               "Checks established.",
		"steps_passed_total":         "Steps passed.",
		"terminals_opened_total":     "Terminals opened.",
		"slow_subscribers_total":     "Event streams ended because their reader was too slow.",
		"results_lost_total":         "Results that the database never took.",
		"session_create_seconds":     "How long making a session took.",
		"session_from_pool_seconds":  "How long making a session of a ready sandbox took.",
		"session_evaluation_seconds": "How long an evaluation took.",
	} {
		c.gauge[name] = prometheus.NewDesc("netground_"+name, help, nil, nil)
	}
	c.ended = prometheus.NewDesc("netground_sessions_ended_total", "Sessions that ended, by reason.", []string{"reason"}, nil)
	return c
}

// Describe implements prometheus.Collector.
func (c *sessionCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.gauge {
		to <- d
	}
	to <- c.ended
}

// Collect implements prometheus.Collector.
func (c *sessionCollector) Collect(to chan<- prometheus.Metric) {
	s := c.stats()
	for name, v := range map[string]int{
		"sessions": s.Live, "sandboxes_ready": s.Ready, "sandboxes_max": s.Max, "queue": s.Waiting, "subscribers": s.Subscribers, "results_unstored": s.Unstored,
	} {
		to <- prometheus.MustNewConstMetric(c.gauge[name], prometheus.GaugeValue, float64(v))
	}
	for name, v := range map[string]uint64{
		"sessions_created_total": s.Creates, "sessions_from_pool_total": s.FromPool, "sessions_resumed_total": s.Resumes, "sessions_failed_total": s.Failures,
		"sessions_refused_total": s.Refused, "resets_total": s.Resets, "reboots_total": s.Reboots, "catch_ups_total": s.CatchUps,
		"evaluations_total": s.Evaluations, "checks_total": s.Checks, "steps_passed_total": s.Passed, "terminals_opened_total": s.Terminals,
		"slow_subscribers_total": s.SlowSubscribers, "results_lost_total": s.Lost,
	} {
		to <- prometheus.MustNewConstMetric(c.gauge[name], prometheus.CounterValue, float64(v))
	}
	for name, h := range map[string]session.Histogram{
		"session_create_seconds": s.CreateSeconds, "session_from_pool_seconds": s.PoolSeconds, "session_evaluation_seconds": s.EvaluationSeconds,
	} {
		to <- prometheus.MustNewConstHistogram(c.gauge[name], h.Count, h.Sum, h.Buckets)
	}
	for reason, v := range s.Ended {
		to <- prometheus.MustNewConstMetric(c.ended, prometheus.CounterValue, float64(v), reason)
	}
}
