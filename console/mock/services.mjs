// The mock's weather processes with their slots, and its evening product. Much simpler than the server's; the same in shape.

const H = 3600;
const D = 24 * H;
const CHANGED = 'Changed since you saw it';
const STATE = { waiting: ['未到', 'not yet'], due: ['应报', 'due'], done: ['已报', 'done'], missed: ['漏报', 'missed'], late: ['补报', 'late'], not_asked: ['不要求', 'not asked'] };
const GRAIN = { city: ['全市', 'city'], district: ['分区', 'by district'], township: ['分镇街', 'by township'], site: ['分点', 'by site'] };
const TIERS = ['none', 'white', 'blue', 'yellow', 'orange', 'red'];
const named = ([zh, en]) => ({ zh, en });
const SHENZHEN = { document: '兰红平等 2023《“31631”递进式气象服务模式及其在深圳的实践》; 131631 read the same way', confidence: 'likely' };
const OURS = { document: 'design-default', confidence: 'design-default' };
/** id, lead, from how long before and until how long after its moment, grain, audience, what counts, source, words. */
const STAGES = [
  ['10d', 10 * D, D, D, 'city', ['市领导', '市三防指挥部'], [], { document: 'Leading 1 of 131631 taken as ten days: unsure, edit', confidence: 'unsure' }, ['过程长期趋势', 'Long-lead trend of the process']],
  ['3d', 3 * D, 12 * H, 6 * H, 'city', ['市领导', '市三防指挥部'], [], SHENZHEN, ['定量预报、风险预估和预警信号发布节奏', 'Quantitative forecast, risk estimate, planned rhythm of signals']],
  ['1d', D, 6 * H, 2 * H, 'district', ['各区', '各部门'], [], SHENZHEN, ['分区落区、量级和主要影响时段', 'Areas, magnitude and main hours by district']],
  ['6h', 6 * H, 2 * H, H / 2, 'township', ['各区', '镇街值班'], [], SHENZHEN, ['高风险区域定位', 'High-risk areas located']],
  ['3h', 3 * H, H, H / 3, 'district', ['区域内公众', '责任人'], ['signal', 'warning'], SHENZHEN, ['分区预警和分区风险提示', 'Sub-area warning and risk tips']],
  ['1h', H, H / 2, H / 4, 'township', ['镇街、社区', '定向公众'], [], SHENZHEN, ['精细到镇街的定量预报', 'Quantitative forecast down to the street']],
  ['observed', null, 0, 0, 'site', ['责任人', '现场'], [], OURS, ['实况监测和现场处置提示', 'Situation as measured']],
];
const LADDERS = [
  ['rain', ['强降雨过程', 'Heavy-rain process'], ['11B03', '11A02', '11A51']], ['gale', ['雷雨大风过程', 'Thunder-gale process'], ['11B20']], ['geology', ['地质灾害气象风险过程', 'Geological met-risk process'], ['11B37', '11D02']],
];
const SERVICE = { zh: '“131631”预警预报服务模式', en: '“131631” forecast and warning service' };
const NAMES = { '11B03': ['暴雨', 'rainstorm'], '11B20': ['雷雨大风', 'thunderstorm gale'], '11B37': ['地质灾害气象风险', 'geological met-risk'] };
/** Of the evening product, local hours. */
const EVENING = { from: 16, due: 18, until: 6 };

export class Services {
  constructor(world, responses) {
    this.world = world;
    this.responses = responses;
    this.processes = new Map();
    this.evenings = new Map();
    this.number = 0;
  }

  /** What had come about before the screen opened. */
  begin() {
    const { world } = this;
    const now = world.time;
    const districts = [...world.areas.values()].filter((p) => p.level === 'district').map((p) => p.code);
    const signals = [...world.signals.values()];
    const at = (seconds, run) => { world.time = now - seconds; run(); };
    let rain;
    at(4 * D, () => { rain = this.#new('11B03', districts.slice(0, 3), now - 40 * 60, now + 8 * H, { state: 'open', by: 'li', reason: '会商:强降雨过程' }); });
    at(3 * D, () => this.file({ process: rain.id, slot: '3d', reference: '重要天气报告 2023-41' }, 'wang'));
    at(25 * H, () => this.file({ process: rain.id, slot: '1d', reference: '分区预报 2023-112' }, 'li'));
    at(6.5 * H, () => this.file({ process: rain.id, slot: '6h', text: '天河、海珠低洼地带和山边风险高,建议提前布防' }, 'li'));
    at(2 * H, () => this.#counted(rain, '3h', signals[1]));
    at(30 * 60, () => this.#counted(rain, 'observed', null));
    at(2.9 * H, () => {
      this.#new('11B20', districts.slice(4, 7), now + 3 * H + 24 * 60, now + 9 * H, { basis: [{ ground: 'signal', reference: signals[0].identifier, sender: signals[0].sender_name, tier: 'yellow', onset: world.text(now + 3 * H) }] });
    });
    at(26 * H, () => this.#new('11B37', districts, now + 4.2 * D, now + 6 * D, { state: 'open', by: 'wang', reason: '过程累积雨量大' }));
    for (let minutes = 170; minutes >= 0; minutes -= 1) at(minutes * 60, () => this.tick());
    const day = this.night().day;
    const before = this.#day(-1);
    this.evenings.set(before, { day: before, state: 'filed', since: this.#hour(before, 17.4), due: this.#hour(before, EVENING.due), by: 'wang', text: { zh: `穗城夜间防范提醒（${before}）\n今夜有中雨,山边、低洼地带注意防范。\n`, en: `Suicheng: reminder for tonight (${before})\nModerate rain tonight; watch slopes and low ground.\n` } });
    world.time = Date.parse(this.#hour(day, EVENING.due)) / 1000;
    this.#evening({ day, state: 'missed', since: this.#hour(day, EVENING.due), due: this.#hour(day, EVENING.due), by: '', text: { zh: '', en: '' } });
    world.time = now;
    this.responses.settle();
  }

  #day(shift = 0) {
    // Until the night ends it is that of the day before.
    return this.world.text(this.world.time - EVENING.until * H + shift * D).slice(0, 10);
  }

  #hour(day, hour) {
    return this.world.text(Date.parse(`${day}T00:00:00+08:00`) / 1000 + hour * H);
  }

  #evening(evening) {
    this.evenings.set(evening.day, evening);
    this.responses.say('evening', evening);
  }

  #new(hazard, areas, onset, end, { state = 'proposed', by = '', reason = '', basis = [] }) {
    const [ladder, name] = LADDERS.find(([, , hazards]) => hazards.includes(hazard)) ?? [];
    if (!ladder) throw refuse(409, CHANGED, `no ladder of services.toml is for ${hazard}`);
    const now = this.world.time;
    const p = { id: `P${(this.number += 1)}`, ladder, hazard, name: named(name), areas, state, onset, end, known: now, changed: now, by, reason, basis, slots: STAGES.map((stage) => ({ stage, product: null, state: 'waiting', since: now })) };
    this.processes.set(p.id, p);
    this.#clock(p);
    this.responses.say('process', this.item(p));
    return p;
  }

  #clocks(p, slot) {
    const [, lead, ready, grace] = slot.stage;
    if (lead === null) return null;
    const moment = p.onset - lead;
    return { moment, opens: moment - ready, due: moment + grace };
  }

  /** Brings the slots of a process to the moment; gives those that changed. */
  #clock(p) {
    const now = this.world.time;
    return p.slots.filter((slot) => {
      const clock = this.#clocks(p, slot);
      const before = slot.state;
      if (slot.product || !clock || p.state === 'ended') return false;
      if (clock.moment < p.known) slot.state = 'not_asked';
      else slot.state = now < clock.opens ? 'waiting' : now <= clock.due ? 'due' : 'missed';
      if (slot.state !== before) slot.since = now;
      return slot.state !== before;
    });
  }

  /** Time moves on. */
  tick() {
    for (const p of this.processes.values()) for (const slot of this.#clock(p)) this.responses.say('slot', { ...this.slot(p, slot), process: p.id });
  }

  #counted(p, id, signal) {
    const slot = p.slots.find((s) => s.stage[0] === id);
    const now = this.world.time;
    slot.product = signal ? { kind: 'signal', by: signal.sender_name, at: this.world.text(now), text: '', reference: signal.identifier } : { kind: 'finding', by: '', at: this.world.text(now), text: '', reference: 'rainstorm' };
    Object.assign(slot, { state: 'done', since: now });
    this.responses.say('slot', { ...this.slot(p, slot), process: p.id });
  }

  slot(p, slot) {
    const [id, lead, , , grain, audience, counts, source, words] = slot.stage;
    const clock = this.#clocks(p, slot);
    const text = (of) => (clock ? this.world.text(clock[of]) : null);
    return {
      id, lead: id, is_observed: lead === null, product: named(words), grain, grain_name: named(GRAIN[grain]), audience, counts, source, round: 0, state: slot.state, state_name: named(STATE[slot.state]), since: this.world.text(slot.since),
      moment: text('moment'), opens: text('opens'), due: text('due'), left_s: slot.state === 'due' ? Math.max(0, Math.round(clock.due - this.world.time)) : null, filed: slot.product, behind: [],
    };
  }

  item(p) {
    const { world } = this;
    const area = (code) => ({ zh: world.areas.get(code)?.name ?? code, en: world.areas.get(code)?.name_en ?? code });
    return {
      id: p.id, ladder: p.ladder, service: '131631', name: p.name, hazard: p.hazard, hazard_name: named(NAMES[p.hazard] ?? [p.hazard, p.hazard]), areas: p.areas, area_names: p.areas.map(area), state: p.state,
      onset: world.text(p.onset), end: world.text(p.end), closes: world.text(p.end + 12 * H), known: world.text(p.known), changed: world.text(p.changed), by: p.by, reason: p.reason, basis: p.basis, slots: p.slots.map((s) => this.slot(p, s)),
    };
  }

  list() {
    const ladders = LADDERS.map(([id, name, hazards]) => ({ id, name: named(name), service: '131631', service_name: SERVICE, hazards, source: { document: 'domain §1.3, DESIGN: all slots', confidence: 'design-default' } }));
    return { ladders, processes: [...this.processes.values()].reverse().map((p) => this.item(p)) };
  }

  act(body, person) {
    const { world } = this;
    reasoned(body.reason);
    const seconds = (text) => (text ? Date.parse(text) / 1000 : null);
    const known = body.process ? this.processes.get(body.process) : null;
    if (body.process && (!known || known.state === 'ended')) throw refuse(409, CHANGED, `no process "${body.process}" is under way: see /v1/services`);
    if (body.act === 'open' && !known) {
      if (!body.areas?.length) throw refuse(409, CHANGED, 'areas: say where');
      const onset = seconds(body.onset) ?? world.time;
      const [ladder] = LADDERS.find(([, , hazards]) => hazards.includes(body.hazard)) ?? [];
      if ([...this.processes.values()].some((p) => p.state !== 'ended' && p.ladder === ladder && p.areas.some((code) => body.areas.includes(code)))) throw refuse(409, CHANGED, 'a process of that ladder is under way there: move it');
      this.#new(body.hazard, body.areas, onset, seconds(body.end) ?? onset + D, { state: 'open', by: person, reason: body.reason });
      return {};
    }
    if (body.act === 'open' && known.state === 'open') throw refuse(409, CHANGED, `${known.by} opened it already`);
    Object.assign(known, { by: person, reason: body.reason, changed: world.time });
    if (body.act === 'end') known.state = 'ended';
    else {
      if (body.act === 'open') known.state = 'open';
      if (body.areas?.length) known.areas = body.areas;
      known.onset = seconds(body.onset) ?? known.onset;
      known.end = seconds(body.end) ?? known.end;
    }
    this.#clock(known);
    this.responses.say('process', this.item(known));
    return {};
  }

  file(body, person) {
    const p = this.processes.get(body.process);
    const slot = p?.slots.find((s) => s.stage[0] === body.slot);
    if (!slot) throw refuse(409, CHANGED, `no slot "${body.slot}": there are ${STAGES.map(([id]) => id).join(', ')}`);
    if (!body.text?.trim() && !body.reference?.trim()) throw refuse(400, 'Bad request', 'text: say what went out, or where it is found as `reference`');
    if (slot.product?.kind === 'filed') throw refuse(409, CHANGED, `${slot.product.by} filed it already`);
    this.#clock(p);
    slot.product = { kind: 'filed', by: person, at: this.world.text(this.world.time), text: body.text ?? '', reference: body.reference ?? '' };
    Object.assign(slot, { state: slot.state === 'missed' ? 'late' : 'done', since: this.world.time });
    this.responses.say('slot', { ...this.slot(p, slot), process: p.id });
    return {};
  }

  // --- the evening product ---

  night() {
    const day = this.#day();
    return { day, from: this.#hour(day, EVENING.from), due: this.#hour(day, EVENING.due), dark: this.#hour(day, 18.25), until: this.#hour(day, 24 + EVENING.until) };
  }

  evening(day) {
    const night = this.night();
    const days = [...this.evenings.values()].sort((a, b) => a.day.localeCompare(b.day)).map(({ day: of, state, by }) => ({ day: of, state, by }));
    if (day && day !== night.day) {
      const filed = this.evenings.get(day);
      if (!filed) throw refuse(404, 'Not found', `day: no evening product of "${day}" is kept; write one of ${[...this.evenings.keys()].join(', ')}`);
      return { ...night, day, running: false, from: this.#hour(day, EVENING.from), due: filed.due, dark: this.#hour(day, 18.25), until: this.#hour(day, 24 + EVENING.until), risks: null, transfers: null, reach: null, filed, days };
    }
    const risks = this.#risks();
    return { ...night, running: true, risks, transfers: this.#transfers(night), reach: this.#reach([...new Set(risks.map((r) => r.area))]), filed: this.evenings.get(night.day) ?? null, days };
  }

  #area(code) {
    const area = this.world.areas.get(code);
    return { zh: area?.name ?? code, en: area?.name_en ?? code };
  }

  #risks() {
    const { world } = this;
    const townships = [...world.areas.values()].filter((p) => p.level === 'township');
    const within = (code) => townships.filter((p) => p.code === code || p.parent === code).map((p) => p.code);
    const found = new Map();
    const speak = (code, hazard, reason) => {
      for (const area of within(code)) {
        const key = `${area}/${hazard}`;
        found.set(key, { area, area_name: this.#area(area), hazard, hazard_name: named(NAMES[hazard] ?? ['内涝', 'waterlogging']), reasons: [...(found.get(key)?.reasons ?? []), reason] });
      }
    };
    for (const s of world.signals.values()) for (const code of s.areas) speak(code, s.hazard, { ground: 'signal', tier: s.tier, sender: s.sender_name, reference: s.identifier, since: s.sent });
    for (const w of world.warnings.values()) {
      if (w.hazard !== '11A02' || (w.event !== 'issued' && w.event !== 'updated')) continue;
      for (const [code, at] of Object.entries(w.areas)) if (TIERS.indexOf(at.tier) >= 3) speak(code, w.hazard, { ground: 'warning', tier: at.tier, sender: w.authority, reference: w.id, since: w.first_rise });
    }
    for (const p of this.processes.values()) if (p.state !== 'ended' && p.onset < Date.parse(this.night().until) / 1000) for (const code of p.areas) speak(code, p.hazard, { ground: 'process', tier: 'none', sender: p.by, reference: p.id, since: world.text(p.onset) });
    return [...found.values()].map((risk) => {
      const reasons = risk.reasons.sort((a, b) => TIERS.indexOf(b.tier) - TIERS.indexOf(a.tier)).slice(0, 4);
      return { ...risk, tier: reasons[0].tier, reasons };
    });
  }

  #transfers(night) {
    const left = [...this.responses.transfers].filter(([, m]) => !m.returned && m.moved < m.planned);
    return left.map(([area, m]) => ({ area, area_name: this.#area(area), planned: m.planned, moved: m.moved, left: m.planned - m.moved, due: m.due, finish: Date.parse(m.due) < Date.parse(night.dark) ? m.due : night.dark }));
  }

  #reach(areas) {
    const { world } = this;
    const calls = [...world.calls.values()];
    return areas.sort().map((area, n) => {
      const here = world.city.contacts.filter((c) => c.area === area);
      const asked = calls.filter((c) => c.area === area);
      const posts = here.map((c, i) => ({ role: c.role, role_name: named(ROLES[c.role] ?? [c.role, c.role]), area, site: c.site || null, channels: n % 23 === 4 && i === 0 ? ['email'] : ['sms', 'push'], answered: asked.some((x) => x.contact === c.id && x.answer) }));
      const with_phone = posts.filter((p) => p.channels.includes('sms')).length;
      return { area, area_name: this.#area(area), people: posts.length, with_phone, without_phone: posts.length - with_phone, called: asked.length, answered: asked.filter((c) => c.answer).length, posts };
    });
  }

  text(day, lang) {
    const of = this.evening(day);
    if (of.filed?.by) return of.filed.text[lang];
    if (!of.running) throw refuse(404, 'Not found', `nothing was filed on ${day}: it was ${of.filed.state}`);
    const hazards = [...new Set(of.risks.map((r) => r.hazard_name[lang]))].join(lang === 'zh' ? '、' : ', ');
    const areas = new Set(of.risks.map((r) => r.area)).size;
    return lang === 'zh' ? `穗城夜间防范提醒（${of.day}）\n\n一、今夜风险（按镇街）\n${areas} 个镇街:${hazards}。\n` : `Suicheng: reminder for tonight (${of.day})\n\n1. Risks tonight, by township\n${areas} townships: ${hazards}.\n`;
  }

  fileEvening(body, person) {
    const night = this.night();
    const known = this.evenings.get(body.day);
    if (known?.by) throw refuse(409, CHANGED, `${known.by} filed it already`);
    if (body.day !== night.day && !known) throw refuse(409, CHANGED, `no evening product is open for ${body.day}`);
    if (body.text && !body.text.zh?.trim()) throw refuse(400, 'Bad request', 'text: write it in Chinese at least');
    const now = this.world.text(this.world.time);
    const text = body.text ?? { zh: this.text(undefined, 'zh'), en: this.text(undefined, 'en') };
    this.#evening({ day: body.day, state: now > night.due ? 'late' : 'filed', since: now, due: night.due, by: person, text });
    return { day: body.day };
  }
}

/** As in `wording/roles.toml` of the demo city. */
export const ROLES = {
  city_duty: ['市值班员', 'City duty officer'], district_duty: ['区值班员', 'District duty officer'], township_head: ['镇街责任人', 'Township head'], township_head_deputy: ['镇街副职', 'Township deputy head'],
  site_owner: ['点位责任人', 'Site owner'], site_owner_deputy: ['点位副职', 'Site deputy'], grid_officer: ['网格员', 'Grid officer'],
};

const refuse = (status, title, detail) => Object.assign(new Error(detail), { status, title });
const reasoned = (text) => { if (!text?.trim()) throw refuse(400, 'Bad request', 'reason: say why in a few words'); };
