package config

import (
	"fmt"
	"net"
)

// tutorialKey is the master key of every LiteLLM tutorial. Clients must still
// send it, but it protects nothing.
const tutorialKey = "sk-1234"

// Protected reports whether a master key worth the name is set.
func (c *Config) Protected() bool {
	return c.General.MasterKey.IsSet() && !c.General.MasterKey.Equal(tutorialKey)
}

// BindPolicy returns the host to listen on. requested is what --host or HOST
// say, "" when nothing does: then it is every address with a master key, and
// this machine only without one. A host that others can reach is refused
// without a master key, with a sentence that names the override.
func (c *Config) BindPolicy(requested string) (host string, err error) {
	safe := c.Protected() || c.General.PermitWeakMasterKey
	switch {
	case requested == "" && c.Protected():
		return "0.0.0.0", nil
	case requested == "":
		return "127.0.0.1", nil
	case safe || isLoopback(requested):
		return requested, nil
	}
	why := "no master key is set"
	if c.General.MasterKey.IsSet() {
		why = "the master key is " + tutorialKey + ", the key of every tutorial"
	}
	return "", fmt.Errorf("others could use your provider keys through %s, because %s: set LITELLM_MASTER_KEY (or general_settings.master_key) to a key of your own, "+
		"listen on 127.0.0.1, or, if you know what you do, set general_settings.dangerously_permit_weak_or_unset_master_key: true", net.JoinHostPort(requested, "…"), why)
}
