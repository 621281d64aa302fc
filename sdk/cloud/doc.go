// Package cloud holds what providers of object stores (Azure Blob, Google Cloud Storage and the like) share: which keys they
// take, how they name an upload, how they read and prove a chunk before they send it, and how the calls for one upload keep
// out of each other's way.
package cloud
