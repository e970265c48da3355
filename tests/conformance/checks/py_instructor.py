"""instructor: structured answers through tools and through JSON."""
import instructor
import openai
import pydantic

from case import KEY, V1, equal, run

plain = openai.OpenAI(base_url=V1, api_key=KEY, max_retries=0)


class City(pydantic.BaseModel):
    name: str
    population: int


def ask(model, mode):
    c = instructor.from_openai(plain, mode=mode)
    r = c.chat.completions.create(model=model, response_model=City, max_retries=0, messages=[{"role": "user", "content": "A city, as JSON."}])
    equal((r.name, r.population), ("fake", 7), "answer")


run({"tools": lambda m: ask(m, instructor.Mode.TOOLS), "json schema": lambda m: ask(m, instructor.Mode.JSON_SCHEMA)})
