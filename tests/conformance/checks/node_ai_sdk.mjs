// Vercel AI SDK: the OpenAI-compatible provider, and OpenAI's own with Responses.
import { KEY, LOOP, STEPS, TOOLS, V1, equal, final, has, load, run } from './case.mjs';

const ai = await load('ai');
const { createOpenAICompatible } = await load('@ai-sdk/openai-compatible');
const { createOpenAI } = await load('@ai-sdk/openai');
const { z } = await load('zod');
const chat = createOpenAICompatible({ name: 'fairlead', baseURL: V1, apiKey: KEY, includeUsage: true, supportsStructuredOutputs: true });
const responses = createOpenAI({ baseURL: V1, apiKey: KEY });
const tool = name => ai.tool({ description: name, inputSchema: z.object({ [TOOLS[name].argument]: z.string() }), execute: async a => TOOLS[name].run(a) });
const tools = Object.fromEntries(Object.keys(TOOLS).map(name => [name, tool(name)]));
const agent = model => ({ model, prompt: LOOP, tools, stopWhen: ai.stepCountIs(STEPS + 2), maxRetries: 0 });

async function plain(model) {
  has((await ai.generateText({ model: chat(model), prompt: 'hello plain', maxRetries: 0 })).text, 'hello plain');
}

async function generate(model) {
  const r = await ai.generateText(agent(model));
  final(r.text);
  equal(r.steps.length, STEPS, 'steps');
}

async function streamed(model) {
  let failed;
  const r = ai.streamText({ ...agent(model), onError: ({ error }) => { failed = error; } });
  let text = '';
  for await (const d of r.textStream) text += d;
  if (failed) throw failed;
  final(text);
  if (!((await r.totalUsage).totalTokens > 0)) throw new Error('no usage');
}

async function structured(model) {
  const schema = z.object({ name: z.string() });
  equal((await ai.generateObject({ model: chat(model), schema, prompt: 'A city, as JSON.', maxRetries: 0 })).object, { name: 'fake' }, 'object');
}

await run({
  plain, agent: m => generate(chat(m)), 'agent streamed': m => streamed(chat(m)), structured,
  'agent on responses': m => generate(responses(m)), 'agent on responses, streamed': m => streamed(responses(m)),
});
