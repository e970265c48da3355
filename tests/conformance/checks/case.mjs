// What every Node check shares: models, prompts, tools, and how a result is told.
// A script prints one line of JSON a result: {family, check, ok, why}.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { CONFORMANCE_BASE: BASE, CONFORMANCE_KEY: KEY, CONFORMANCE_NODE: HOME } = process.env;
const V1 = `${BASE}/v1`;
const MODELS = JSON.parse(process.env.CONFORMANCE_MODELS);
const require = createRequire(`${HOME}/index.js`);

// The packages are installed in a cache beside the suite, not above this file.
const load = name => import(pathToFileURL(require.resolve(name)));

// The fake models do what the prompt says: two calls at once, then one more.
const LOOP = '<<think:Both first.>><<call:get_weather {"city":"Paris"} && get_quote {"code":"600519"}>>'
  + '<<call:get_weather {"city":"Oslo"}>>';
const STEPS = 3;
// The same one call at a time.
const SINGLE = LOOP.replace(' && get_quote', '>><<call:get_quote');
const SINGLE_STEPS = 4;
const LIMIT = 60_000;
const WEATHER = { Paris: '21 degrees', Oslo: '4 degrees' };
const QUOTES = { 600519: 'price 1700.5' };
const TOOLS = {
  get_weather: { argument: 'city', run: ({ city }) => WEATHER[city] },
  get_quote: { argument: 'code', run: ({ code }) => QUOTES[code] },
};
const schema = name => {
  const { argument } = TOOLS[name];
  return { type: 'object', properties: { [argument]: { type: 'string' } }, required: [argument] };
};

const has = (text, ...parts) => {
  for (const part of parts) if (!(text ?? '').includes(part)) throw new Error(`${JSON.stringify(part)} is not in ${JSON.stringify(text ?? null).slice(0, 300)}`);
};
const final = text => has(text, 'FINAL', '21 degrees', 'price 1700.5', '4 degrees');
const equal = (got, want, what) => {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${what} is ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
};

const limited = promise => {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('the check ran longer than its limit')), LIMIT); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

async function result(check, model) {
  try {
    await limited(check(model));
    return { ok: true, why: '' };
  } catch (e) {
    return { ok: false, why: `${e?.constructor?.name}: ${e?.message ?? e}`.replace(/\s+/g, ' ').slice(0, 500) };
  }
}

// run runs {name: function of a model} on every family.
async function run(checks) {
  for (const [family, model] of Object.entries(MODELS)) {
    for (const [check, f] of Object.entries(checks)) console.log(JSON.stringify({ family, check, ...await result(f, model) }));
  }
  process.exit(0);
}

export { BASE, KEY, V1, LOOP, STEPS, SINGLE, SINGLE_STEPS, TOOLS, schema, load, has, final, equal, run };
