// Package enroll brings a new agent into a receiver's trust: the administrator makes an offer at the receiver and hands its
// token to the agent; the agent makes its own key, which never leaves it, and gets a certificate for it.
//
// # What a token can do
//
// It is good for one certificate, of one name, for as long as the offer stands: minutes. The offer is a process of its own,
// on an address of its own, that ends with the first success, after a few wrong tokens, or when its time is up. So the
// receiver itself never talks to strangers and needs no key of its authority.
//
// The token names the receiver's authority by its digest, so that the agent knows whom it talks to before it says anything;
// and it holds a secret of 256 bits, of which the offer keeps a digest only, compared in constant time.
//
//	POST /v1/enroll   Request, answered by Answer
package enroll
