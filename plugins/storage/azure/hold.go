package azure

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Holds reports whether the configuration says that the container has version-level immutability.
func (s *Storage) Holds() bool { return s.cfg.Immutable || s.cfg.RetainFor > 0 }

// Hold sets the legal hold and the immutability policy of a blob.
func (s *Storage) Hold(ctx context.Context, key string, h storage.Hold) error {
	return s.fail(ctx, s.hold(ctx, key, h), "hold %q", key)
}

func (s *Storage) hold(ctx context.Context, key string, h storage.Hold) error {
	p, err := s.properties(ctx, key)
	if err != nil {
		return err
	}
	if until := p.ImmutabilityPolicyExpiresOn; until != nil && s.now().Before(*until) && h.Until.Before(*until) {
		return errs.New(errs.Permission, "it is held until %s", until.Format("2006-01-02 15:04:05 MST"))
	}
	if s.now().Before(h.Until) && (p.ImmutabilityPolicyExpiresOn == nil || !h.Until.Equal(*p.ImmutabilityPolicyExpiresOn)) {
		o := &blob.SetImmutabilityPolicyOptions{Mode: to.Ptr(mode(s.cfg.RetainMode))}
		_, err := s.blob(key).SetImmutabilityPolicy(ctx, h.Until.UTC(), o)
		if err != nil {
			return err
		}
	}
	if h.Legal == isTrue(p.LegalHold) {
		return nil
	}
	_, err = s.blob(key).SetLegalHold(ctx, h.Legal, nil)
	return err
}

// mode is the service's name of a mode.
func mode(name string) blob.ImmutabilityPolicySetting {
	if name == "locked" {
		return blob.ImmutabilityPolicySettingLocked
	}
	return blob.ImmutabilityPolicySettingUnlocked
}
