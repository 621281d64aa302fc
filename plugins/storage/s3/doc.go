// Package s3 is the storage provider for Amazon S3 and services that speak its protocol.
//
// # Layout
//
// An object is <prefix><key>, one complete file. An upload is a multipart upload of that key; chunk i is part i+1, so a
// chunk has between 5 MiB and 5 GiB, and an object at most 10,000 of them. Nothing else is written: what the service says
// it holds is all the state there is. The token of an upload holds what finds it again: key, chunk size, the service's own
// id, and a random id that goes into the object's metadata, by which a second Commit knows its own work.
//
// # Integrity
//
// Every part is sent with its SHA-256, which the spool knows already, as checksum and as signed digest of the payload: the
// service refuses other bytes, and lists the digest with the part. The agent reads the finished object back.
//
// # Nothing is overwritten
//
// The multipart upload is completed on the condition that the key is free (If-None-Match: *). Before that the key is looked
// at, for services that ignore the condition; only there two uploads that end in the same moment could meet.
//
// # Failures
//
// Nothing is tried again here, not even by the AWS SDK: errors are classified, with the wait that a service asks for, and
// the agent decides. A refusal names the permission that is missing.
package s3
