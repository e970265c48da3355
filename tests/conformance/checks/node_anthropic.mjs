// Node @anthropic-ai/sdk: messages.
import { BASE, KEY, LOOP, STEPS, TOOLS, equal, final, has, load, run, schema } from './case.mjs';

const Anthropic = (await load('@anthropic-ai/sdk')).default;
const client = new Anthropic({ baseURL: BASE, apiKey: KEY, maxRetries: 0 });
const user = content => [{ role: 'user', content }];
const specs = Object.keys(TOOLS).map(name => ({ name, description: name, input_schema: schema(name) }));
const text = message => message.content.filter(b => b.type === 'text').map(b => b.text).join('');
const whole = request => client.messages.create(request);
const streamed = request => client.messages.stream(request).finalMessage();

async function plain(model) {
  has(text(await whole({ model, max_tokens: 500, messages: user('hello plain') })), 'hello plain');
}

async function stream(model) {
  const m = await streamed({ model, max_tokens: 500, messages: user('hello stream') });
  has(text(m), 'hello stream');
  equal(m.stop_reason, 'end_turn', 'stop_reason');
}

const loop = answer => async model => {
  const messages = user(LOOP);
  for (let step = 1; step <= STEPS; step++) {
    const m = await answer({ model, max_tokens: 4000, messages, tools: specs, thinking: { type: 'adaptive' } });
    const calls = m.content.filter(b => b.type === 'tool_use');
    if (!calls.length) return final(text(m));
    const results = calls.map(c => ({ type: 'tool_result', tool_use_id: c.id, content: TOOLS[c.name].run(c.input) }));
    messages.push({ role: 'assistant', content: m.content }, { role: 'user', content: results });
  }
  throw new Error('the loop did not end');
};

await run({ plain, stream, tools: loop(whole), 'tools streamed': loop(streamed) });
