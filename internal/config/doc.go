// Package config reads a LiteLLM configuration file as it is found in the
// wild and turns it into one validated, immutable Config.
//
// It is the only package of the gateway that reads files and environment
// variables. Loading happens in stages, each in a file of its own: the YAML
// text becomes a tree of nodes with positions (tree.go), includes are merged
// (include.go), references to the environment are resolved (expand.go), every
// key is compared with the registry (keys.go, keys.tsv), and the sections are
// decoded (deployments.go, router.go, settings.go). Nothing stops at the first
// mistake: each stage adds findings with file, line and column to a Report.
//
// A Config is never changed after Load returns it; a reload builds a new one
// whole (watch.go) and the caller swaps it.
package config
