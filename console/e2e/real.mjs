// What a real server needs before the cases: water in culverts, a signal of another authority, rain that goes on. And
// whether the mock says what the server says.

import assert from 'node:assert/strict';
import { list, post, until } from './harness.mjs';

const RAIN_EVERY_MS = 700;
/** Districts in which water rises, by what it comes to; the others stay dry. */
const WATER = ['orange', 'orange', 'orange', 'orange', 'orange', 'red', 'red', 'suspect'];

const stamp = (seconds) => new Date((Math.floor(seconds) + 8 * 3600) * 1000).toISOString().replace(/\.\d+Z$/, '+08:00');
const district = (code) => `${code.slice(0, 6)}000000`;
const minute = () => Math.floor(Date.now() / 60_000) * 60;
const send = (lines) => post('/v1/observations', lines.map((line) => JSON.stringify(line)).join('\n'));

/** A storm over the served city, by its own interface alone. */
export async function prepare() {
  const sites = await list('/v1/sites');
  const culverts = new Map();
  for (const site of sites) {
    if (!site.station || !['culvert', 'underpass'].includes(site.kind)) continue;
    const found = culverts.get(district(site.area)) ?? [];
    if (found.length < 2 && found.every((known) => known.area !== site.area)) culverts.set(district(site.area), [...found, site]);
  }
  const pairs = [...culverts].filter(([, found]) => found.length === 2);
  assert.ok(pairs.length > WATER.length, 'districts enough');
  const time = stamp(minute() - 60);
  const depth = (site, tier, more = {}) => ({ station: site.station, parameter: 'water_depth', time, value: Number((Number(site.thresholds[tier]) + 0.01).toFixed(2)), unit: 'm', ...more });
  // The lower one first: what rises above what stands is put forward at once.
  const before = WATER.map((tier, i) => (tier === 'suspect' ? [] : depth(pairs[i][1][0], 'yellow'))).flat();
  const after = WATER.map((tier, i) => (tier === 'suspect' ? depth(pairs[i][1][1], 'orange', { quality: 1 }) : depth(pairs[i][1][1], tier)));
  for (const lines of [before, after]) {
    const taken = await send(lines);
    assert.equal(taken.accepted, lines.length, JSON.stringify(taken));
  }
  await post('/v1/signals', alert(pairs.slice(0, 2).map(([code]) => code)));
  await until('a proposal in each of those districts', async () => (await list('/v1/warnings')).filter((w) => w.event === 'proposed').length >= WATER.length);
  await until('the signal', async () => (await list('/v1/signals')).length > 0);
  const gauges = (await list('/v1/stations')).filter((s) => s.parameters.includes('rainfall')).slice(0, 40);
  let turn = 0;
  setInterval(() => {
    turn += 1;
    const here = gauges.filter((_, n) => n % 8 === turn % 8);
    send(here.map((s) => ({ station: s.id, parameter: 'rainfall', time: stamp(minute()), value: (turn % 5) / 10, unit: 'mm' }))).catch(() => undefined);
  }, RAIN_EVERY_MS).unref();
}

function alert(districts) {
  const area = districts.map((code) => `<area><areaDesc>${code}</areaDesc><geocode><valueName>GB</valueName><value>${code}</value></geocode></area>`).join('');
  return `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>44010041600000_${Date.now()}</identifier><sender>office@weather.example</sender><sent>${stamp(Date.now() / 1000)}</sent>
    <status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Immediate</urgency><severity>Severe</severity>
    <certainty>Observed</certainty><eventCode><valueName>GB</valueName><value>11B03</value></eventCode><expires>${stamp(Date.now() / 1000 + 3 * 3600)}</expires><senderName>穗城气象台</senderName>
    <headline>穗城气象台发布暴雨橙色预警信号</headline><description>预计未来3小时降雨量将达50毫米以上,请注意防御</description>${area}</info></alert>`;
}

/** Objects whose keys are data. */
const MAPS = ['official', 'interrupted', 'found', 'counts', 'areas', 'sites', 'values', 'last', 'thresholds', 'heads', 'segments', 'text', 'texts', 'remarks', 'objections', 'unreachable_by', 'headline', 'description', 'roles', 'sources'];

/** Adds the fields of each object of `value` by where it stands. */
function fields(value, at, into) {
  if (Array.isArray(value)) for (const item of value) fields(item, `${at}[]`, into);
  else if (value && typeof value === 'object') {
    const isMap = MAPS.includes(at.split('.').at(-1)) || at.endsWith('heads.*');
    if (!isMap) into.set(at, new Set([...(into.get(at) ?? []), ...Object.keys(value)]));
    for (const [name, item] of Object.entries(value)) fields(item, isMap ? `${at}.*` : `${at}.${name}`, into);
  }
}

async function read(get) {
  const found = new Map();
  for (const name of ['state', 'stations', 'sites', 'situations', 'warnings', 'deliveries', 'signals', 'calls', 'me']) fields(await get(`/v1/${name}`), name, found);
  for (const name of ['plans', 'consequences', 'responses', 'services', 'evening', 'blindness', 'rules', 'gaps', 'answering']) fields(await get(`/v1/${name}`), name, found);
  // A signature and a dry run are of those alone that are put forward.
  const { trial: _, seen: __, ...kept } = (await get('/v1/rulebooks')).find((r) => r.state === 'in_force');
  fields(kept, 'rulebook', found);
  // What an entry or a remaining thing has depends on its kind.
  for (const { kind, item, ...entry } of await get('/v1/timeline')) {
    fields(entry, 'timeline', found);
    fields(item, `timeline ${kind}`, found);
  }
  for (const { remains, ...incident } of await get('/v1/incidents')) {
    fields(incident, 'incident', found);
    for (const what of remains) fields(what, `remains ${what.kind}`, found);
  }
  fields((await get('/v1/areas')).features.map((f) => f.properties), 'places', found);
  const waiting = (await get('/v1/warnings')).find((w) => w.event === 'proposed');
  fields(await get(`/v1/warnings/${waiting.id}/preview`), 'preview', found);
  return found;
}

/** Holds the mock's answers against the server's: the same fields wherever both have an object. */
export async function shapes(tried) {
  const mock = await (await import('../mock/server.mjs')).start();
  const [ours, theirs] = [await read(list), await read(async (path) => (await fetch(mock.url + path, { headers: { authorization: 'Bearer li' } })).json())];
  fields(tried, 'candidate', ours);
  const books = await fetch(`${mock.url}/v1/rulebooks`, { headers: { authorization: 'Bearer li' } });
  fields((await books.json()).find((r) => r.state === 'candidate'), 'candidate', theirs);
  await mock.stop();
  const differences = [];
  for (const [at, names] of ours) {
    const others = theirs.get(at);
    if (!others) continue;
    const lacks = [...names].filter((name) => !others.has(name));
    const invents = [...others].filter((name) => !names.has(name));
    if (lacks.length + invents.length > 0) differences.push(`${at}: the mock lacks [${lacks}], invents [${invents}]`);
  }
  assert.ok(ours.size > 15, `too little to compare: ${[...ours.keys()]}`);
  assert.deepEqual(differences, []);
}
