// The mock's state: a storm stepped by record time, proposals, signatures, deliveries and calls.

import { createHash } from 'node:crypto';
import { bbox, city as readCity, rain } from './storm.mjs';

const RANK = { none: 0, white: 1, blue: 2, yellow: 3, orange: 4, red: 5 };
const NAME = { blue: ['蓝色', 'BLUE'], yellow: ['黄色', 'YELLOW'], orange: ['橙色', 'ORANGE'], red: ['红色', 'RED'] };
const HAZARD = { '11B03': { zh: '暴雨', en: 'Rainstorm' }, '11A02': { zh: '内涝', en: 'Waterlogging' } };
const higher = (a, b) => (RANK[a] >= RANK[b] ? a : b);
const START = Date.parse('2023-09-07T23:30:00+08:00') / 1000;
const PEOPLE_PER_SUBSCRIBER = 93;
const DEPUTIES = ['deputy-duty', 'chief'];

/** A delivery as the server counts it: of those sent some are accepted, of these some delivered. */
export const counted = (d) => ({ ...d, sent: d.accepted + d.delivered + d.failed + d.unknown, accepted: d.accepted + d.delivered });

/** The hash that an approval carries. */
const seen = (w) => createHash('sha256').update(JSON.stringify([w.revision, w.areas, w.text, w.tier])).digest('hex');

/** Whom none of the channels reaches, and why. */
function unreachable(all) {
  const unreachable_by = { landline: Math.round(all * 0.004), foreign: Math.round(all * 0.001), data_only: Math.round(all * 0.001) };
  return { unreachable_by, unreachable: Object.values(unreachable_by).reduce((a, b) => a + b, 0) };
}

/** Two accounts of unequal shares: the larger one's last phone is the last of all. */
function lastPhones(all) {
  const of = (link, share, pace_per_s) => {
    const heads = Math.round(all * share);
    return { link, heads, parts: heads * 2, ahead: 0, pace_per_s, last_phone_s: Math.ceil((heads * 2) / pace_per_s) };
  };
  const last_phones = [of('sms', 0.8, 500), of('sms/unicom', 0.2, 500)];
  return { last_phones, last_phone_s: Math.max(...last_phones.map((a) => a.last_phone_s)) };
}

export class World {
  constructor({ mode = 'actual', seed = 1, send = () => {} } = {}) {
    this.city = readCity();
    this.mode = mode;
    this.send = send;
    this.seed = seed;
    this.minute = 0;
    this.time = START;
    this.warm = true;
    this.areas = new Map(this.city.areas.features.map((f) => [f.properties.code, f.properties]));
    this.stationById = new Map(this.city.stations.map((s) => [s.id, s]));
    this.windows = new Map();
    this.depths = new Map();
    this.situations = new Map();
    this.warnings = new Map();
    this.calls = new Map();
    this.deliveries = new Map();
    this.signals = new Map();
    this.released = new Set();
    /** Words that people put in place of the template's, by warning. */
    this.own = new Map();
    while (this.minute < 185) this.stepMinute();
    for (const w of this.warnings.values()) {
      // What had stood for long was signed before the screen opened.
      if (Date.parse(w.time) / 1000 < this.time - 480) this.release(w, w.needs === 1 ? ['li'] : ['li', 'wang']);
    }
    for (this.elapsed = 0; this.elapsed < 900; this.elapsed += 4) this.#deliver(4);
    this.#signals();
    this.warm = false;
  }

  random() {
    this.seed = (this.seed * 1103515245 + 12345) % 2147483648;
    return this.seed / 2147483648;
  }

  text(time) {
    return new Date((Math.floor(time) + 8 * 3600) * 1000).toISOString().replace(/\.\d+Z$/, '+08:00');
  }

  district(code) {
    let at = this.areas.get(code);
    while (at && at.level !== 'district' && at.parent) at = this.areas.get(at.parent);
    return at?.code ?? code;
  }

  emit(name, item) {
    if (!this.warm) this.send(name, item);
  }

  /** Record time moves on by `dt` seconds; whole minutes bring weather. */
  advance(dt) {
    const before = Math.floor(this.time / 60);
    this.time += dt;
    this.#deliver(dt);
    this.#ladders();
    this.#clocks();
    if (!this.warm) for (let m = before; m < Math.floor(this.time / 60); m += 1) this.stepMinute();
    this.emit('time', { time: this.text(this.time) });
  }

  stepMinute() {
    if (this.warm) {
      this.time += 60;
      this.#ladders();
    }
    this.minute += 1;
    const stamp = this.text(Math.floor(this.time / 60) * 60);
    for (const station of this.city.stations) {
      if (station.kind === 'rain_gauge') this.#gauge(station, stamp);
      else if (station.kind === 'depth_sensor') this.#depth(station, stamp);
    }
    for (const site of this.city.sites) {
      const depth = site.station ? this.depths.get(site.station) : undefined;
      if (depth === undefined) continue;
      let tier = 'none';
      for (const k of ['blue', 'yellow', 'orange', 'red']) if (site.thresholds[k] && depth >= site.thresholds[k]) tier = k;
      this.#situation(site.kind === 'waterlogging' ? 'waterlogging' : 'culvert', '11A02', site, tier, { 'water_depth.last()': depth.toFixed(2) });
    }
    this.#propose();
  }

  #gauge(station, stamp) {
    const value = rain(this.city, this.minute, station.lon, station.lat);
    const list = this.windows.get(station.id) ?? [];
    list.push(value);
    if (list.length > 360) list.shift();
    this.windows.set(station.id, list);
    station.last = { rainfall: { time: stamp, value: value.toFixed(1), unit: 'mm', quality: 0, finding: null } };
    const sum = (n) => list.slice(-n).reduce((a, b) => a + b, 0);
    const [h1, h3] = [sum(60), sum(180)];
    const tier = h3 >= 150 ? 'red' : h3 >= 100 ? 'orange' : h1 >= 45 ? 'yellow' : 'none';
    this.#situation('rainstorm', '11B03', station, tier, { 'rainfall.sum("1h")': h1.toFixed(1), 'rainfall.sum("3h")': h3.toFixed(1) });
  }

  #depth(station, stamp) {
    const falling = rain(this.city, this.minute, station.lon, station.lat);
    const depth = Math.max(0, (this.depths.get(station.id) ?? 0) + falling * 0.0105 - 0.0075);
    this.depths.set(station.id, depth);
    station.last = { water_depth: { time: stamp, value: depth.toFixed(3), unit: 'm', quality: 0, finding: null } };
  }

  /** Where the demo city's rules have their tiers from. */
  #source(rule) {
    return rule === 'rainstorm'
      ? { document: '气象灾害预警信号发布与传播办法 (2007)', confidence: 'sure' }
      : { document: 'design-default', confidence: 'design-default' };
  }

  #situation(rule, hazard, subject, tier, values) {
    const key = `${rule}/${subject.id}`;
    const known = this.situations.get(key);
    const held = known && RANK[known.tier] > RANK[tier] ? known.tier : tier;
    if (held === 'none') return;
    if (known?.tier === held) {
      known.values = values;
      return;
    }
    const item = { rule, hazard, subject: subject.id, area: subject.area, lon: subject.lon, lat: subject.lat, tier: held, since: this.text(this.time), values, stale: this.random() < 0.01, muted: null, source: this.#source(rule) };
    this.situations.set(key, item);
    if (subject.thresholds) subject.tier = held;
    this.emit('situation', item);
  }

  #propose() {
    const zones = new Map();
    for (const s of this.situations.values()) {
      const key = `${s.hazard}/${this.district(s.area)}`;
      const zone = zones.get(key) ?? { hazard: s.hazard, zone: this.district(s.area), areas: {}, sites: {}, subjects: [] };
      zone.areas[s.area] = higher(s.tier, zone.areas[s.area] ?? 'none');
      if (s.hazard === '11A02') zone.sites[s.subject] = { area: s.area, tier: s.tier, onset: s.since };
      zone.subjects.push(s);
      zones.set(key, zone);
    }
    for (const [key, zone] of zones) {
      const id = createHash('sha256').update(key).digest('hex').slice(0, 24);
      const old = this.warnings.get(id);
      const tiers = Object.values(zone.areas);
      const tier = tiers.reduce(higher, 'none');
      const shape = JSON.stringify(zone.areas);
      if (old && (old.shape === shape || RANK[old.tier] >= RANK[tier])) continue;
      this.#revise(id, zone, tier, shape, old);
    }
  }

  #revise(id, zone, tier, shape, old) {
    const now = this.text(this.time);
    const areas = {};
    for (const [code, t] of Object.entries(zone.areas)) areas[code] = { tier: t, reached: t, onset: old?.areas[code]?.onset ?? now };
    const ours = zone.hazard === '11A02';
    const w = {
      id, revision: (old?.revision ?? 0) + 1, event: 'proposed', hazard: zone.hazard, name: HAZARD[zone.hazard], zone: zone.zone,
      authority: '44010036000000', tier, time: now, first_rise: old?.first_rise ?? now, expires: this.text(this.time + 3 * 3600), areas, sites: zone.sites,
      evidence: zone.subjects.sort((a, b) => RANK[b.tier] - RANK[a.tier]).slice(0, 12).map((s) => ({
        rule: s.rule, version: 'guangdong-2019', subject: s.subject, tier: s.tier, time: s.since, values: s.values, unconfirmed: false,
      })),
      past: false, unconfirmed: this.random() < 0.1, signed_by: [], needs: 0, clock_ends: null, signing: null, review: old?.review ?? null,
      request_to: ours ? null : { zh: '穗城气象台', en: 'Suicheng meteorological office' }, relay: null, in_force: this.#standing(old), rule: 'rainstorm', text: {}, seen: '',
    };
    w.evidence.forEach((e, i) => { e.unconfirmed = w.unconfirmed && i === 0; });
    if (ours) this.#await(w, old?.signing);
    Object.defineProperty(w, 'shape', { value: shape, writable: true, enumerable: false });
    this.#word(w);
    this.warnings.set(id, w);
    this.emit('warning', w);
    this.#call(w);
  }

  /** What stays in force while something else is proposed in its place. */
  #standing(w) {
    if (!w || w.event === 'proposed') return w?.in_force ?? null;
    if (w.event !== 'issued' && w.event !== 'updated') return null;
    const { revision, event, tier, time, expires, areas, signed_by, text } = w;
    return { revision, event, tier, time, expires, areas, signed_by, text };
  }

  /** The clock of a proposal: a new revision gives nobody more time. */
  #await(w, before) {
    // The emergency flow: one signature for a red that rises or falls.
    const stood = w.in_force?.areas ?? {};
    const moved = [...new Set([...Object.keys(w.areas), ...Object.keys(stood)])].filter((code) => (w.areas[code]?.tier ?? 'none') !== (stood[code]?.tier ?? 'none'));
    const isRed = !w.relay && moved.some((code) => w.areas[code]?.tier === 'red' || stood[code]?.tier === 'red');
    const clock = isRed ? 300 : 600;
    w.needs = isRed ? 1 : 2;
    Object.defineProperty(w, 'clock', { value: clock, writable: true, enumerable: false });
    const until = before?.until ?? this.text(this.time + clock);
    const begun = before ?? { since: this.text(this.time), turn: 0, asked: [], until, ends: this.text(this.time + clock * (1 + DEPUTIES.length)), at_end: 'hold', overdue: false, rises: true };
    w.signing = { ...begun, left_s: Math.max(0, Math.round(Date.parse(begun.until) / 1000 - this.time)), needed: w.needs, signed_by: [] };
    w.clock_ends = w.signing.until;
  }

  #clocks() {
    for (const w of this.warnings.values()) {
      if (!w.signing?.until || Date.parse(w.signing.until) / 1000 > this.time) continue;
      const turn = w.signing.turn + 1;
      const overdue = turn > DEPUTIES.length;
      w.signing = { ...w.signing, turn, overdue, asked: overdue ? DEPUTIES : [DEPUTIES[turn - 1]], left_s: w.clock, until: this.text(this.time + w.clock) };
      w.clock_ends = w.signing.until;
      this.emit('warning', w);
    }
  }

  /** A signal's words put forward in each district it touches. */
  relay(identifier) {
    const signal = this.signals.get(identifier);
    if (!signal) return false;
    for (const zone of signal.areas) {
      const id = createHash('sha256').update(`relay/${identifier}/${zone}`).digest('hex').slice(0, 24);
      const now = this.text(this.time);
      const w = {
        id, revision: 1, event: 'proposed', hazard: signal.hazard, name: HAZARD[signal.hazard], zone, authority: '44010036000000', tier: signal.tier, time: now, first_rise: signal.sent, expires: signal.expires,
        areas: { [zone]: { tier: signal.tier, reached: 'none', onset: signal.sent } }, sites: {}, evidence: [], past: false, unconfirmed: false, signed_by: [], needs: 2, clock_ends: null, signing: null, review: null,
        request_to: null, relay: { identifier, sender_name: signal.sender_name, sent: signal.sent, kind: signal.kind }, rule: 'signal', seen: '',
        text: { zh: `【穗城三防】转${signal.sender_name}${signal.sent.slice(11, 16)}发布:${signal.headline.zh}。${signal.description.zh}。核实12345`, en: `【Suicheng】Relayed from ${signal.sender_name}, issued ${signal.sent.slice(11, 16)}: ${signal.headline.en}. Verify: 12345` },
      };
      Object.defineProperty(w, 'shape', { value: '', writable: true, enumerable: false });
      w.seen = seen(w);
      this.#await(w);
      this.warnings.set(id, w);
      this.emit('warning', w);
    }
    return true;
  }

  review(w, person, body) {
    w.review = { ...w.review, reviewed: { person, at: this.text(this.time), sound: body.sound, note: body.note } };
    this.emit('warning', w);
  }

  confirm(rule, subject) {
    for (const w of this.warnings.values()) {
      const e = w.evidence.find((x) => x.rule === rule && x.subject === subject && x.unconfirmed);
      if (!e) continue;
      e.unconfirmed = false;
      w.unconfirmed = false;
      this.emit('warning', w);
    }
  }

  stand(rule, subject) {
    const item = this.situations.get(`${rule}/${subject}`);
    if (!item) return false;
    item.tier = 'none';
    this.emit('situation', item);
    return true;
  }

  #word(w) {
    const when = w.time.slice(11, 16), day = Number(w.time.slice(8, 10));
    const zone = this.areas.get(w.zone);
    const n = Object.keys(w.areas).length;
    const [zh, en] = NAME[w.tier] ?? ['', ''];
    const act = w.hazard === '11A02' ? ['勿进涵洞、地库,车停高处', 'Keep out of underpasses and basements'] : ['停止户外活动,远离低洼和山边', 'Stay indoors, keep off low ground and slopes'];
    w.text = {
      zh: `【穗城三防】${day}日${when}发布${w.name.zh}${zh}预警:${w.first_rise.slice(11, 16)}起${zone?.name}${n}个镇街。${act[0]}。核实12345`,
      en: `【Suicheng】${when} on ${day} Sep ${w.name.en.toLowerCase()} warning ${en}: from ${w.first_rise.slice(11, 16)}, ${n} townships in ${(zone?.name_en ?? '').replace(' District', '')}. ${act[1]}. Verify: 12345`,
    };
    w.seen = seen(w);
  }

  subscribers(w) {
    return Object.keys(w.areas).reduce((sum, code) => sum + Math.round((this.areas.get(code)?.population ?? 0) / PEOPLE_PER_SUBSCRIBER), 0);
  }

  preview(w) {
    const all = this.subscribers(w);
    const split = (n) => ({ zh: Math.round(n * 0.94), en: Math.round(n * 0.06) });
    return {
      heads: { sms: split(all * 0.97), push: split(all * 0.41), email: split(all * 0.08) },
      townships: Object.keys(w.areas).map((code) => ({ code, heads: Math.round((this.areas.get(code)?.population ?? 0) / PEOPLE_PER_SUBSCRIBER) })).sort((a, b) => b.heads - a.heads),
      everybody: false, ...unreachable(all), texts: w.text, segments: { zh: 2, en: 3 }, unsendable: [], objections: w.relay ? {} : this.objections(this.own.get(w.id) ?? {}), remarks: w.text.en && !/verify/i.test(w.text.en) ? { en: [{ missing: 'verify' }] } : {},
      jobs: [], interrupted: Object.fromEntries(Object.keys(w.areas).slice(0, 2).map((code, at) => [code, 2 - at])), ...lastPhones(Math.round(all * 0.97)),
    };
  }

  release(w, people) {
    if (w.request_to) return;
    if (people.length < 2) w.review = { revision: w.revision, signed_by: people, since: this.text(this.time), until: this.text(this.time + 24 * 3600), overdue: false, reviewed: null };
    this.released.add(w.id);
    w.in_force = null;
    w.signed_by = people;
    w.signing = null;
    w.needs = 0;
    w.clock_ends = null;
    w.event = w.revision > 1 ? 'updated' : 'issued';
    this.emit('warning', w);
    const heads = this.preview(w).heads;
    const rates = { sms: 900, push: 4000, email: 220, cap: 1, webhook: 3 };
    const plan = { ...Object.fromEntries(Object.entries(heads).map(([c, h]) => [c, h.zh + h.en])), cap: 1, webhook: 3 };
    for (const [channel, planned] of Object.entries(plan)) {
      const d = {
        warning: w.id, revision: w.revision, intent: `${w.id}/${w.revision}/${channel}`, channel, link: `${channel}-1`, instead_of: null, purpose: w.revision > 1 ? 'rise' : 'alert', tier: w.tier,
        planned, sent: 0, accepted: 0, delivered: 0, failed: 0, unknown: 0, expired: 0, withdrawn: 0, started: this.text(this.time - (this.warm ? 900 : 0)), finished: null, rate_per_s: rates[channel],
      };
      this.deliveries.set(d.intent, d);
      this.emit('delivery', counted(d));
    }
  }

  #deliver(dt) {
    for (const d of this.deliveries.values()) {
      if (d.finished) continue;
      const known = d.accepted + d.delivered + d.failed + d.unknown;
      const leave = Math.min(d.planned - known - d.sent, Math.ceil(d.rate_per_s * dt));
      const answered = Math.min(d.sent, Math.ceil(d.rate_per_s * dt * 1.02));
      const failed = d.planned > 50 ? Math.round(answered * 0.011) : 0;
      const rung = Math.min(d.accepted, Math.ceil(d.rate_per_s * dt * 0.97));
      const silent = d.planned > 50 ? Math.round(rung * 0.004) : 0;
      d.sent += leave - answered;
      d.accepted += answered - failed - rung;
      d.failed += failed;
      d.delivered += rung - silent;
      d.unknown += silent;
      if (d.sent + d.accepted === 0 && d.delivered + d.failed + d.unknown >= d.planned) d.finished = this.text(this.warm ? this.time - 900 + this.elapsed : this.time);
      this.emit('delivery', counted(d));
    }
  }

  #call(w) {
    const places = [
      ...Object.entries(w.areas).filter(([, a]) => RANK[a.tier] >= 4).map(([area, a]) => ({ area, site: null, tier: a.tier, role: 'township_head' })),
      ...Object.entries(w.sites).filter(([, s]) => RANK[s.tier] >= 4).map(([site, s]) => ({ area: s.area, site, tier: s.tier, role: 'site_owner' })),
    ];
    for (const place of places) {
      const contact = this.city.contacts.find((c) => c.role === place.role && (place.site ? c.site === place.site : c.area === place.area));
      if (!contact) continue;
      const key = `${w.id}/${place.site ?? place.area}/${contact.id}`;
      if (this.calls.has(key)) continue;
      const wait = place.tier === 'red' ? 300 : 600;
      const call = {
        warning: w.id, area: place.area, site: place.site, device: null, tier: place.tier, contact: contact.id, role: contact.role, name: contact.name,
        phone_masked: contact.phone.replace(/^(\+86)?(\d{3})\d{4}/, '$2****'), told_at: this.text(this.time), state: 'waiting',
        next_at: this.text(this.time + wait), next_role: `${contact.role}_deputy`, answers: 0, needed: 1, recall_at: null, unlit: [], answer: null,
      };
      Object.defineProperty(call, 'answersAt', { value: this.time + (this.random() < 0.8 ? 40 + this.random() * 500 : 9e9), enumerable: false });
      this.calls.set(key, call);
      this.emit('call', call);
    }
  }

  #ladders() {
    for (const call of this.calls.values()) {
      if (call.state === 'answered') continue;
      if (call.answersAt <= this.time) {
        this.answer(call, { contact: call.contact, answer: this.random() < 0.6 ? 'received' : 'at_post', note: '', channel: 'sms', noted_by: '', said: this.text(this.time) });
      } else if (call.next_at && Date.parse(call.next_at) / 1000 <= this.time) {
        call.state = 'escalated';
        call.next_role = call.next_role?.includes('deputy') && !call.next_role.startsWith('district') ? 'district_duty' : 'city_duty';
        call.next_at = this.text(this.time + 300);
        this.emit('call', call);
      }
    }
  }

  /** Schools and nursing homes of warned areas that nobody spoke for, and places called in vain. */
  /** What stands, for the next shift. */
  handover() {
    const points = [...this.calls.values()].filter((call) => !call.answer).slice(0, 20).map((call) => ({ kind: 'silent', key: `${call.warning}/${call.area}/${call.site ?? ''}`, warning: call.warning, tier: call.tier, time: call.told_at,
      zh: `${call.area}:已叫应,无人应答`, en: `${call.area}: called, no answer` }));
    return { time: this.text(this.time), seen: String(points.length), shifts: [{ post: 'district_duty', people: ['P4'], until: this.text(this.time + 3600), next: ['P5'] }], points, more: 0, last: this.taken ?? null, text: { zh: '交接班清单\n', en: 'Shift hand-over\n' } };
  }

  takeOver(body, person, refuse) {
    const list = this.handover();
    if (body.seen !== list.seen) throw refuse(409, 'Conflict', 'the list has other points than you saw: look again at /v1/handover');
    this.taken = { at: this.text(this.time), person, points: list.points.length, note: body.note ?? '' };
  }

  gaps() {
    this.spoken ??= [];
    const isSpoken = (w, place) => this.spoken.some((s) => s.warning === w && (s.site ?? s.area) === place);
    const gaps = [];
    for (const w of this.warnings.values()) {
      if (w.event === 'ended' || w.event === 'cancelled') continue;
      for (const site of this.city.sites.filter((s) => ['school', 'nursing_home', 'underpass'].includes(s.kind))) {
        const tier = w.areas[site.area]?.tier;
        if (!tier || tier === 'none' || isSpoken(w.id, site.id)) continue;
        gaps.push({ what: 'site', warning: w.id, hazard: w.hazard, tier, area: site.area, site: site.id, why: ['nobody_listed'], since: w.time,
          text: { zh: `${site.name}:没有登记责任人`, en: `${site.name_en ?? site.name}: nobody is registered` } });
      }
    }
    for (const call of this.calls.values()) {
      if (call.state !== 'escalated' || call.site || isSpoken(call.warning, call.area)) continue;
      gaps.push({ what: 'no_answer', warning: call.warning, hazard: '11B03', tier: call.tier, area: call.area, site: null, why: ['silent'], since: call.told_at,
        text: { zh: `${this.areas.get(call.area)?.name ?? call.area}:已叫应,无人应答`, en: `${this.areas.get(call.area)?.name_en ?? call.area}: called, no answer` } });
    }
    const count = (what) => gaps.filter((g) => g.what === what).length;
    return { time: this.text(this.time), counts: { site: count('site'), no_channel: 0, no_answer: count('no_answer') }, gaps: gaps.slice(0, 2000), answered_for: this.spoken };
  }

  speak(body, person) {
    this.spoken ??= [];
    this.spoken.push({ warning: body.warning, area: body.area ?? null, site: body.site ?? null, by: body.by, answer: body.answer, note: body.note ?? '', person, said: this.text(this.time) });
  }

  answering() {
    const figures = (calls) => {
      const after = calls.filter((c) => c.answer).map((c) => Math.max(0, (Date.parse(c.answer.said) - Date.parse(c.told_at)) / 1000)).sort((a, b) => a - b);
      const waiting = calls.filter((c) => !c.answer).map((c) => Math.round(this.time - Date.parse(c.told_at) / 1000));
      return {
        called: calls.length, answered: after.length, needs_help: calls.filter((c) => c.answer?.answer === 'needs_help').length,
        within: [5, 10, 30].map((minutes) => ({ minutes, of: calls.length, answered: after.filter((s) => s <= minutes * 60).length })),
        median_s: calls.length ? after[Math.ceil(calls.length / 2) - 1] ?? null : null, waiting_s: waiting.length ? Math.max(...waiting) : null,
      };
    };
    const calls = [...this.calls.values()];
    const by = new Map();
    for (const call of calls) by.set(call.area, [...(by.get(call.area) ?? []), call]);
    const townships = [...by].map(([area, own]) => ({ area, name: this.areas.get(area)?.name ?? area, name_en: this.areas.get(area)?.name_en ?? area, figures: figures(own) }));
    return { time: this.text(this.time), city: figures(calls), townships, text: { zh: '', en: '' } };
  }

  answer(call, answer) {
    call.state = 'answered';
    call.next_at = null;
    call.next_role = null;
    call.answer = answer;
    this.emit('call', call);
  }

  #signals() {
    const districts = [...this.areas.values()].filter((a) => a.level === 'district').map((a) => a.code);
    const signal = (n, tier, areas, ago, hours) => {
      const [zh, en] = NAME[tier];
      const item = {
        identifier: `44010041600000_2023090${n}`, sender_name: '穗城气象台', event: '暴雨', hazard: '11B03', tier, areas, sent: this.text(this.time - ago),
        headline: { zh: `穗城气象台发布暴雨${zh}预警信号`, en: `Meteorological office: rainstorm signal ${en}` }, description: { zh: '预计未来3小时上述地区降雨量将达50毫米以上,请注意防御', en: '' }, expires: this.text(this.time - ago + hours * 3600), references: [], kind: 'alert', area_desc: [], source: null, stale: false,
      };
      this.signals.set(item.identifier, item);
      this.emit('signal', item);
    };
    signal(1, 'yellow', districts.slice(4, 8), 7900, 6);
    signal(2, 'orange', districts.slice(0, 3), 1560, 3);
  }

  /** What is objected to in a person's own words: languages of the public that are missing, hours without their half. */
  objections(text) {
    if (Object.keys(text).length === 0) return {};
    const found = ['zh', 'en', 'ja', 'ko', 'fr'].map((of) => [of, text[of] ? [...text[of].matchAll(/(?<![上下中]午|凌晨|晚上|\d)\d{1,2}点/g)].map(([said]) => ({ no_half: said })) : ['untranslated']]);
    return Object.fromEntries(found.filter(([, findings]) => findings.length > 0));
  }

  /** New content, put forward anew: signatures are void, and what the areas leave out is taken back. */
  amend(w, { areas = {}, text = {}, onset }) {
    this.own.set(w.id, { ...this.own.get(w.id), ...text });
    const now = this.text(this.time);
    if (Object.keys(areas).length > 0) {
      const before = w.areas;
      w.areas = Object.fromEntries(Object.keys(before).map((code) => [code, { ...before[code], tier: 'none' }]));
      for (const [code, tier] of Object.entries(areas)) {
        if (tier === 'none') continue;
        const kept = before[code]?.tier === tier ? before[code] : { tier, reached: before[code]?.reached ?? 'none', onset: now };
        w.areas[code] = kept;
      }
    }
    // One hour for all, or one by area.
    const stated = (code) => (typeof onset === 'string' ? onset : onset?.[code]);
    w.areas = Object.fromEntries(Object.entries(w.areas).map(([code, area]) => [code, { ...area, onset: stated(code) ?? area.onset }]));
    this.#putForward(w);
    w.text = { ...w.text, ...text };
    w.seen = seen(w);
    this.emit('warning', w);
  }

  /** The next revision of a warning waits for signatures, beside what is in force of it. */
  #putForward(w) {
    w.in_force = this.#standing(w);
    w.revision += 1;
    w.event = 'proposed';
    w.rule = 'person';
    w.signed_by = [];
    w.tier = Object.values(w.areas).map((a) => a.tier).reduce(higher, 'none');
    if (!w.request_to) {
      this.#await(w);
    }
    this.#word(w);
  }

  /** A proposal is sent away: what is in force stays, else the warning is over. */
  reject(w, person) {
    if (!w.in_force) return this.cancel(w, []);
    const { tier, areas, text } = w.in_force;
    Object.assign(w, { revision: w.revision + 1, event: 'updated', tier, areas, text, signed_by: [person], needs: 0, clock_ends: null, signing: null, in_force: null });
    w.seen = seen(w);
    this.emit('warning', w);
  }

  /** What of a warning's messages is still here, on its way, or there. */
  recall(w) {
    const none = { withdrawn: 0, on_the_wire: 0, accepted: 0, delivered: 0, failed: 0, unknown: 0, expired: 0 };
    const rows = [...this.deliveries.values()].filter((d) => d.warning === w.id);
    const documents = rows.filter((d) => ['cap', 'webhook'].includes(d.channel));
    const links = rows.filter((d) => !documents.includes(d)).map((d) => ({
      link: d.link, channel: d.channel, withdrawn: d.planned - d.sent - d.accepted - d.delivered - d.failed - d.unknown, on_the_wire: d.sent,
      accepted: d.accepted + d.delivered, delivered: d.delivered, failed: d.failed, unknown: d.unknown, expired: 0,
    }));
    const sum = links.reduce((all, of) => Object.fromEntries(Object.keys(none).map((key) => [key, all[key] + of[key]])), none);
    const published = documents.map((d) => ({ link: d.link, channel: d.channel, revision: d.revision, confirmed: d.accepted + d.delivered > 0 }));
    return { settled: true, links, sum, jobs: [], published };
  }

  cancel(w, areas, event = 'cancelled') {
    w.revision += 1;
    if (areas.length > 0) for (const code of areas) delete w.areas[code];
    if (areas.length === 0 || Object.keys(w.areas).length === 0) {
      w.event = event;
      w.tier = 'none';
      w.needs = 0;
      w.clock_ends = null;
      w.signing = null;
      for (const a of Object.values(w.areas)) a.tier = 'none';
    } else {
      w.event = 'updated';
      w.tier = Object.values(w.areas).map((a) => a.tier).reduce(higher, 'none');
    }
    this.#word(w);
    this.emit('warning', w);
  }

  state() {
    return {
      city: { code: this.city.code, name: this.city.name, bbox: bbox(this.city) }, time: this.text(this.time), mode: this.mode,
      zones: [...this.areas.values()].filter((a) => a.level === 'district').map((a) => ({ code: a.code, name: { zh: a.name, en: a.name_en } })),
    };
  }
}
