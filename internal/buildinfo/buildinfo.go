// Package buildinfo knows what this binary is.
package buildinfo

import "runtime/debug"

// Version is set by the linker (-X) for a release; otherwise the module version
// that the toolchain recorded counts, or "dev".
var Version string

// String is the version for people and for the header x-litellm-version.
func String() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
