// Package transport is the HTTP transport that providers of network storage share: one way to set certificates, proxies,
// timeouts and a bandwidth limit, and one way to say what a failure means.
//
//	type Config struct {
//		Bucket string `hcl:"bucket" doc:"..."`
//		transport.Settings
//	}
//
//	rt, err := transport.New(cfg.Settings)
//	client := &http.Client{Transport: rt}
//
// A client must not have a timeout of its own: a chunk of a backup may be on its way for a long time. What ends a
// request is that nothing moves any more. While a body is sent, or read, it may stand still for stall_timeout; once it is
// sent, the answer may take response_timeout. Both end as [ErrStalled] or a timeout, which [Kind] calls transient.
//
// [StatusKind], [Kind] and [RetryAfter] classify failures for package errs. Nothing here tries again: that is the agent's
// business.
package transport
