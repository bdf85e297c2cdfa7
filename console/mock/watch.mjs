// The mock's silent sensors and silenced rules: areas that nobody sees, stations lost together, rules that are muted for a while.

const HAZARDS = { '11A02': ['内涝', 'waterlogging'], '11B03': ['暴雨', 'rainstorm'], '11D01': ['滑坡', 'landslide'] };
const NAME = { yellow: ['黄色', 'yellow'], orange: ['橙色', 'orange'], red: ['红色', 'red'] };
const MUTE_MAX_S = 24 * 3600;
const RULES = [
  ['rainstorm', '11B03', ['暴雨', 'Rainstorm'], 'township', ['yellow', 'orange', 'red'], ['landslide']], ['waterlogging', '11A02', ['易涝点积水', 'Water standing at known points'], 'township', ['blue', 'yellow', 'orange', 'red'], []],
  ['culvert', '11A02', ['涵洞积水', 'Water in culverts'], 'township', ['yellow', 'orange', 'red'], []], ['landslide', '11D01', ['边坡变形', 'Slope moving'], 'township', ['blue', 'yellow', 'orange', 'red'], []],
  ['gale', '11B20', ['雷雨大风', 'Thunder-gale'], 'district', ['yellow', 'orange'], []], ['heat', '11B09', ['高温', 'Heat'], 'district', ['yellow', 'orange', 'red'], []],
];

export class Watch {
  constructor(world) {
    this.world = world;
    this.muted = [];
    this.blind = this.#blind();
    const { area, station } = this.#slope();
    this.station = station;
    this.muted.push({ rule: 'landslide', zone: world.district(area), area, since: world.text(world.time - 2400), until: world.text(world.time + 4800), person: 'wang', reason: '位移计更换,现场有人值守' });
  }

  #slope() {
    const station = this.world.city.stations.find((s) => s.kind === 'slope') ?? this.world.city.stations[0];
    return { area: station.area, station: station.id };
  }

  #area(code) {
    const area = this.world.areas.get(code);
    return { name: area?.name ?? code, name_en: area?.name_en ?? code };
  }

  /** One area blind under water that rises, some silent without a storm, hills without a sensor. */
  #blind() {
    const { world } = this;
    const stations = (kind, area) => world.city.stations.filter((s) => s.kind === kind && s.area === area).map((s) => s.id);
    const flooded = [...world.warnings.values()].filter((w) => w.hazard === '11A02').flatMap((w) => Object.entries(w.areas)).filter(([code, at]) => NAME[at.tier] && stations('depth_sensor', code).length > 0);
    flooded.sort(([, a], [, b]) => Object.keys(NAME).indexOf(b.tier) - Object.keys(NAME).indexOf(a.tier));
    const townships = [...world.areas.values()].filter((p) => p.level === 'township').map((p) => p.code);
    const one = (hazard, area, kind, minutes, in_force) => {
      const [{ name, name_en }, ids] = [this.#area(area), stations(kind, area)];
      const alarm = in_force !== 'none';
      const [zh, en] = HAZARDS[hazard];
      const text = alarm
        ? { zh: `${name}：${zh}${NAME[in_force][0]}生效，当地${ids.length}个监测站全部失联，无实时监测`, en: `${name_en}: ${en} ${in_force} in force and all ${ids.length} stations silent, nobody sees it` }
        : { zh: `${name}：${zh}监测站全部失联（${ids.length}个）`, en: `${name_en}: all ${ids.length} stations for ${en} silent` };
      return { hazard, area, name, name_en, why: 'silent', since: world.text(world.time - minutes * 60), in_force, alarm, count: ids.length, stations: ids, text };
    };
    const quiet = townships.filter((code) => stations('rain_gauge', code).length > 0).slice(-4, -1);
    const silent = [...flooded.slice(0, 2).map(([code, at], n) => one('11A02', code, 'depth_sensor', 38 - 15 * n, at.tier)), ...quiet.map((code, n) => one('11B03', code, 'rain_gauge', 190 + 40 * n, 'none'))];
    const unseen = townships.filter((code) => stations('slope', code).length === 0).map((area) => {
      const { name, name_en } = this.#area(area);
      return { hazard: '11D01', area, name, name_en, why: 'unseen', since: null, in_force: 'none', alarm: false, count: 0, stations: [], text: { zh: `${name}：未登记能监测滑坡的站点`, en: `${name_en}: no registered station sees landslide` } };
    });
    return [...silent, ...unseen];
  }

  blindness(hazard) {
    const { world } = this;
    const hazards = Object.entries(HAZARDS).filter(([code]) => !hazard || code === hazard);
    const area = world.district(this.blind[0].area);
    const { name, name_en } = this.#area(area);
    const stations = world.city.stations.filter((s) => world.district(s.area) === area && s.kind === 'depth_sensor').slice(0, 6).map((s) => s.id);
    const text = { zh: `${name}：${stations.length}个站几乎同时失联，可能断电或断网，请核实`, en: `${name_en}: ${stations.length} stations lost at about the same time, power or network may be down: check` };
    return {
      time: world.text(world.time), hazards: hazards.map(([code, [zh, en]]) => ({ hazard: code, name: { zh, en }, areas: this.blind.filter((b) => b.hazard === code) })),
      clusters: [{ area, name, name_en, since: world.text(world.time - 38 * 60), over: false, count: stations.length, stations, text }], silent_series: 23,
    };
  }

  map(hazard) {
    const shapes = new Map(this.world.city.areas.features.map((f) => [f.properties.code, f.geometry]));
    return { type: 'FeatureCollection', features: this.blind.filter((b) => !hazard || b.hazard === hazard).map((properties) => ({ type: 'Feature', properties, geometry: shapes.get(properties.area) })) };
  }

  rules() {
    this.#lapse();
    return RULES.map(([id, hazard, [zh, en], level, tiers, heard_by]) => ({
      id, hazard, name: { zh, en }, version: 'guangdong-2019', level, sources: { rule: { document: 'design-default', confidence: 'design-default' } }, tiers, heard_by,
      muted: this.muted.filter((m) => m.rule === id).map(({ rule: _, ...mute }) => mute),
    }));
  }

  #lapse() {
    this.muted = this.muted.filter((m) => Date.parse(m.until) / 1000 > this.world.time);
  }

  #known(id) {
    if (!RULES.some(([known]) => known === id)) throw refuse(404, 'Not found', `no rule "${id}" is in force; see /v1/rules`);
  }

  mute(id, body, person) {
    const { world } = this;
    this.#known(id);
    if (!body.reason?.trim()) throw refuse(400, 'Bad request', 'reason: say why in a few words');
    const until = Date.parse(body.until) / 1000;
    if (!(until > world.time)) throw refuse(400, 'Bad request', `until: it is ${world.text(world.time)} already; name a time to come`);
    if (until > world.time + MUTE_MAX_S) throw refuse(400, 'Bad request', `until: a rule may be silenced for 1d at most, until ${world.text(world.time + MUTE_MAX_S)}`);
    const all = [...world.areas.values()];
    const city = all.find((p) => p.level === 'city').code;
    if (!body.areas?.length) throw refuse(400, 'Bad request', `areas: there is none; name districts or townships, or ${city} for the whole city`);
    const whole = all.filter((p) => p.level === 'district').map((p) => [p.code, null]);
    const places = body.areas.length === 1 && body.areas[0] === city ? whole : body.areas.map((area) => [world.district(area), area]);
    for (const [zone, area] of places) {
      this.muted = this.muted.filter((m) => m.rule !== id || m.zone !== zone || m.area !== area);
      this.muted.push({ rule: id, zone, area, since: world.text(world.time), until: world.text(until), person, reason: body.reason });
    }
    world.emit('mute', { rule: id });
    return [...new Set(places.map(([zone]) => zone))].map((zone) => ({ zone, state: 'done', why: null }));
  }

  unmute(id, body) {
    this.#known(id);
    const gone = this.muted.filter((m) => m.rule === id && (!body.areas?.length || body.areas.includes(m.area)));
    if (gone.length === 0) throw refuse(409, 'Changed since you saw it', `rule "${id}" is not silenced there; see /v1/rules`);
    this.muted = this.muted.filter((m) => !gone.includes(m));
    this.world.emit('mute', { rule: id });
    return [...new Set(gone.map((m) => m.zone))].map((zone) => ({ zone, state: 'done', why: null }));
  }
}

const refuse = (status, title, detail) => Object.assign(new Error(detail), { status, title });
