"""Python anthropic: messages."""
import anthropic

from case import BASE, KEY, LOOP, STEPS, TOOLS, call, equal, final, has, run, schema

client = anthropic.Anthropic(base_url=BASE, api_key=KEY, max_retries=0)
SPECS = [{"name": n, "description": n, "input_schema": schema(n)} for n in TOOLS]


def user(text):
    return [{"role": "user", "content": text}]


def text(message):
    return "".join(b.text for b in message.content if b.type == "text")


def whole(**request):
    return client.messages.create(**request)


def streamed(**request):
    with client.messages.stream(**request) as s:
        return s.get_final_message()


def plain(model):
    r = whole(model=model, max_tokens=500, system="Be brief.", messages=user("hello plain"))
    has(text(r), "hello plain")
    equal(r.stop_reason, "end_turn", "stop_reason")
    assert r.usage.output_tokens > 0, "no usage"


def stream(model):
    with client.messages.stream(model=model, max_tokens=500, messages=user("hello stream")) as s:
        has("".join(s.text_stream), "hello stream")
        equal(s.get_final_message().stop_reason, "end_turn", "stop_reason")


def loop(model, answer):
    messages = user(LOOP)
    for _ in range(STEPS):
        r = answer(model=model, max_tokens=4000, messages=messages, tools=SPECS, thinking={"type": "adaptive"})
        calls = [b for b in r.content if b.type == "tool_use"]
        if not calls:
            return final(text(r))
        equal(r.stop_reason, "tool_use", "stop_reason")
        messages.append({"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in r.content]})
        messages.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": c.id, "content": call(c.name, c.input)} for c in calls]})
    raise AssertionError("the loop did not end")


def count(model):
    assert client.messages.count_tokens(model=model, messages=user("count me")).input_tokens > 0


run({"plain": plain, "stream": stream, "tools": lambda m: loop(m, whole), "tools streamed": lambda m: loop(m, streamed), "count": count})
