// Package docs holds no code of the program: its tests keep what the documents
// say true. The two READMEs must have one structure and the same commands; every
// command, flag and link must exist; the packages must be what docs/architecture.md
// says of them. (The order of imports is package deps.)
package docs
