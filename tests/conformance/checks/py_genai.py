"""Python google-genai: generateContent."""
import pydantic
from google import genai

from case import BASE, KEY, LOOP, equal, final, get_quote, get_weather, has, run

client = genai.Client(api_key=KEY, http_options={"base_url": BASE, "retry_options": {"attempts": 1}})


def plain(model):
    r = client.models.generate_content(model=model, contents="hello plain")
    has(r.text, "hello plain")
    assert r.usage_metadata.total_token_count > 0, "no usage"


def stream(model):
    has("".join(c.text or "" for c in client.models.generate_content_stream(model=model, contents="hello stream")), "hello stream")


def tools(model):
    final(client.models.generate_content(model=model, contents=LOOP, config={"tools": [get_weather, get_quote]}).text)


def chat(model):
    c = client.chats.create(model=model, config={"tools": [get_weather, get_quote]})
    final(c.send_message(LOOP).text)
    has(c.send_message("and now something else").text, "something else")


class City(pydantic.BaseModel):
    name: str
    population: int


def structured(model):
    r = client.models.generate_content(
        model=model, contents="A city, as JSON.", config={"response_mime_type": "application/json", "response_schema": City})
    equal(r.parsed, City(name="fake", population=7), "parsed")


def count(model):
    assert client.models.count_tokens(model=model, contents="count me").total_tokens > 0


run({"plain": plain, "stream": stream, "tools": tools, "chat of two turns": chat, "structured": structured, "count": count})
