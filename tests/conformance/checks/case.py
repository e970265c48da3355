"""What every Python check shares: models, prompts, tools, and how a result is told.

A script runs its checks on each family and prints one line of JSON a result:
{"family", "check", "ok", "why"}.
"""
import json
import os
import re
import signal
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("LANGCHAIN_TRACING_V2", "false")
os.environ.setdefault("LOGFIRE_IGNORE_NO_CONFIG", "1")

BASE = os.environ["CONFORMANCE_BASE"]
KEY = os.environ["CONFORMANCE_KEY"]
V1 = BASE + "/v1"
MODELS = json.loads(os.environ["CONFORMANCE_MODELS"])

# The fake models do what the prompt says. Two calls at once, then one more; the
# thought is state that must come back with the next request.
LOOP = ('<<think:Both first.>><<call:get_weather {"city":"Paris"} && get_quote {"code":"600519"}>>'
        '<<call:get_weather {"city":"Oslo"}>>')
STEPS = 3
LIMIT = 60


def get_weather(city: str) -> str:
    """Weather of a city."""
    return {"Paris": "21 degrees", "Oslo": "4 degrees"}[city]


def get_quote(code: str) -> str:
    """Price of a share."""
    return {"600519": "price 1700.5"}[code]


TOOLS = {"get_weather": (get_weather, "city"), "get_quote": (get_quote, "code")}


def call(name, arguments):
    """Runs a tool as an agent would."""
    return TOOLS[name][0](**arguments)


def schema(name):
    """The JSON schema of a tool's arguments."""
    argument = TOOLS[name][1]
    return {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}


def has(text, *parts):
    for part in parts:
        assert part in (text or ""), "%r is not in %r" % (part, (text or "")[:300])


def final(text):
    """The last answer tells every tool result as the model saw it."""
    has(text, "FINAL", "21 degrees", "price 1700.5", "4 degrees")


def equal(got, want, what):
    assert got == want, "%s is %r, not %r" % (what, got, want)


class TooLong(Exception):
    """A check did not end."""


def _alarm(*_):
    raise TooLong("the check ran longer than %d seconds" % LIMIT)


def _result(check, model):
    signal.alarm(LIMIT)
    try:
        check(model)
        return True, ""
    except Exception as e:  # every failure is a result
        return False, re.sub(r"\s+", " ", "%s: %s" % (type(e).__name__, e))[:500]
    finally:
        signal.alarm(0)


def run(checks):
    """Runs {name: function of a model} on every family."""
    signal.signal(signal.SIGALRM, _alarm)
    for family, model in MODELS.items():
        for name, check in checks.items():
            ok, why = _result(check, model)
            print(json.dumps({"family": family, "check": name, "ok": ok, "why": why}), flush=True)
    sys.stdout.flush()
    os._exit(0)  # some clients leave threads behind
