// The mock's emergency responses: a few plans, proposals from its signals, and the acts of people on them. Much simpler than
// the server's; the same in shape.

const CONFIDENT = { document: 'domain §6.2, proposal table', confidence: 'design-default' };
const LEVELS = ['attention', 'IV', 'III', 'II', 'I'];
const LEVEL_NAME = { attention: '关注级', IV: 'Ⅳ级', III: 'Ⅲ级', II: 'Ⅱ级', I: 'Ⅰ级' };
const rank = (level) => (level ? LEVELS.indexOf(level) + 1 : 0);
const TIERS = ['none', 'white', 'blue', 'yellow', 'orange', 'red'];
const FAMILY = { waterlogging: { zh: '防暴雨内涝', en: 'Rainstorm and waterlogging' }, flood: { zh: '防汛', en: 'Flood' }, wind: { zh: '防风', en: 'Wind' } };
const TASKS = [
  ['IV', 'district_duty', 30, '值班领导到岗，通知镇街三防责任人上岗', 'Leader on duty at the post; township heads called to theirs'],
  ['III', 'district_duty', 60, '排水抢险队到易涝点布防，检查泵站', 'Drainage crews at waterlogging points; pumping stations checked'],
  ['II', 'township_head', 120, '转移低洼地带、危房人员，开放避难场所', 'People moved out of low ground and unsafe houses; shelters opened'],
];

const level = (name, post) => ({ level: name, level_name: LEVEL_NAME[name], post, ends: post, clause: '', source: CONFIDENT });
const levels = (post, top) => ['IV', 'III', 'II', 'I'].map((name) => level(name, rank(name) >= rank('II') ? top : post));
const PLANS = {
  plans: [
    { id: 'waterlogging', name: { zh: '防暴雨内涝应急响应', en: 'Rainstorm and waterlogging response' }, family: 'waterlogging', at: 'city', areas: [], levels: levels('office', 'commander') },
    { id: 'waterlogging-district', name: { zh: '{area}防暴雨内涝应急响应', en: 'Rainstorm and waterlogging response, {area}' }, family: 'waterlogging', at: 'district', areas: [], levels: levels('district', 'district') },
    { id: 'flood', name: { zh: '防汛应急响应', en: 'Flood response' }, family: 'flood', at: 'city', areas: [], levels: levels('office', 'commander') },
    { id: 'wind', name: { zh: '防风应急响应', en: 'Wind response' }, family: 'wind', at: 'city', areas: [], levels: levels('office', 'commander') },
  ],
  posts: [
    { id: 'commander', name: { zh: '市三防总指挥', en: 'City commander-in-chief' }, area: null, people: ['wang'] },
    { id: 'office', name: { zh: '市三防办主任', en: 'Director of the city three-defence office' }, area: null, people: ['li', 'wang'] },
    { id: 'district', name: { zh: '区三防指挥', en: 'District commander' }, area: null, people: ['li', 'wang'] },
  ],
  damage: [
    { id: 'dyke', name: { zh: '水库、堤围出现重大险情', en: 'a dam or dyke in danger' } },
    { id: 'casualties', name: { zh: '出现人员伤亡或被困', en: 'people hurt, killed or cut off' } },
  ],
  return_post: 'commander',
  close_post: 'office',
};
/** What the tables of the mock propose: at how many districts of which tier. */
const CITY = [['II', 'orange', 6], ['III', 'orange', 2], ['IV', 'yellow', 6]];
const DISTRICT = { yellow: 'III', orange: 'II', red: 'I' };

export class Responses {
  constructor(world) {
    this.world = world;
    this.entries = [];
    this.board = new Map();
    this.tasks = new Map();
    this.incidents = new Map();
    this.transfers = new Map();
    this.damage = new Map();
    this.city = world.city.code;
  }

  plans() {
    return PLANS;
  }

  /** What had come about before the screen opened. */
  begin() {
    const { world } = this;
    const now = world.time;
    const at = (minutes) => { world.time = now - minutes * 60; };
    const signals = [...world.signals.values()];
    const [a, b] = signals.find((s) => s.tier === 'orange').areas;
    at(132);
    for (const s of signals.filter((x) => x.tier === 'yellow')) this.signal(s);
    at(118);
    this.respond({ plan: 'waterlogging', area: this.city, level: 'IV', seen: null, reason: '依据预案所列条件' }, 'li');
    at(26);
    for (const s of signals.filter((x) => x.tier === 'orange')) this.signal(s);
    at(24);
    this.respond({ plan: 'waterlogging-district', area: b, level: 'III', seen: null, reason: '会商决定' }, 'wang');
    at(22);
    this.transfer({ area: b, planned: 320, moved: 84, sheltered: 84, due: world.text(now - 9 * 60), note: '' }, 'wang');
    at(14);
    this.report({ task: [...this.tasks.values()].find((x) => x.place === a && x.state === 'open').id, state: 'done', note: '已到岗' }, 'li');
    at(7);
    this.transfer({ area: b, planned: 320, moved: 214, sheltered: 190, due: world.text(now - 9 * 60), note: '社区还在清点' }, 'wang');
    at(5);
    this.harm({ kind: 'casualties', area: b, holds: true, note: '立交桥下两人被困,消防已到' }, 'li');
    at(0);
  }

  say(kind, item) {
    const entry = { number: this.entries.length + 1, at: this.world.text(this.world.time), kind, item: structuredClone(item) };
    this.entries.push(entry);
    this.world.emit('timeline', { number: entry.number });
  }

  /** What was told of in no order before the screen opened. */
  settle() {
    this.entries.sort((a, b) => a.at.localeCompare(b.at) || a.number - b.number);
    this.entries.forEach((entry, n) => { entry.number = n + 1; });
  }

  signal(s) {
    this.say('standing', { identifier: s.identifier, sender: s.sender_name, hazard: s.hazard, sent: s.sent, official: Object.fromEntries(s.areas.map((code) => [code, s.tier])), found: {} });
    this.propose(s.areas);
  }

  #standing() {
    return [...this.world.signals.values()].filter((s) => s.hazard === '11B03' && this.entries.some((e) => e.kind === 'standing' && e.item.identifier === s.identifier));
  }

  propose() {
    const districts = [...this.world.areas.values()].filter((p) => p.level === 'district').map((p) => p.code);
    const tierOf = (code) => this.#standing().filter((s) => s.areas.includes(code)).map((s) => s.tier).sort((x, y) => TIERS.indexOf(y) - TIERS.indexOf(x))[0] ?? 'none';
    const keys = (codes) => this.#standing().filter((s) => s.areas.some((code) => codes.includes(code))).map((s) => `${s.identifier} ${s.tier}`);
    const zh = { yellow: '黄色', orange: '橙色', red: '红色' };
    const reason = (tier, needed, codes, of) => ({
      term: `${tier} >= ${needed}${of > 1 ? `/${of}` : ''} districts`, count: codes.length, of, needed, areas: codes, signals: keys(codes),
      text: { zh: `${codes.length} 个区暴雨${zh[tier]}及以上预警信号生效`, en: `rainstorm signal ${tier} or above in force in ${codes.length} district${codes.length > 1 ? 's' : ''}` },
    });
    const at = (tier) => districts.filter((code) => TIERS.indexOf(tierOf(code)) >= TIERS.indexOf(tier));
    const row = CITY.find(([, tier, needed]) => at(tier).length >= Math.min(needed, districts.length));
    this.#imply('waterlogging', this.city, row?.[0] ?? null, row ? [reason(row[1], row[2], at(row[1]), districts.length)] : []);
    for (const code of districts) {
      const tier = tierOf(code);
      this.#imply('waterlogging-district', code, DISTRICT[tier] ?? null, DISTRICT[tier] ? [reason(tier, 1, [code], 1)] : []);
    }
    const dyke = this.damage.get('dyke');
    const areas = [...(dyke?.keys() ?? [])];
    this.#imply('flood', this.city, areas.length > 0 ? 'I' : null, areas.length > 0 ? [{ term: 'damage dyke', count: areas.length, of: areas.length, needed: 1, areas, signals: [], text: { zh: '险情报告：水库、堤围出现重大险情', en: 'reported: a dam or dyke in danger' } }] : []);
  }

  #imply(planId, area, implied, reasons) {
    const plan = PLANS.plans.find((p) => p.id === planId);
    const before = this.#find(planId, area);
    const r = before ?? this.#blank(plan, area);
    const old = JSON.stringify([r.proposal, r.below, r.declined]);
    if (r.declined && r.declined.level !== implied) r.declined = null;
    const settled = implied === r.level || r.declined !== null;
    const grade = plan.levels.find((l) => l.level === (implied ?? r.level));
    const kept = r.proposal?.level === implied ? r.proposal.since : this.world.text(this.world.time);
    r.proposal = settled ? null : { level: implied, level_name: implied && LEVEL_NAME[implied], since: kept, clause: '', source: implied ? CONFIDENT : null, post: this.#post(grade?.post), reasons };
    const city = this.#find('waterlogging', this.city)?.level ?? null;
    r.below = plan.at === 'district' && rank(city) > rank(r.level) ? city : null;
    if (JSON.stringify([r.proposal, r.below, r.declined]) === old) return;
    this.board.set(`${planId}/${area}`, r);
    this.say('response', this.line(r));
  }

  #blank(plan, area) {
    return { plan: plan.id, area, family: plan.family, level: null, started: null, changed: null, ended: null, by: '', reason: '', basis: [], declined: null, below: null, proposal: null };
  }

  #find(plan, area) {
    return this.board.get(`${plan}/${area}`);
  }

  #post(id) {
    return PLANS.posts.find((p) => p.id === id)?.name ?? null;
  }

  #named(code) {
    const area = this.world.areas.get(code);
    return { zh: area?.name ?? code, en: (area?.name_en ?? code).replace(' District', '') };
  }

  line(r) {
    const plan = PLANS.plans.find((p) => p.id === r.plan);
    const area = this.#named(r.area);
    const named = (words) => ({ zh: words.zh.replace('{area}', area.zh), en: words.en.replace('{area}', area.en) });
    const state = r.level ? 'in_force' : r.proposal ? 'proposed' : r.below ? 'below_city' : r.ended ? 'ended' : 'quiet';
    const authority = plan.at === 'district' ? { zh: '{area}三防指挥部', en: 'Three-defence headquarters, {area}' } : { zh: '穗城三防指挥部', en: 'Suicheng three-defence headquarters' };
    return { ...r, name: named(plan.name), family_name: FAMILY[r.family], area_name: area, authority: named(authority), state, level_name: r.level && LEVEL_NAME[r.level] };
  }

  list(isKnown) {
    const all = [...this.board.values()].sort((a, b) => a.plan.localeCompare(b.plan) || a.area.localeCompare(b.area));
    if (!isKnown) {
      return all.filter((r) => r.level).map((r) => {
        const { by, reason, basis, declined, below, proposal, ...open } = this.line(r);
        return open;
      });
    }
    return all.map((r) => {
      const grade = PLANS.plans.find((p) => p.id === r.plan).levels.find((l) => l.level === r.level);
      const tasks = [...this.tasks.values()].filter((x) => x.plan === r.plan && x.area === r.area).map((x) => this.task(x));
      return { ...this.line(r), ends: grade ? this.#post(grade.ends) : null, tasks };
    });
  }

  task({ plan, area, level: from, ...shown }) {
    const due = Date.parse(shown.due) / 1000;
    const isOpen = shown.state === 'open' || shown.state === 'late';
    return { ...shown, overdue: isOpen && this.world.time > due, in_time: shown.state === 'done' ? Date.parse(shown.reported) / 1000 <= due : null };
  }

  #permit(person, post) {
    if (PLANS.posts.find((p) => p.id === post).people.includes(person)) return;
    const name = this.#post(post);
    throw refuse(403, 'Not allowed', `${person} does not hold the post ${name.zh} (${name.en}), who signs this by the plan`);
  }

  #grade(body, current) {
    const plan = PLANS.plans.find((p) => p.id === body.plan);
    if (!plan) throw refuse(409, CHANGED, `no response plan "${body.plan}" for ${body.area}: see [[response]] in responses.toml`);
    const grade = plan.levels.find((l) => l.level === (body.level ?? current));
    if (!grade) throw refuse(409, CHANGED, `plan "${body.plan}" has no level ${body.level}: see [[response.level]]`);
    return [plan, body.level ? grade.post : grade.ends];
  }

  respond(body, person) {
    const current = this.#find(body.plan, body.area)?.level ?? null;
    const [plan, post] = this.#grade(body, current);
    this.#permit(person, post);
    reasoned(body.reason);
    if ((body.seen ?? null) !== current) throw refuse(409, CHANGED, `level ${body.seen ?? 'none'} was seen, ${current ?? 'none'} stands: look again`);
    if ((body.level ?? null) === current) throw refuse(409, CHANGED, `the response stands at ${current ?? 'none'} already`);
    const now = this.world.text(this.world.time);
    const r = this.#find(body.plan, body.area) ?? this.#blank(plan, body.area);
    const basis = r.proposal?.reasons ?? [];
    if (body.level && !current) Object.assign(r, { started: now, ended: null });
    if (!body.level) r.ended = now;
    const implied = r.proposal ? r.proposal.level : (r.declined?.level ?? current);
    Object.assign(r, { level: body.level, changed: now, by: person, reason: body.reason, basis, proposal: null, declined: rank(implied) !== rank(body.level) ? { level: implied, by: person, at: now, reason: body.reason } : null });
    this.board.set(`${body.plan}/${body.area}`, r);
    this.say('response', this.line(r));
    if (body.level) {
      this.#open(body.area);
      this.#ask(plan, r);
    } else this.#drop(r);
    this.propose();
    return body.level ? {} : { remains: this.remains(body.area) };
  }

  decline(body, person) {
    const r = this.#find(body.plan, body.area);
    const [, post] = this.#grade(body, r?.level ?? null);
    this.#permit(person, post);
    reasoned(body.reason);
    if (!r?.proposal || r.proposal.level !== body.level) throw refuse(409, CHANGED, `level ${body.level ?? 'none'} is not proposed: look again`);
    r.proposal = null;
    r.declined = { level: body.level, by: person, at: this.world.text(this.world.time), reason: body.reason };
    this.say('response', this.line(r));
    return {};
  }

  #open(area) {
    const known = this.incidents.get(area);
    if (known && !known.closed) return;
    const incident = { area, area_name: this.#named(area), opened: this.world.text(this.world.time), closed: null, by: '', reason: '' };
    this.incidents.set(area, incident);
    this.say('incident', incident);
  }

  #ask(plan, r) {
    const places = r.area === this.city ? [...this.world.areas.values()].filter((p) => p.level === 'district').map((p) => p.code) : [r.area];
    for (const place of places) {
      for (const [n, [from, owner, minutes, zh, en]] of TASKS.entries()) {
        const id = `T-${place.slice(0, 6)}-${n + 1}`;
        if (rank(from) > rank(r.level) || this.tasks.get(id)?.state === 'open') continue;
        const now = this.world.text(this.world.time);
        const task = { id, plan: plan.id, area: r.area, place, site: null, text: { zh, en }, owner, opened: now, due: this.world.text(this.world.time + minutes * 60), state: 'open', by: '', reported: null, note: '' };
        this.tasks.set(id, task);
        this.say('task', this.task(task));
      }
    }
  }

  #drop(r) {
    for (const task of this.tasks.values()) {
      if (task.plan !== r.plan || task.area !== r.area || (task.state !== 'open' && task.state !== 'late')) continue;
      task.state = 'dropped';
      this.say('task', this.task(task));
    }
  }

  report(body, person) {
    const task = this.tasks.get(body.task);
    if (!task || (task.state !== 'open' && task.state !== 'late')) throw refuse(409, CHANGED, `no task "${body.task}" is open: see /v1/responses`);
    Object.assign(task, { state: body.state, by: person, reported: this.world.text(this.world.time), note: body.note ?? '' });
    this.say('task', this.task(task));
    return {};
  }

  transfer(body, person) {
    if (body.moved > body.planned || body.sheltered > body.moved) throw refuse(409, CHANGED, `${body.planned} planned, ${body.moved} moved, ${body.sheltered} sheltered cannot be: correct the counts`);
    const { area, planned, moved, sheltered, due, note = '' } = body;
    this.transfers.set(area, { planned, moved, sheltered, due, by: person, reported: this.world.text(this.world.time), note, returned: null });
    this.say('transfer', { ...this.#moved(area), area });
    this.#open(area);
    return {};
  }

  #moved(area) {
    const t = this.transfers.get(area);
    const left = Math.max(0, t.planned - t.moved);
    return { ...t, left, overdue: !t.returned && left > 0 && this.world.time > Date.parse(t.due) / 1000 };
  }

  harm(body, person) {
    const kind = PLANS.damage.find((d) => d.id === body.kind);
    if (!kind) throw refuse(409, CHANGED, `no damage "${body.kind}": see [[damage]] in responses.toml`);
    reasoned(body.note);
    const item = { kind: body.kind, name: kind.name, by: person, reported: this.world.text(this.world.time), note: body.note };
    const of = this.damage.get(body.kind) ?? new Map();
    this.damage.set(body.kind, of);
    if (body.holds) of.set(body.area, item);
    else of.delete(body.area);
    this.say('damage', { ...item, area: body.area, holds: body.holds });
    this.propose();
    return {};
  }

  mayReturn(body, person) {
    this.#permit(person, PLANS.return_post);
    reasoned(body.reason);
    const t = this.transfers.get(body.area);
    if (!t || t.returned) throw refuse(409, CHANGED, `nobody of ${body.area} is away`);
    Object.assign(t, { returned: this.world.text(this.world.time), by: person, note: body.reason });
    this.say('transfer', { ...this.#moved(body.area), area: body.area });
    return { remains: this.remains(body.area) };
  }

  close(body, person) {
    this.#permit(person, PLANS.close_post);
    reasoned(body.reason);
    const incident = this.incidents.get(body.area);
    if (!incident || incident.closed) throw refuse(409, CHANGED, `no incident is open in ${body.area}`);
    const left = this.remains(body.area).filter((r) => r.kind === 'transfer' || (r.kind === 'response' && r.area === body.area));
    if (left.length > 0) throw refuse(409, CHANGED, `${body.area}: ${left.map((r) => (r.kind === 'transfer' ? `${r.moved} people moved` : `response ${r.level}`)).join(', ')} remain: end these first`);
    Object.assign(incident, { closed: this.world.text(this.world.time), by: person, reason: body.reason });
    this.say('incident', incident);
    return { remains: this.remains(body.area) };
  }

  /** What stands in an area, over it or in a part of it, but for a warning that is over. */
  remains(area, over = '') {
    const within = (inner, outer) => {
      for (let at = this.world.areas.get(inner); at; at = this.world.areas.get(at.parent)) if (at.code === outer) return true;
      return false;
    };
    const touches = (one, other) => within(one, other) || within(other, one);
    const found = [];
    for (const s of this.#standing()) if (s.areas.some((code) => touches(code, area))) found.push({ kind: 'signal', hazard: s.hazard, tier: s.tier, identifier: s.identifier });
    for (const w of this.world.warnings.values()) if (w.id !== over && (w.event === 'issued' || w.event === 'updated') && !w.request_to && !w.relay && touches(w.zone, area)) found.push({ kind: 'signal', hazard: w.hazard, tier: w.tier, identifier: w.id });
    for (const r of this.board.values()) if (r.level && touches(r.area, area)) found.push({ kind: 'response', plan: r.plan, area: r.area, level: r.level });
    for (const [code, t] of this.transfers) if (!t.returned && within(code, area)) found.push({ kind: 'transfer', area: code, moved: t.moved });
    for (const x of this.tasks.values()) if ((x.state === 'open' || x.state === 'late') && within(x.place, area)) found.push({ kind: 'task', id: x.id });
    for (const i of this.incidents.values()) if (!i.closed && within(i.area, area)) found.push({ kind: 'incident', area: i.area });
    return found;
  }

  incidentList() {
    const damaged = [...this.damage.values()].flatMap((of) => [...of.keys()]);
    const areas = [...new Set([...this.incidents.keys(), ...this.transfers.keys(), ...damaged])].sort();
    return areas.map((area) => {
      const { opened = null, closed = null, by = null, reason = null } = this.incidents.get(area) ?? {};
      const damage = [...this.damage.values()].map((of) => of.get(area)).filter(Boolean);
      return { area, area_name: this.#named(area), opened, closed, by, reason, lifted: this.#lifted(area), transfer: this.transfers.has(area) ? this.#moved(area) : null, damage, remains: this.remains(area) };
    });
  }

  /** When the last signal there was lifted; the mock's signals stand. */
  #lifted(area) {
    const stands = this.remains(area).some((r) => r.kind === 'signal');
    return stands ? null : (this.entries.findLast((e) => e.kind === 'over')?.at ?? null);
  }

  consequences() {
    return this.#standing().map((s) => {
      const isOrange = s.tier === 'orange';
      const text = isOrange ? { zh: '暴雨橙色预警信号生效，学校应当延迟上学', en: 'Rainstorm orange is in force: schools begin later' } : { zh: '暴雨黄色预警信号生效，学校可以延迟上学', en: 'Rainstorm yellow is in force: schools may begin later' };
      return {
        id: isOrange ? 'school-delay' : 'school-may-delay', name: isOrange ? { zh: '延迟上学', en: 'School begins later' } : { zh: '可延迟上学', en: 'School may begin later' }, text, audience: ['school'], hours: null, areas: s.areas,
        source: { document: '广州学校暴雨停课规定', confidence: 'likely' }, signal: s.identifier, sender: s.sender_name, hazard: s.hazard,
      };
    });
  }
}

const CHANGED = 'Changed since you saw it';
const refuse = (status, title, detail) => Object.assign(new Error(detail), { status, title });
const reasoned = (text) => { if (!text?.trim()) throw refuse(400, 'Bad request', 'reason: say why in a few words'); };
