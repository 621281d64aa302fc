package hcl

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// shortPassphrase is the length in characters below which a passphrase is called short: it guards what strangers keep.
const shortPassphrase = 12

// encrypt decodes who can open the job's backups.
func (d *decoder) encrypt(e *evaluator, b *hclsyntax.Block) *job.Encrypt {
	before := e.errors()
	f := e.check(b, encryptSpec(), "encrypt")
	enc := &job.Encrypt{}
	if g := e.get(f, "passphrase"); g != nil {
		enc.Passphrase = passphrase(g)
	}
	if g := e.get(f, "recipients"); g != nil {
		enc.Recipients = d.recipients(g)
	}
	if enc.Passphrase == "" && len(enc.Recipients) == 0 && e.errors() == before {
		e.err(b.DefRange(), "nobody could open the backups", "An encrypt block needs a passphrase, recipients, or both:\n"+
			`    passphrase = file("/etc/drydock/orders.pass")`+"\n"+
			`    recipients = ["age1..."]`+"\nThe command drydock keygen makes a key pair.")
	}
	return enc
}

func passphrase(g *given) job.Secret {
	s, ok := g.nonEmpty()
	if ok && utf8.RuneCountInString(s) < shortPassphrase {
		g.e.warn(g.expr.Range(), "passphrase is short", fmt.Sprintf(
			"Whoever gets hold of a backup can try passphrases at leisure. Use at least %d characters, better six random words.", shortPassphrase))
	}
	return job.Secret(s)
}

// recipients checks every public key.
func (d *decoder) recipients(g *given) []string {
	parts, ok := g.elements()
	if !ok {
		return nil
	}
	if len(parts) == 0 {
		g.bad("recipients is empty", "Name at least one public key, or remove the line.")
	}
	keys := make([]string, 0, len(parts))
	for _, p := range parts {
		s, ok := p.nonEmpty()
		if !ok {
			continue
		}
		if strings.HasPrefix(strings.ToUpper(s), "AGE-SECRET-KEY-") || strings.HasPrefix(s, "-----BEGIN") {
			d.mask(p.expr) // the other half of the pair, pasted by mistake
		}
		if d.checkRecipient != nil {
			if err := d.checkRecipient(s); err != nil {
				p.bad(fmt.Sprintf("%s is no public key", p.title()), sentence(err.Error())+
					" A recipient is an age1... key, as drydock keygen prints it, or an SSH public key.")
			}
		}
		keys = append(keys, s)
	}
	return keys
}
