package s3

import (
	"cmp"
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/transport"
)

// newClient makes the SDK's client. What the SDK does by itself is turned off where the agent does it (retries) or where it
// costs a pass over the data (checksums besides those that are given).
func newClient(ctx context.Context, c Config, way *transport.Transport) (*s3.Client, error) {
	cfg, err := load(ctx, c, way)
	if err != nil {
		return nil, err
	}
	cfg.Region = cmp.Or(cfg.Region, "us-east-1") // for a bucket elsewhere Amazon answers with the right one
	if c.RoleARN != "" {
		cfg.Credentials = aws.NewCredentialsCache(role(c, cfg))
	}
	direct := &http.Client{Transport: way, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.HTTPClient = direct
		o.UsePathStyle = c.PathStyle
		o.Retryer = aws.NopRetryer{}
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	}), nil
}

// load reads what the SDK reads for everybody: environment and shared files.
func load(ctx context.Context, c Config, way *transport.Transport) (aws.Config, error) {
	// Credentials come over short requests of the SDK's own, through the same proxy and with the same certificates.
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		plain := way.Plain()
		t.Proxy, t.TLSClientConfig = plain.Proxy, plain.TLSClientConfig
	})
	options := []func(*config.LoadOptions) error{config.WithHTTPClient(client)}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	if c.AccessKey != "" {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey.Reveal(), c.SessionToken.Reveal())))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, schema.Invalid("profile", "the shared AWS configuration cannot be used", err.Error())
	}
	return cfg, nil
}

// role assumes the configured role, whenever its credentials are about to end.
func role(c Config, cfg aws.Config) aws.CredentialsProvider {
	client := sts.NewFromConfig(cfg, func(o *sts.Options) {
		if c.STSEndpoint != "" {
			o.BaseEndpoint = aws.String(c.STSEndpoint)
		}
	})
	if c.TokenFile != "" {
		return stscreds.NewWebIdentityRoleProvider(client, c.RoleARN, stscreds.IdentityTokenFile(c.TokenFile),
			func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = c.RoleSession })
	}
	return stscreds.NewAssumeRoleProvider(client, c.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = c.RoleSession
		if c.ExternalID != "" {
			o.ExternalID = aws.String(c.ExternalID.Reveal())
		}
	})
}
