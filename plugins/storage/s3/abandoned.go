package s3

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	sweepLimit = 20 * time.Second
	sweepMost  = 1000 // uploads that one process aborts
)

// abortAbandoned aborts uploads below the prefix that nobody has gone on with for a long time: their parts cost money and
// no listing shows them. It does what it can; the next process goes on.
func (s *Storage) abortAbandoned(ctx context.Context, now time.Time) {
	if s.cfg.AbandonedAfter == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sweepLimit)
	defer cancel()
	pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{
		Bucket: &s.cfg.Bucket, Prefix: aws.String(s.cfg.Prefix),
	})
	for n := 0; pages.HasMorePages() && n < sweepMost; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			tell("WARN", "look for abandoned uploads in %s: %v", s.place(), s.classify(ctx, err))
			return
		}
		for _, u := range page.Uploads {
			key := aws.ToString(u.Key)
			if !strings.HasPrefix(key, s.cfg.Prefix) || u.Initiated == nil || now.Sub(*u.Initiated) < s.cfg.AbandonedAfter {
				continue
			}
			n++
			if err := s.abort(ctx, key, aws.ToString(u.UploadId)); err != nil {
				tell("WARN", "abort the abandoned upload of %q in %s: %v", key, s.place(), err)
				return
			}
			tell("INFO", "aborted an upload of %q in %s that was abandoned on %s", key, s.place(), u.Initiated.Format(time.DateOnly))
		}
	}
}

// tell writes a line to the agent's log.
func tell(level, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "["+level+"] "+format+"\n", args...)
}
