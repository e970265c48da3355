"""The clients: what they are called, what they speak, what they must do."""
import concurrent.futures
import dataclasses
import json
import os
import subprocess
from typing import Callable, Optional

from . import agents
from .install import HERE
from .services import KEY

# The column, the provider behind it, and the model that clients ask for.
FAMILIES = (
    ("OpenAI", "openai", "gpt-5-mini"),
    ("Gemini", "gemini", "gemini-3.1-pro-preview"),
    ("Claude", "anthropic", "claude-sonnet-5-5"),
    ("DeepSeek", "deepseek", "deepseek-v4-pro"),
)
MODELS = {provider: model for _, provider, model in FAMILIES}
LIMIT = 300
TURN = ("two tool calls in a turn",)


@dataclasses.dataclass(frozen=True)
class Client:
    """A client; it has a script of checks, or is a command line."""

    name: str
    packages: tuple
    speaks: str
    checks: tuple
    script: str = ""
    agent: Optional[Callable] = None


CLIENTS = (
    Client("openai (Python)", ("openai",), "Chat, Responses", (
        "plain", "stream", "tools", "tools streamed", "tools, state lost", "structured", "responses tools", "responses stream",
    ), "py_openai.py"),
    Client("anthropic (Python)", ("anthropic",), "Messages", ("plain", "stream", "tools", "tools streamed", "count"), "py_anthropic.py"),
    Client("google-genai (Python)", ("google-genai",), "generateContent", (
        "plain", "stream", "tools", "chat of two turns", "structured", "count",
    ), "py_genai.py"),
    Client("LangChain, LangGraph", ("langchain-openai", "langgraph"), "Chat, Responses", (
        "plain", "stream", "agent", "agent streamed", "agent on responses", "structured",
    ), "py_langgraph.py"),
    Client("pydantic-ai", ("pydantic-ai-slim",), "Chat, Responses, generateContent", (
        "stream", "agent", "agent on responses", "agent on generateContent", "structured",
    ), "py_pydantic_ai.py"),
    Client("instructor", ("instructor",), "Chat", ("tools", "json schema"), "py_instructor.py"),
    Client("openai (Node)", ("openai",), "Chat, Responses", (
        "plain", "stream", "tools", "tools streamed", "structured", "responses tools", "responses stream",
    ), "node_openai.mjs"),
    Client("@anthropic-ai/sdk", ("@anthropic-ai/sdk",), "Messages", ("plain", "stream", "tools", "tools streamed"), "node_anthropic.mjs"),
    Client("@google/genai", ("@google/genai",), "generateContent", ("plain", "stream", "tools", "chat streamed"), "node_genai.mjs"),
    Client("Vercel AI SDK", ("ai", "@ai-sdk/openai-compatible", "@ai-sdk/openai"), "Chat, Responses", (
        "plain", "agent", "agent streamed", "structured", "agent on responses", "agent on responses, streamed",
    ), "node_ai_sdk.mjs"),
    Client("Claude Code", ("@anthropic-ai/claude-code",), "Messages", TURN, agent=agents.claude_code),
    Client("Codex", ("@openai/codex",), "Responses", TURN, agent=agents.codex),
    Client("Gemini CLI", ("@google/gemini-cli",), "generateContent", TURN, agent=agents.gemini_cli),
    Client("Continue", ("@continuedev/cli",), "Chat, Responses", TURN, agent=agents.continue_cli),
)


@dataclasses.dataclass(frozen=True)
class Tools:
    """Where the clients are installed."""

    python: object
    path: str
    sdks: object
    clis: object


def _script(client, base, tools):
    """Runs a script of checks; yields (provider, check, ok, why)."""
    env = {
        "PATH": tools.path, "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
        "CONFORMANCE_BASE": base, "CONFORMANCE_KEY": KEY, "CONFORMANCE_MODELS": json.dumps(MODELS), "CONFORMANCE_NODE": str(tools.sdks),
    }
    program = tools.python if client.script.endswith(".py") else "node"
    command = [str(program), str(HERE / "checks" / client.script)]
    with open(HERE / ".cache" / "clients.log", "a", encoding="utf-8") as log:
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=log, text=True, timeout=LIMIT)
    for line in done.stdout.splitlines():
        if line.startswith('{"family"'):
            r = json.loads(line)
            yield r["family"], r["check"], r["ok"], r["why"]


def _turns(client, base, tools):
    """Lets a command line do its turn on every family, two at a time."""
    def one(model):
        return agents.turn(client.agent, model, base, KEY, tools.path, tools.clis / "node_modules" / ".bin")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for provider, (ok, why) in zip(MODELS, pool.map(one, MODELS.values())):
            yield provider, client.checks[0], ok, why


def results(client, base, tools):
    """{provider: {check: "" or why it failed}}; a check that said nothing has failed."""
    out = {p: {c: "it did not run" for c in client.checks} for p in MODELS}
    try:
        for provider, check, ok, why in (_script if client.script else _turns)(client, base, tools):
            out[provider][check] = "" if ok else why or "it failed without a word"
    except subprocess.TimeoutExpired:
        pass  # what it did not reach stays "it did not run"
    return out
