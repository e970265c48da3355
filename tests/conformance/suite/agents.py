"""The command lines: one headless turn with two tool calls."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

WORDS = ("PINEAPPLE42", "MANGO17")
LIMIT = 120


class Place:
    """A home and a folder with two notes, both empty otherwise."""

    def __init__(self, base, key, path, programs):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="conformance."))
        self.home, self.work = self.root / "home", self.root / "work"
        self.home.mkdir()
        self.work.mkdir()
        self.notes = [self.work / ("note%d.txt" % i) for i in range(len(WORDS))]
        for note, word in zip(self.notes, WORDS):
            note.write_text("the secret word is %s\n" % word)
        self.base, self.key, self.programs = base, key, programs
        self.environment = {"PATH": path, "HOME": str(self.home), "TERM": "dumb", "TMPDIR": str(self.root)}

    def prompt(self, tool, argument, form="%s"):
        """Lets the model read the notes, one after the other."""
        steps = ["<<call:%s %s>>" % (tool, json.dumps({argument: form % note})) for note in self.notes]
        return "Read both notes. <<think:The first note first.>>" + "".join(steps)

    def program(self, name):
        return str(self.programs / name)

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)


def claude_code(place, model):
    place.environment.update({
        "ANTHROPIC_BASE_URL": place.base, "ANTHROPIC_AUTH_TOKEN": place.key, "ANTHROPIC_MODEL": model,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": model, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
        "API_TIMEOUT_MS": "40000", "CLAUDE_CODE_MAX_RETRIES": "0", "IS_SANDBOX": "1",
    })
    prompt = place.prompt("Read", "file_path")
    return [place.program("claude"), "-p", prompt, "--output-format", "json", "--allowedTools", "Read", "--max-turns", "6"]


CODEX = """model_provider = "fairlead"
[model_providers.fairlead]
name = "Fairlead"
base_url = "%s/v1"
env_key = "FAIRLEAD_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""


def codex(place, model):
    (place.home / "config.toml").write_text(CODEX % place.base)
    place.environment.update({"CODEX_HOME": str(place.home), "FAIRLEAD_KEY": place.key})
    prompt = place.prompt("exec_command", "cmd", "cat %s")
    flags = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json"]
    return [place.program("codex"), "exec", "-m", model, *flags, prompt]


GEMINI = {
    "security": {"auth": {"selectedType": "gemini-api-key"}}, "general": {"enableAutoUpdate": False},
    "privacy": {"usageStatisticsEnabled": False}, "telemetry": {"enabled": False},
}


def gemini_cli(place, model):
    settings = place.home / ".gemini" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps(GEMINI))
    place.environment.update({
        "GEMINI_API_KEY": place.key, "GOOGLE_GEMINI_BASE_URL": place.base, "GEMINI_CLI_TRUST_WORKSPACE": "true",
    })
    prompt = place.prompt("read_file", "file_path")
    return [place.program("gemini"), "-m", model, "--skip-trust", "--approval-mode", "yolo", "-o", "json", "-p", prompt]


CONTINUE = """name: Fairlead
version: 1.0.0
schema: v1
models:
  - name: fairlead
    provider: openai
    model: %s
    apiBase: %s/v1
    apiKey: %s
    roles: [chat, edit]
    capabilities: [tool_use]
"""


def continue_cli(place, model):
    config = place.home / "config.yaml"
    config.write_text(CONTINUE % (model, place.base, place.key))
    place.environment["CONTINUE_TELEMETRY_ENABLED"] = "0"
    return [place.program("cn"), "--config", str(config), "--auto", "-p", place.prompt("Read", "filepath")]


def _output(command, place):
    """Runs the command line in a process group of its own and returns status and text."""
    p = subprocess.Popen(command, cwd=place.work, env=place.environment, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        text, _ = p.communicate(timeout=LIMIT)
        return p.returncode, text
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        text, _ = p.communicate()
        return "none within %d s" % LIMIT, text


def _complaint(text):
    lines = [line for line in text.splitlines() if re.search("error|fail|invalid|result", line, re.I)]
    return re.sub(r"\s+", " ", " ".join(lines[-3:]))[:500]


def turn(agent, model, base, key, path, programs):
    """One turn; the answer must hold both results as the model saw them."""
    place = Place(base, key, path, programs)
    try:
        status, text = _output(agent(place, model), place)
    finally:
        place.close()
    final = text[text.find("FINAL "):] if "FINAL " in text else ""
    ok = status == 0 and all(word in final for word in WORDS)
    return ok, "" if ok else "status %s: %s" % (status, _complaint(text))
