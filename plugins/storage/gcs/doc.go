// Package gcs is the storage provider for Google Cloud Storage.
//
// # How an upload lives in a bucket
//
//	<prefix>.drydock-uploads/<upload>/upload     its metadata: the chunk size
//	<prefix>.drydock-uploads/<upload>/<index>    a chunk, an object of its own; its metadata holds the chunk's SHA-256
//	<prefix>.drydock-uploads/<upload>/j<n>-<i>   chunks that Commit has joined, 32 at a time, level by level
//
// An object appears whole or not at all, so chunks can be sent side by side and again at will, and the service's own listing
// says which have arrived. The service compares a CRC-32C of every chunk before it keeps it. Commit joins the chunks
// (compose) where they are, the last time to the object itself on the condition that there is none of that name, and writes
// the upload's number to the object's metadata: that is how a second Commit knows its own object. Nothing of this is listed.
//
// Compose rather than a multipart upload of the XML interface, because only compose takes that condition.
//
// Chunks are kept in the class STANDARD whatever the class of the backup: the colder ones cost extra for what is deleted
// early. What an upload has left is removed when its last sign of life is abandoned_after old.
package gcs
