// Package pki makes and reads the receiver's certificates: a small authority of its own, which signs the server's
// certificate and one for each client.
//
//	<dir>/ca.pem, ca-key.pem          the authority; the key is needed to enroll and to revoke, not to serve
//	<dir>/server.pem, server-key.pem  the server
//	<dir>/revoked.crl                 what was revoked: a revocation list as RFC 5280 has it, signed by the authority
//	<dir>/issued/NAME-SERIAL.pem      every certificate that a client was given
//
// Keys are ECDSA P-256, files are written beside and renamed, keys are 0600. Nothing here trusts a name that a client
// gives: it is the common name that the authority has signed.
package pki
