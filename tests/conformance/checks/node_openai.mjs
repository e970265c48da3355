// Node openai: chat completions, its tool runner, zod, responses.
import { KEY, LOOP, STEPS, TOOLS, V1, equal, final, has, load, run, schema } from './case.mjs';

const OpenAI = (await load('openai')).default;
const { zodResponseFormat } = await load('openai/helpers/zod');
const { z } = await load('zod');
const client = new OpenAI({ baseURL: V1, apiKey: KEY, maxRetries: 0 });
const user = content => [{ role: 'user', content }];
const names = Object.keys(TOOLS);
const chatTools = names.map(name => ({ type: 'function', function: { name, description: name, parameters: schema(name) } }));
const runnable = names.map(name => ({
  type: 'function', function: { name, description: name, parse: JSON.parse, parameters: schema(name), function: TOOLS[name].run },
}));
const responseTools = names.map(name => ({ type: 'function', name, description: name, parameters: schema(name), strict: false }));

async function plain(model) {
  const r = await client.chat.completions.create({ model, messages: user('hello plain') });
  has(r.choices[0].message.content, 'hello plain');
}

async function stream(model) {
  let text = '';
  const s = await client.chat.completions.create({ model, messages: user('hello stream'), stream: true });
  for await (const c of s) text += c.choices[0]?.delta?.content ?? '';
  has(text, 'hello stream');
}

async function tools(model) {
  const messages = user(LOOP);
  for (let step = 1; step <= STEPS; step++) {
    const { message } = (await client.chat.completions.create({ model, messages, tools: chatTools })).choices[0];
    messages.push(message);
    if (!message.tool_calls?.length) return final(message.content);
    for (const c of message.tool_calls) {
      messages.push({ role: 'tool', tool_call_id: c.id, content: TOOLS[c.function.name].run(JSON.parse(c.function.arguments)) });
    }
  }
  throw new Error('the loop did not end');
}

async function runTools(model) {
  final(await client.chat.completions.runTools({ model, stream: true, messages: user(LOOP), tools: runnable }).finalContent());
}

async function structured(model) {
  const response_format = zodResponseFormat(z.object({ name: z.string(), population: z.int() }), 'city');
  const r = await client.chat.completions.parse({ model, messages: user('A city, as JSON.'), response_format });
  equal(r.choices[0].message.parsed.name, 'fake', 'parsed name');
}

async function responses(model) {
  const input = user(LOOP);
  for (let step = 1; step <= STEPS; step++) {
    const r = await client.responses.create({ model, input, tools: responseTools, store: false, include: ['reasoning.encrypted_content'] });
    const calls = r.output.filter(o => o.type === 'function_call');
    if (!calls.length) return final(r.output_text);
    input.push(...r.output, ...calls.map(c => ({ type: 'function_call_output', call_id: c.call_id, output: TOOLS[c.name].run(JSON.parse(c.arguments)) })));
  }
  throw new Error('the loop did not end');
}

async function responsesStream(model) {
  let text = '', last;
  for await (const e of await client.responses.create({ model, input: 'hello responses', stream: true })) {
    if (e.type === 'response.output_text.delta') text += e.delta;
    last = e.type;
  }
  has(text, 'hello responses');
  equal(last, 'response.completed', 'last event');
}

await run({
  plain, stream, tools, 'tools streamed': runTools, structured, 'responses tools': responses, 'responses stream': responsesStream,
});
