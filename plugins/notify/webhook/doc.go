// Package webhook is the notifier that posts events to a web address.
//
// # Request
//
// Each event is one POST with Content-Type application/json. The body is the event as package notify defines it:
//
//	{
//	  "id": "01JD...",               the same for every attempt to deliver this event
//	  "type": "failure",             success, failure, mysql-down, recovered, missed, test
//	  "severity": "critical",        info, warning, critical
//	  "time": "2026-11-22T02:30:00Z",
//	  "host": "db1",
//	  "job": "orders",               absent when the event belongs to no job
//	  "run": "01JD...",              absent when the event belongs to no run
//	  "summary": "one line",
//	  "detail": "several lines",     may be absent
//	  "fields": {"key": "value"}     may be absent
//	}
//
// The headers follow Standard Webhooks (https://www.standardwebhooks.com): webhook-id is the event's id, webhook-timestamp
// the second of this attempt, and, when a secret is configured, webhook-signature is "v1," and the base64 of
//
//	HMAC-SHA256(secret, id + "." + timestamp + "." + body)
//
// A secret of the form whsec_BASE64 is decoded first, as that standard has it; any other is taken as it is. The id is
// also sent as Idempotency-Key.
//
// # Answers
//
// Any 2xx is success. 429, and 503 with Retry-After, are throttled; 408, 425, other 5xx, timeouts and broken
// connections are transient; 401 and 403 are permission; everything else is permanent. A 307 or 308 to the same host is
// followed, no other redirect is: it would hand the event and its headers to somebody else, or turn it into a GET.
//
// Addresses of webhooks often carry a token, so the address never appears in an error: only its scheme and host do.
// Nothing of the response body does either.
package webhook
