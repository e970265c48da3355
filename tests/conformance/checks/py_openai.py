"""Python openai: chat completions and responses."""
import json

import openai
import pydantic

from case import KEY, LOOP, STEPS, TOOLS, V1, call, equal, final, has, run, schema

client = openai.OpenAI(base_url=V1, api_key=KEY, max_retries=0)
CHAT_TOOLS = [{"type": "function", "function": {"name": n, "description": n, "parameters": schema(n)}} for n in TOOLS]
RESPONSE_TOOLS = [{"type": "function", "name": n, "description": n, "parameters": schema(n), "strict": False} for n in TOOLS]


def user(text):
    return [{"role": "user", "content": text}]


def plain(model):
    r = client.chat.completions.create(model=model, messages=user("hello plain"))
    has(r.choices[0].message.content, "hello plain")
    equal(r.model, model, "model")
    assert r.usage.total_tokens == r.usage.prompt_tokens + r.usage.completion_tokens > 0


def stream(model):
    chunks = list(client.chat.completions.create(
        model=model, messages=user("hello stream"), stream=True, stream_options={"include_usage": True}))
    has("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), "hello stream")
    assert chunks[-1].usage.total_tokens > 0, "no usage in the last chunk"


def loop(model, answer):
    messages = user(LOOP)
    for step in range(STEPS):
        message = answer(model=model, messages=messages, tools=CHAT_TOOLS)
        messages.append(message)
        if not message.get("tool_calls"):
            equal(step + 1, STEPS, "steps")
            return final(message["content"])
        for c in message["tool_calls"]:
            f = c["function"]
            messages.append({"role": "tool", "tool_call_id": c["id"], "content": call(f["name"], json.loads(f["arguments"]))})
    raise AssertionError("the loop did not end")


def whole(**request):
    choice = client.chat.completions.create(**request).choices[0]
    if choice.message.tool_calls:
        equal(choice.finish_reason, "tool_calls", "finish_reason")
    return choice.message.model_dump(exclude_none=True)


def forgetful(**request):
    """A client that keeps only what the Chat Completions API documents."""
    m = whole(**request)
    if not m.get("tool_calls"):
        return m
    calls = [{"id": c["id"], "type": "function", "function": {k: c["function"][k] for k in ("name", "arguments")}} for c in m["tool_calls"]]
    return {"role": "assistant", "content": m.get("content"), "tool_calls": calls}


def streamed(**request):
    with client.chat.completions.stream(**request) as s:
        for _ in s:
            pass
        return s.get_final_completion().choices[0].message.model_dump(exclude_none=True, exclude={"parsed"})


class City(pydantic.BaseModel):
    name: str
    population: int


def structured(model):
    r = client.chat.completions.parse(model=model, messages=user("A city, as JSON."), response_format=City)
    equal(r.choices[0].message.parsed, City(name="fake", population=7), "parsed")


def responses(model):
    items = user(LOOP)
    for _ in range(STEPS):
        r = client.responses.create(model=model, input=items, tools=RESPONSE_TOOLS, store=False, include=["reasoning.encrypted_content"])
        calls = [o for o in r.output if o.type == "function_call"]
        if not calls:
            return final(r.output_text)
        items += [o.model_dump(exclude_none=True) for o in r.output]
        items += [{"type": "function_call_output", "call_id": c.call_id, "output": call(c.name, json.loads(c.arguments))} for c in calls]
    raise AssertionError("the loop did not end")


def responses_stream(model):
    events = list(client.responses.create(model=model, input="hello responses", stream=True))
    has("".join(e.delta for e in events if e.type == "response.output_text.delta"), "hello responses")
    equal(events[-1].type, "response.completed", "last event")
    equal([e.sequence_number for e in events], list(range(len(events))), "sequence numbers")


run({
    "plain": plain, "stream": stream,
    "tools": lambda m: loop(m, whole), "tools streamed": lambda m: loop(m, streamed), "tools, state lost": lambda m: loop(m, forgetful),
    "structured": structured, "responses tools": responses, "responses stream": responses_stream,
})
