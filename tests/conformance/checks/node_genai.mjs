// Node @google/genai: generateContent.
import { BASE, KEY, LOOP, SINGLE, SINGLE_STEPS, STEPS, TOOLS, final, has, load, run, schema } from './case.mjs';

const { GoogleGenAI } = await load('@google/genai');
const client = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: BASE } });
const functionDeclarations = Object.keys(TOOLS).map(name => ({ name, description: name, parametersJsonSchema: schema(name) }));
const config = { tools: [{ functionDeclarations }] };

async function plain(model) {
  has((await client.models.generateContent({ model, contents: 'hello plain' })).text, 'hello plain');
}

async function stream(model) {
  let text = '';
  for await (const c of await client.models.generateContentStream({ model, contents: 'hello stream' })) text += c.text ?? '';
  has(text, 'hello stream');
}

async function tools(model) {
  const contents = [{ role: 'user', parts: [{ text: LOOP }] }];
  for (let step = 1; step <= STEPS; step++) {
    const r = await client.models.generateContent({ model, contents, config });
    if (!r.functionCalls?.length) return final(r.text);
    const parts = r.functionCalls.map(({ id, name, args }) => ({ functionResponse: { id, name, response: { output: TOOLS[name].run(args) } } }));
    contents.push(r.candidates[0].content, { role: 'user', parts });
  }
  throw new Error('the loop did not end');
}

// The chat keeps each chunk as a turn of its own, so that two calls in two chunks
// become two turns, which Gemini itself refuses: one call at a time here.
async function chat(model) {
  const c = client.chats.create({ model, config });
  let message = SINGLE;
  for (let step = 1; step <= SINGLE_STEPS; step++) {
    let text = '';
    const calls = [];
    for await (const chunk of await c.sendMessageStream({ message })) {
      for (const p of chunk.candidates?.[0]?.content?.parts ?? []) if (p.text && !p.thought) text += p.text;
      calls.push(...chunk.functionCalls ?? []);
    }
    if (!calls.length) return final(text);
    message = calls.map(({ id, name, args }) => ({ functionResponse: { id, name, response: { output: TOOLS[name].run(args) } } }));
  }
  throw new Error('the loop did not end');
}

await run({ plain, stream, tools, 'chat streamed': chat });
