"""langchain-openai with langgraph: ChatOpenAI alone and as an agent."""
import pydantic
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.prebuilt import create_react_agent

from case import KEY, LOOP, V1, equal, final, get_quote, get_weather, has, run


def model_of(name, **options):
    return ChatOpenAI(model=name, base_url=V1, api_key=KEY, max_retries=0, **options)


def text(message):
    c = message.content
    return c if isinstance(c, str) else "".join(p.get("text", "") for p in c)


def plain(model):
    has(text(model_of(model).invoke("hello plain")), "hello plain")


def stream(model):
    has("".join(text(c) for c in model_of(model).stream("hello stream")), "hello stream")


def agent(chat_model):
    r = create_react_agent(chat_model, [tool(get_weather), tool(get_quote)]).invoke({"messages": [("user", LOOP)]})
    final(text(r["messages"][-1]))


class City(pydantic.BaseModel):
    """A city."""
    name: str
    population: int


def structured(model):
    r = model_of(model).with_structured_output(City, method="json_schema").invoke("A city, as JSON.")
    equal(r, City(name="fake", population=7), "parsed")


run({
    "plain": plain, "stream": stream,
    "agent": lambda m: agent(model_of(m)), "agent streamed": lambda m: agent(model_of(m, streaming=True)),
    "agent on responses": lambda m: agent(model_of(m, use_responses_api=True, output_version="responses/v1")),
    "structured": structured,
})
