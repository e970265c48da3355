// Package docs holds no code of the program: its tests keep what the documents
// say true. The two READMEs must have one structure and the same commands, every
// command and link must exist, and the packages must depend on one another as
// docs/architecture.md draws them.
package docs
