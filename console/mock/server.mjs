// A stand-in for the server in development and tests: `node mock/server.mjs [--port N] [--speed N] [--mode exercise]`.
// Tokens: `li` and `wang` may do everything, `guest` may read; without one there is what was issued.

import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Drills } from './drills.mjs';
import { Responses } from './responses.mjs';
import { Rulebooks } from './rulebooks.mjs';
import { ROLES, Services } from './services.mjs';
import { Watch } from './watch.mjs';
import { counted, World } from './world.mjs';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const STEP_MS = 250;
const PUSH_KEY = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';
const PEOPLE = {
  li: { id: 'li', name: '李明', scopes: ['read', 'approve', 'issue', 'answer', 'respond'] },
  wang: { id: 'wang', name: '王芳', scopes: ['read', 'approve', 'issue', 'answer', 'respond'] },
  guest: { id: 'guest', name: '访客', scopes: ['read'] },
};
/** Acts on responses: the scope each asks for. */
const RESPOND = {
  '': ['respond', (on, body, by) => on.respond(body, by)],
  '/decline': ['respond', (on, body, by) => on.decline(body, by)],
  '/return': ['respond', (on, body, by) => on.mayReturn(body, by)],
  '/close': ['respond', (on, body, by) => on.close(body, by)],
  '/tasks': ['answer', (on, body, by) => on.report(body, by)],
  '/transfers': ['answer', (on, body, by) => on.transfer(body, by)],
  '/damage': ['answer', (on, body, by) => on.harm(body, by)],
};
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** Starts the mock; gives its address and how to stop it. */
export async function start({ port = 0, speed = 1, mode = 'actual' } = {}) {
  const streams = new Map();
  /** Subscriptions of browsers, by address. */
  const subscriptions = new Map();
  const world = new World({ mode, send: (name, item) => {
    for (const [s, person] of streams) {
      const heard = person || name === 'time' || name === 'signal' ? item : name === 'warning' ? told(item, world.released.has(item.id)) : null;
      if (heard) s.write(`event: ${name}\ndata: ${JSON.stringify(heard)}\n\n`);
    }
  } });
  const responses = new Responses(world);
  responses.begin();
  const services = new Services(world, responses);
  services.begin();
  const watch = new Watch(world);
  const rulebooks = new Rulebooks(world);
  const drills = new Drills(world);
  const timer = setInterval(() => { world.advance((STEP_MS / 1000) * speed); services.tick(); }, STEP_MS);
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => problem(response, error.status ?? 500, error.title ?? 'Failed', error.message, { ...error.more, ...(error.faults ? { faults: error.faults } : {}) }));
  });

  async function answer(request, response) {
    const url = new URL(request.url, 'http://mock');
    const path = url.pathname;
    const asked = url.searchParams;
    const person = PEOPLE[(request.headers.authorization ?? '').replace('Bearer ', '')];
    const json = (value, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    const acted = (zones) => {
      const done = zones.filter((z) => z.state === 'done').length;
      if (done === 0 && zones.length > 0) return problem(response, 409, 'Changed since you saw it', zones.map((z) => `${z.zone}: ${z.why}`).join('; '), { zones });
      response.writeHead(done === zones.length ? 200 : 207, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ zones }));
    };
    const permit = (scope) => {
      if (!person) throw refuse(401, 'Not signed in', 'sign in: send the header Authorization: Bearer TOKEN');
      if (!person.scopes.includes(scope)) throw refuse(403, 'Not allowed', `${person.id} lacks the scope ${scope}`);
      return person.id;
    };
    const known = () => { if (!person) throw refuse(401, 'Not signed in', 'sign in: send the header Authorization: Bearer TOKEN'); };
    if (path === '/v1/stream') {
      if (request.headers.authorization) known();
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      response.write(': open\n\n');
      streams.set(response, person);
      request.on('close', () => streams.delete(response));
      return;
    }
    if (path === '/v1/push/subscriptions') {
      const body = JSON.parse((await text(request)) || '{}');
      if (request.method === 'DELETE') subscriptions.delete(body.endpoint);
      else {
        if (!body.areas?.length) throw refuse(400, 'Bad request', 'areas: name one to 16 areas');
        subscriptions.set(body.subscription.endpoint, body);
      }
      response.writeHead(request.method === 'DELETE' ? 204 : 201).end();
      return;
    }
    const warning = path.match(/^\/v1\/warnings\/([0-9a-f]+)\/(\w+)$/);
    if (request.method === 'POST') {
      const body = JSON.parse((await text(request)) || '{}');
      if (warning) {
        const w = world.warnings.get(warning[1]);
        if (!w) throw refuse(404, 'Not found', `no warning ${warning[1]}; see /v1/warnings`);
        const answer = act(w, warning[2], body, permit);
        if (answer) return json(answer);
      } else if (path.startsWith('/v1/orders/')) {
        permit('approve');
        if (path.endsWith('/confirm')) world.confirm(body.rule, body.subject);
        else if (!world.stand(body.rule, body.subject)) throw refuse(409, 'Changed since you saw it', `${body.subject} still reports or has no tier: its data decides`);
      } else if (/^\/v1\/signals\/[^/]+\/relay$/.test(path)) {
        permit('issue');
        if (!world.relay(decodeURIComponent(path.split('/')[3]))) throw refuse(404, 'Not found', 'no such signal is in force; see /v1/signals');
        return acted(world.signals.values().next().value?.areas.map((zone) => ({ zone, state: 'done', why: null })) ?? []);
      } else if (path.startsWith('/v1/responses')) {
        const [scope, follow] = RESPOND[path.slice('/v1/responses'.length)] ?? [];
        if (!follow) throw refuse(404, 'Not found', path);
        return json(follow(responses, body, permit(scope)));
      } else if (path === '/v1/services') return json(services.act(body, permit('respond')));
      else if (path === '/v1/services/products') return json(services.file(body, permit('answer')));
      else if (path === '/v1/evening') return json(services.fileEvening(body, permit('answer')));
      else if (/^\/v1\/rules\/[^/]+\/(mute|unmute)$/.test(path)) {
        const by = permit('approve');
        const [, , , rule, what] = path.split('/');
        return acted(what === 'mute' ? watch.mute(decodeURIComponent(rule), body, by) : watch.unmute(decodeURIComponent(rule), body));
      } else if (path.startsWith('/v1/rulebooks')) {
        const by = permit('approve');
        const [, , , hash, what] = path.split('/');
        if (!hash) return json(rulebooks.put(body, by), 201);
        if (what === 'approve') return json(rulebooks.approve(hash, body.seen, by));
        rulebooks.cancel(hash);
      } else if (path === '/v1/calls/answer') {
        const by = permit('answer');
        const call = [...world.calls.values()].find((c) => c.warning === body.warning && c.contact === body.contact);
        if (!call) throw refuse(404, 'Not found', 'no such call');
        world.answer(call, { contact: call.contact, answer: body.answer, note: body.note, channel: null, noted_by: by, said: body.said ?? world.text(world.time) });
      } else if (path === '/v1/handover') {
        world.takeOver(body, permit('answer'), refuse);
      } else if (path === '/v1/exercises') {
        return json(drills.begin(body, permit('issue'), refuse), 201);
      } else if (/^\/v1\/exercises\/[^/]+\/end$/.test(path)) {
        permit('issue');
        drills.end(path.split('/')[3], refuse);
      } else if (path === '/v1/gaps/answer') {
        world.speak(body, permit('answer'));
      } else if (path === '/v1/warnings') {
        permit('issue');
        if (!Object.keys(body.areas ?? {}).length) throw refuse(400, 'Bad request', 'areas: name at least one area with its tier; an empty set warns nobody');
        // Where something of that hazard is open already a zone refuses another.
        const zones = [...new Set(Object.keys(body.areas).map((code) => `${code.slice(0, 6)}000000`))];
        return acted(zones.map((zone) => {
          const open = [...world.warnings.values()].some((w) => w.zone === zone && w.hazard === body.hazard && w.event !== 'ended' && w.event !== 'cancelled');
          return open ? { zone, state: 'refused', why: 'one is open already: amend it' } : { zone, state: 'done', why: null };
        }));
      } else throw refuse(404, 'Not found', path);
      response.writeHead(204).end();
      return;
    }
    if (/^\/v1\/(sites|situations|blindness|deliveries|calls|gaps|answering|exercises|handover|incidents|timeline|plans|rulebooks.*|services|evening|rules)$/.test(path) || warning?.[2] === 'preview') known();
    if (/^\/v1\/exercises\/[^/]+\/score$/.test(path)) {
      known();
      return json(drills.score(path.split('/')[3], refuse));
    }
    switch (path) {
      case '/v1/state': return json({ ...world.state(), roles: Object.fromEntries(Object.entries(ROLES).map(([role, [zh, en]]) => [role, { zh, en }])) });
      case '/v1/areas': return json(world.city.areas);
      case '/v1/stations': return json(world.city.stations);
      case '/v1/sites': return json(world.city.sites);
      case '/v1/blindness': return json(asked.get('format') === 'geojson' ? watch.map(asked.get('hazard')) : watch.blindness(asked.get('hazard')));
      case '/v1/services': return json(services.list());
      case '/v1/rules': return json(watch.rules());
      case '/v1/evening': {
        if (asked.get('format') !== 'text') return json(services.evening(asked.get('day')));
        response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
        return response.end(services.text(asked.get('day'), asked.get('lang') ?? 'zh'));
      }
      case '/v1/situations': return json([...world.situations.values()]);
      case '/v1/warnings': return json(person ? [...world.warnings.values()] : [...world.warnings.values()].map(issued).filter(Boolean));
      case '/v1/deliveries': return json([...world.deliveries.values()].map(counted));
      case '/v1/signals': return json([...world.signals.values()]);
      case '/v1/handover': return json(world.handover());
      case '/v1/exercises': return json(drills.list());
      case '/v1/gaps': return json(world.gaps());
      case '/v1/answering': return json(world.answering());
      case '/v1/calls': return json([...world.calls.values()]);
      case '/v1/responses': return json(responses.list(Boolean(person)));
      case '/v1/plans': return json(responses.plans());
      case '/v1/consequences': return json(responses.consequences());
      case '/v1/incidents': return json(responses.incidentList());
      case '/v1/timeline': return json(responses.entries.filter((entry) => entry.number > Number(url.searchParams.get('since') ?? 0)));
      case '/v1/rulebooks': return json(rulebooks.list());
      case '/v1/push/key': return json({ key: PUSH_KEY, languages: ['zh', 'en'] });
      case '/v1/push/subscriptions-left': return json([...subscriptions.values()]);
      case '/v1/me': permit('read'); return json(person);
      case '/v1/observations': return json(series(url.searchParams));
    }
    if (warning?.[2] === 'preview') {
      const w = world.warnings.get(warning[1]);
      if (!w) throw refuse(404, 'Not found', 'no such warning');
      return json(world.preview(w));
    }
    file(path, response);
  }

  function act(w, what, body, permit) {
    if (what === 'approve') {
      const who = permit('approve');
      if (body.seen !== w.seen || body.revision !== w.revision) throw refuse(409, 'Changed since you saw it', `revision ${w.revision} is not what was seen`);
      if (w.signed_by.includes(who)) throw refuse(409, 'Changed since you saw it', `${who} has signed already`);
      if (!w.relay) worded(world.objections(world.own.get(w.id) ?? {}), body);
      w.signed_by = [...w.signed_by, who];
      if (w.signing) w.signing = { ...w.signing, signed_by: w.signed_by };
      if (w.signed_by.length >= w.needs) world.release(w, w.signed_by);
      else world.emit('warning', w);
    } else if (what === 'reject' || what === 'amend') {
      const who = permit('approve');
      reasoned(body);
      if (body.revision !== w.revision) throw refuse(409, 'Changed since you saw it', `revision ${body.revision} is not the current one, ${w.revision}`);
      if (what === 'reject') world.reject(w, who);
      else if (w.relay) throw refuse(409, 'Changed since you saw it', `${w.id} passes on another authority's words`);
      else {
        if (Object.keys(body.text ?? {}).length > 0) worded(world.objections({ ...world.own.get(w.id), ...body.text }), body);
        world.amend(w, body);
      }
    } else if (what === 'review') {
      const who = permit('approve');
      if (w.review?.signed_by.includes(who)) throw refuse(409, 'Changed since you saw it', `${who} released it: another person must review it`);
      world.review(w, who, body);
    } else if (what === 'cancel') {
      permit('issue');
      reasoned(body);
      const recall = world.recall(w);
      world.cancel(w, body.areas ?? []);
      recall.settled = w.event === 'cancelled';
      return { recall, remains: responses.remains(w.zone, w.event === 'cancelled' ? w.id : '') };
    }
    else throw refuse(404, 'Not found', what);
    return null;
  }

  function series(query) {
    const list = world.windows.get(query.get('station')) ?? [];
    const from = Math.floor(world.time / 60) - list.length + 1;
    return list.map((value, i) => ({ time: world.text((from + i) * 60), value: value.toFixed(1), quality: 0 }));
  }

  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = () => { clearInterval(timer); for (const s of streams.keys()) s.destroy(); return new Promise((resolve) => server.close(resolve)); };
  return { url: `http://127.0.0.1:${server.address().port}`, world, stop };
}

/** What everybody may see of a warning: what is in force, also while something else is proposed in its place. */
function issued(w) {
  const standing = w.event === 'proposed' ? w.in_force : w.event === 'issued' || w.event === 'updated' ? w : null;
  return standing && only(w, standing);
}

/** What everybody may hear of a revision: of a proposal nothing, of an end who heard of the beginning. */
function told(w, wasPublic) {
  if (w.event === 'proposed') return null;
  return w.event === 'issued' || w.event === 'updated' ? issued(w) : wasPublic ? only(w, w) : null;
}

function only(w, { revision, event, tier, time, expires, areas, text }) {
  const shown = Object.fromEntries(Object.entries(areas).map(([code, area]) => [code, { ...area, reached: area.tier }]));
  return {
    ...w, revision, event, tier, time, expires, text, areas: shown,
    sites: {}, evidence: [], seen: '', signed_by: [], needs: 0, clock_ends: null, signing: null, review: null, request_to: null, in_force: null, unconfirmed: false, past: false, rule: '',
  };
}

function file(path, response) {
  const name = normalize(path === '/' ? '/index.html' : path);
  const at = join(DIST, name);
  if (!at.startsWith(DIST) || !existsSync(at)) return problem(response, 404, 'Not found', path);
  response.writeHead(200, { 'content-type': TYPES[extname(at)] ?? 'application/octet-stream' });
  response.end(readFileSync(at));
}

const reasoned = (body) => { if (!body.reason?.trim()) throw refuse(400, 'Bad request', 'reason: say why in a few words'); };
const refuse = (status, title, detail, more = {}) => Object.assign(new Error(detail), { status, title, more });
const worded = (findings, body) => {
  if (Object.keys(findings).length === 0) return;
  if (!body.as_it_stands) throw refuse(422, 'Refused', 'its words: word it otherwise, or send "as_it_stands": true with a reason', { findings });
  reasoned(body);
};

function problem(response, status, title, detail, more = {}) {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ type: 'about:blank', title, status, detail, ...more }));
}

async function text(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '8090' }, speed: { type: 'string', default: '1' }, mode: { type: 'string', default: 'actual' } } });
  const { url } = await start({ port: Number(values.port), speed: Number(values.speed), mode: values.mode });
  console.error(`mock of the API at ${url}, tokens li, wang, guest`);
}
