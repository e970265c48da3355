// Package hostile has only tests: clients that break the rules of HTTP, JSON and
// courtesy, and configurations as people publish them, against the whole program
// with its real listener. Tests are named after the fault (C01–C16, L09–L11) or
// the attack (S05–S41) of the reliability catalogue that they hold off.
package hostile
