"""Installs the clients from their lock files into the cache, once for each lock."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent
CACHE = HERE / ".cache"
PYTHON = (3, 11)
NODE = 20


class Missing(Exception):
    """Something cannot be installed; the text says what and what to do."""


def _run(*command, cwd=HERE, env=None):
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        name = " ".join(pathlib.Path(str(c)).name for c in command[:3])
        raise Missing("%s failed with status %d. Its last lines:\n%s" % (name, done.returncode, done.stdout[-2000:]))


def _once(folder, locks, make):
    """Calls make unless the folder was made from these very lock files."""
    digest = hashlib.sha256(b"\0".join(p.read_bytes() for p in locks)).hexdigest()
    stamp = folder / "made-from"
    if stamp.exists() and stamp.read_text() == digest:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make()
    stamp.write_text(digest)


def _venv(folder, lock):
    """A virtual environment with the packages of a lock; every file's hash is checked."""
    tools, own = HERE / "tools.lock", HERE / lock

    def make():
        try:
            _run(sys.executable, "-m", "venv", folder)
        except Missing as e:
            raise Missing("Python cannot make a virtual environment; on Debian install python3-venv.\n%s" % e) from e
        python = folder / "bin" / "python"
        _run(python, "-m", "pip", "install", "-q", "--require-hashes", "-r", tools)
        _run(folder / "bin" / "uv", "pip", "install", "-q", "--python", python, "--require-hashes", "-r", own)

    _once(folder, [tools, own], make)
    return folder / "bin"


def python():
    """The interpreter that has the Python clients."""
    if sys.version_info < PYTHON:
        raise Missing("Python %d.%d or newer is needed; this is %d.%d." % (PYTHON + sys.version_info[:2]))
    return _venv(CACHE / "venv", "requirements.lock") / "python"


def _node_version():
    try:
        text = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.match(r"v(\d+)", text)
    return int(found.group(1)) if found else 0


def node_path():
    """A PATH with node and npm: the machine's when it is new enough, else a locked one."""
    path = os.environ.get("PATH", os.defpath)
    if _node_version() >= NODE and shutil.which("npm"):
        return path
    return "%s%s%s" % (_venv(CACHE / "node-runtime", "node.lock"), os.pathsep, path)


def npm(name, path):
    """Installs the packages of tests/conformance/<name>; returns the folder."""
    source, folder = HERE / name, CACHE / name
    files = [source / f for f in ("package.json", "package-lock.json", ".npmrc")]

    def make():
        for f in files:
            shutil.copy(f, folder)
        _run("npm", "ci", "--loglevel=error", cwd=folder, env={**os.environ, "PATH": path})

    _once(folder, files, make)
    return folder


def locked(package, python_package):
    """The version that the locks give a package."""
    if python_package:
        for line in (HERE / "requirements.lock").read_text().splitlines():
            if line.startswith(package + "=="):
                return line.split("==")[1].split()[0]
    for name in ("node", "cli"):
        packages = json.loads((HERE / name / "package-lock.json").read_text())["packages"]
        if "node_modules/" + package in packages:
            return packages["node_modules/" + package]["version"]
    raise Missing("no lock file has %s" % package)
