#!/usr/bin/env python3
"""Runs real clients against the gateway and writes docs/conformance.md.

FAIRLEAD_CONFORMANCE_SKIP=1 leaves everything out; FAIRLEAD_CONFORMANCE_ONLY=REGEX
runs the clients whose name matches, and leaves the page as it is.
"""
import os
import re
import sys
import time

from suite import clients, install, matrix, services

UPSTREAM = "clean upstream"


def upstream(seen):
    """"" when the provider saw nothing wrong, else what."""
    if seen["refused"]:
        return "refused: " + "; ".join(sorted(set(seen["refused"])))[:400]
    if not seen["answered"]:
        return "the provider was never asked"
    if seen["placeholders"] or seen["foreign"]:
        return "%d stand-ins, %d foreign signatures" % (seen["placeholders"], seen["foreign"])
    return ""


def measure(chosen, base, fakes, tools):
    """Runs the clients one after the other; returns [(client, results)]."""
    table = []
    for client in chosen:
        start = time.monotonic()
        fakes.report()
        found = clients.results(client, base, tools)
        for provider, seen in fakes.report().items():
            found[provider][UPSTREAM] = upstream(seen)
        table.append((client, found))
        print("%-22s %5.1f s" % (client.name, time.monotonic() - start), flush=True)
    return table


def everything(chosen):
    """Builds, installs, starts and measures."""
    install.CACHE.mkdir(exist_ok=True)
    (install.CACHE / "clients.log").write_text("")
    path = install.node_path()
    tools = clients.Tools(install.python(), path, install.npm("node", path), install.npm("cli", path))
    print("the clients are installed", flush=True)
    fairlead, fake = services.build()
    with services.fakes(fake) as fakes, services.gateway(fairlead, fakes.environment()) as base:
        return measure(chosen, base, fakes, tools)


def tell(table):
    """Prints the matrix and what failed; returns whether all is well."""
    print("\n" + matrix.terminal(table) + "\n")
    red = list(matrix.failures(table))
    for line in red:
        print("FAIL " + line)
    total = sum(len(checks) for _, by in table for checks in by.values())
    print("%d passed, %d failed" % (total - len(red), len(red)))
    return not red and total > 0


def main():
    if os.environ.get("FAIRLEAD_CONFORMANCE_SKIP"):
        print("conformance: left out, because FAIRLEAD_CONFORMANCE_SKIP is set")
        return 0
    only = os.environ.get("FAIRLEAD_CONFORMANCE_ONLY", "")
    chosen = [c for c in clients.CLIENTS if re.search(only, c.name, re.I)]
    try:
        table = everything(chosen)
    except install.Missing as e:
        print("conformance: %s\nFAIRLEAD_CONFORMANCE_SKIP=1 leaves it out." % e, file=sys.stderr)
        return 1
    if not only:
        (services.ROOT / "docs" / "conformance.md").write_text(matrix.page(table), encoding="utf-8")
    return 0 if tell(table) else 1


if __name__ == "__main__":
    sys.exit(main())
