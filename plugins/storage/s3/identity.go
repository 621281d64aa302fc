package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// identity says in whose name requests are sent, for errors: a role or an access key id and where it comes from, never a secret.
// It is empty when that cannot be told.
func (s *Storage) identity(ctx context.Context) string {
	if s.cfg.RoleARN != "" {
		return fmt.Sprintf("role %s, session %s", s.cfg.RoleARN, s.cfg.RoleSession)
	}
	c, err := s.client.Options().Credentials.Retrieve(ctx) // those that were used: they are cached
	if err != nil {
		return ""
	}
	return fmt.Sprintf("access key %s of %s", c.AccessKeyID, s.source(c))
}

// wanted says which credentials are looked for.
func (s *Storage) wanted() string {
	switch {
	case s.cfg.RoleARN != "":
		return " for role " + s.cfg.RoleARN
	case s.cfg.Profile != "":
		return fmt.Sprintf(" of profile %q", s.cfg.Profile)
	}
	return ""
}

// source is where credentials come from, in words.
func (s *Storage) source(c aws.Credentials) string {
	switch {
	case s.cfg.AccessKey != "":
		return "the job"
	case strings.HasPrefix(c.Source, "Env"):
		return "the environment"
	case strings.HasPrefix(c.Source, "SharedConfig") && s.cfg.Profile != "":
		return fmt.Sprintf("profile %q", s.cfg.Profile)
	case strings.HasPrefix(c.Source, "SharedConfig"):
		return "the default profile"
	case strings.HasPrefix(c.Source, "EC2Role"):
		return "the instance's role"
	case strings.HasPrefix(c.Source, "CredentialsEndpoint"):
		return "the container's role"
	}
	return c.Source
}

// because says what a refusal comes from: credentials that are not good, or a permission that the operation takes.
func because(err error, code string) string {
	switch code {
	case "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException":
		return "; the service does not know this access key"
	case "SignatureDoesNotMatch":
		return "; the secret key is not the one of this access key"
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return "; the credentials have expired"
	case "InvalidToken", "InvalidIdentityToken", "InvalidTokenId":
		return "; the token that goes with the credentials is not valid"
	case "RequestTimeTooSkewed", "RequestExpired":
		return "" // the clocks tell
	}
	if p := permission(operationOf(err)); p != "" {
		return "; it takes the permission " + p
	}
	return ""
}

// operationOf is the innermost operation that failed: a role is assumed on the way to another one.
func operationOf(err error) *smithy.OperationError {
	var op *smithy.OperationError
	for errors.As(err, &op) {
		err = op.Err
	}
	return op
}

// assumes reports whether it is a role that could not be assumed.
func assumes(err error) bool {
	op := operationOf(err)
	return op != nil && strings.HasPrefix(op.OperationName, "AssumeRole")
}

// permission names what an operation takes.
func permission(op *smithy.OperationError) string {
	if op == nil {
		return ""
	}
	return map[string]string{
		"HeadObject": "s3:GetObject (and s3:ListBucket, without which a missing object looks forbidden)", "GetObject": "s3:GetObject",
		"CreateMultipartUpload": "s3:PutObject (and s3:PutObjectTagging, s3:PutObjectRetention or s3:PutObjectLegalHold for what the job " +
			"sets, and kms:GenerateDataKey for a KMS key)",
		"UploadPart": "s3:PutObject", "CompleteMultipartUpload": "s3:PutObject",
		"ListParts": "s3:ListMultipartUploadParts", "AbortMultipartUpload": "s3:AbortMultipartUpload",
		"ListMultipartUploads": "s3:ListBucketMultipartUploads", "ListObjectsV2": "s3:ListBucket", "DeleteObject": "s3:DeleteObject",
		"PutObjectRetention": "s3:PutObjectRetention", "PutObjectLegalHold": "s3:PutObjectLegalHold",
		"GetObjectRetention": "s3:GetObjectRetention", "GetObjectLegalHold": "s3:GetObjectLegalHold",
		"GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
		"AssumeRole":                 "sts:AssumeRole on the role, and a trust policy of the role that lets us",
		"AssumeRoleWithWebIdentity":  "a trust policy of the role that takes the token's issuer, audience and subject",
	}[op.OperationName]
}
