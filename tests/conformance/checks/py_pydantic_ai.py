"""pydantic-ai: an agent over the protocols that it speaks.

Its Messages model is left out: this release of it calls a type of the anthropic
package that newer releases of that package made a union.
"""
import asyncio

import pydantic
from pydantic_ai import Agent
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

from case import BASE, KEY, LOOP, V1, equal, final, get_quote, get_weather, has, run


def chat(model):
    return OpenAIChatModel(model, provider=OpenAIProvider(base_url=V1, api_key=KEY))


def responses(model):
    return OpenAIResponsesModel(model, provider=OpenAIProvider(base_url=V1, api_key=KEY))


def google(model):
    return GoogleModel(model, provider=GoogleProvider(base_url=BASE, api_key=KEY))


def agent(model):
    final(Agent(model, tools=[get_weather, get_quote]).run_sync(LOOP).output)


def stream(model):
    async def go():
        async with Agent(chat(model)).run_stream("hello stream") as r:
            has(await r.get_output(), "hello stream")
    asyncio.run(go())


class City(pydantic.BaseModel):
    name: str
    population: int


def structured(model):
    equal(Agent(chat(model), output_type=City).run_sync("A city.").output, City(name="fake", population=7), "output")


run({
    "stream": stream, "agent": lambda m: agent(chat(m)), "agent on responses": lambda m: agent(responses(m)),
    "agent on generateContent": lambda m: agent(google(m)), "structured": structured,
})
