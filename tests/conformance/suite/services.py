"""The strict fakes and the gateway in front of them, as processes."""
import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

from .install import CACHE, HERE, Missing

ROOT = HERE.parent.parent
KEY = "sk-conformance-master-key"
START = 20


def build():
    """Builds both programs; returns their paths."""
    out = CACHE / "bin"
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, package in (("fairlead", "./cmd/fairlead"), ("fakes", "./tests/conformance/fakes")):
        go = [os.environ.get("GO", "go"), "build", "-trimpath", "-o", str(out / name), package]
        if subprocess.run(go, cwd=ROOT, check=False, env={**os.environ, "CGO_ENABLED": "0"}).returncode:
            raise Missing("%s does not build; what the compiler says stands above." % package)
        paths.append(out / name)
    return paths


class Fakes:
    """The fake providers: their addresses, and what they saw."""

    def __init__(self, hello):
        self.providers = hello["providers"]
        self._control = hello["control"]

    def environment(self):
        """FAKE_<PROVIDER>_BASE and _KEY for the gateway's configuration."""
        out = {}
        for name, p in self.providers.items():
            out["FAKE_%s_BASE" % name.upper()] = p["base"]
            out["FAKE_%s_KEY" % name.upper()] = p["key"]
        return out

    def report(self):
        """What each provider saw since the last report."""
        with urllib.request.urlopen(self._control + "/report", timeout=10) as r:
            return json.load(r)


@contextlib.contextmanager
def fakes(program):
    """Runs the fakes until the block ends."""
    p = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Fakes(json.loads(p.stdout.readline()))
    finally:
        p.stdin.close()
        p.wait(timeout=START)


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _ready(base, process):
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(base + "/health/readiness", timeout=2):
                return True
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
    return False


@contextlib.contextmanager
def gateway(program, environment):
    """Runs the gateway until the block ends; yields its address."""
    port, log = _free_port(), CACHE / "gateway.log"
    base = "http://127.0.0.1:%d" % port
    clean = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(CACHE), "CONFORMANCE_KEY": KEY, **environment}
    command = [str(program), "--config", str(HERE / "gateway.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    with open(log, "w", encoding="utf-8") as out:
        p = subprocess.Popen(command, env=clean, cwd=CACHE, stdout=out, stderr=subprocess.STDOUT)
        try:
            if not _ready(base, p):
                raise Missing("The gateway did not start. Its log:\n%s" % log.read_text()[-2000:])
            yield base
        finally:
            p.terminate()
            p.wait(timeout=40)
