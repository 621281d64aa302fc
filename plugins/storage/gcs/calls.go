package gcs

import (
	"context"
	"io"
	"strings"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/storage/v1"
)

// never is the answer to whether a call is to be tried again: only the agent does that.
func never(error) bool { return false }

// get describes an object.
func (s *Storage) get(ctx context.Context, name string) (*api.Object, error) {
	call := s.service.Objects.Get(s.cfg.Bucket, name).Context(ctx)
	if s.cfg.UserProject != "" {
		call.UserProject(s.cfg.UserProject)
	}
	return call.Do()
}

// insert makes an object in one request. fresh makes it a condition that there is none of the name.
func (s *Storage) insert(ctx context.Context, o *api.Object, body io.Reader, fresh bool) (*api.Object, error) {
	call := s.service.Objects.Insert(s.cfg.Bucket, o).Name(o.Name).Context(ctx).WithRetry(nil, never)
	call.Fields("name", "size", "crc32c", "generation").Media(body, googleapi.ChunkSize(0), googleapi.ContentType("application/octet-stream"))
	if s.cfg.KMSKey != "" {
		call.KmsKeyName(s.cfg.KMSKey)
	}
	if s.cfg.UserProject != "" {
		call.UserProject(s.cfg.UserProject)
	}
	if fresh {
		call.IfGenerationMatch(0)
	}
	return call.Do()
}

// compose joins objects. fresh makes it a condition that there is none of the target's name.
func (s *Storage) compose(ctx context.Context, target *api.Object, parts []*api.Object, fresh bool) (*api.Object, error) {
	request := &api.ComposeRequest{Destination: target}
	for _, p := range parts {
		request.SourceObjects = append(request.SourceObjects, &api.ComposeRequestSourceObjects{
			Name: p.Name, Generation: p.Generation, // the very bytes that were listed
		})
	}
	call := s.service.Objects.Compose(s.cfg.Bucket, target.Name, request).Context(ctx)
	if s.cfg.KMSKey != "" {
		call.KmsKeyName(s.cfg.KMSKey)
	}
	if s.cfg.UserProject != "" {
		call.UserProject(s.cfg.UserProject)
	}
	if fresh {
		call.IfGenerationMatch(0)
	}
	return call.Do()
}

// remove deletes an object; one that does not exist is no error.
func (s *Storage) remove(ctx context.Context, name string) error {
	call := s.service.Objects.Delete(s.cfg.Bucket, name).Context(ctx)
	if s.cfg.UserProject != "" {
		call.UserProject(s.cfg.UserProject)
	}
	if err := call.Do(); err != nil && !missing(err) {
		return err
	}
	return nil
}

// each calls f for every object whose name starts with prefix, in order, page by page.
func (s *Storage) each(ctx context.Context, prefix string, f func(*api.Object) error) error {
	call := s.service.Objects.List(s.cfg.Bucket).Prefix(prefix).MaxResults(s.page).Context(ctx)
	if s.cfg.UserProject != "" {
		call.UserProject(s.cfg.UserProject)
	}
	return call.Pages(ctx, func(page *api.Objects) error {
		for _, o := range page.Items {
			if !strings.HasPrefix(o.Name, prefix) {
				continue
			}
			if err := f(o); err != nil {
				return err
			}
		}
		return nil
	})
}
