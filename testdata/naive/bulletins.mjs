//! Warnings: tiers of areas out of tiers of subjects, and one warning for each hazard and zone while any of its areas has a tier.

import { createHash } from 'node:crypto';
import { ancestor, zoneOf } from './city.mjs';
import { TIERS } from './rulebook.mjs';

const MINUTE = 60_000;

/** How many subjects must have a tier for the area to have it. */
export function enough(quorum, present) {
  const share = /^(\d+(?:\.\d+)?)%$/.exec(quorum);
  if (share) return Math.max(1, Math.ceil((Number(share[1]) * present) / 100));
  const of = /^(\d+) of (\d+)$/.exec(quorum);
  if (!of) return Number(quorum);
  const [n, m] = [Number(of[1]), Number(of[2])];
  return present < m ? Math.max(1, Math.ceil((n / m) * present)) : n;
}

/** The identity of the warning of a hazard in a zone that first rose at that time. */
export function warningId(city, hazard, zone, firstRise) {
  const time = `${new Date(firstRise).toISOString().slice(0, 19)}Z`;
  return createHash('sha256').update(`sanfang/warning/1\n${city}\nactual\n${hazard}\n${zone}\n${time}`).digest('hex').slice(0, 24);
}

/** Areas by rule, and warnings by hazard and zone. */
export class Bulletins {
  #city;
  #areas = new Map();
  #hazards = new Map();
  #warnings = new Map();
  #order = new Map();

  constructor(city) {
    this.#city = city;
  }

  /** Enters the subjects, so that shares of those in service are known. */
  enrol(subjects) {
    for (const subject of subjects) {
      this.#order.set(subject.rule.id, subject.order);
      const area = this.#areaOf(subject);
      if (area === null) continue;
      const key = `${subject.rule.id} ${area}`;
      if (!this.#areas.has(key)) this.#areas.set(key, { rule: subject.rule, area, tiers: new Map(), tier: 0, reached: 0, reachedTiers: new Map() });
      this.#areas.get(key).tiers.set(subject.id, 0);
      this.#areas.get(key).reachedTiers.set(subject.id, 0);
    }
  }

  /** The tier that a rule has reached in the smallest area of its level that holds `area`. */
  situation(rule, area) {
    for (const [key, entry] of this.#areas) if (key.startsWith(`${rule} `) && ancestor(this.#city, area, entry.rule.area.level) === entry.area) return entry.reached;
    return 0;
  }

  /** Takes a change at a subject; gives the warning events that follow at once. */
  take(change, record) {
    const area = this.#areaOf(change.subject);
    const entry = this.#areas.get(`${change.subject.rule.id} ${area}`);
    if (!entry) return [];
    const past = change.evaluated < record - this.#city.pastAfter;
    const before = entry.tiers.get(change.subject.id);
    entry.reachedTiers.set(change.subject.id, change.to);
    entry.reached = this.#quorum(entry.rule, entry.reachedTiers);
    if (past && change.proposed > before) return [];
    entry.tiers.set(change.subject.id, change.proposed);
    const tier = this.#quorum(entry.rule, entry.tiers);
    if (tier === entry.tier) return [];
    entry.tier = tier;
    return this.#revise(entry, change.time, record);
  }

  /** The warning events that fall due at the whole minutes up to `record`: by minute, rule and zone. */
  flush(record) {
    const due = [...this.#warnings.values()].filter((warning) => warning.due !== null && warning.due <= record);
    const rule = ({ dueRule }) => this.#order.get(dueRule);
    due.sort((a, b) => a.due - b.due || rule(a) - rule(b) || (a.zone < b.zone ? -1 : 1));
    return due.flatMap((warning) => this.#publish(warning, warning.due, warning.dueRule));
  }

  #areaOf({ rule, area }) {
    return ancestor(this.#city, area, rule.area.level);
  }

  #quorum(rule, tiers) {
    const need = enough(rule.area.quorum, tiers.size);
    for (let tier = TIERS.length - 1; tier > 0; tier--) {
      let count = 0;
      for (const one of tiers.values()) if (one >= tier) count += 1;
      if (count >= need) return tier;
    }
    return 0;
  }

  /** An area's tier under a hazard is the highest that any rule of the hazard finds there. */
  #revise({ rule, area }, time, record) {
    const { hazard } = rule;
    const tier = [...this.#areas.values()].reduce((highest, entry) => (entry.area === area && entry.rule.hazard === hazard ? Math.max(highest, entry.tier) : highest), 0);
    const key = `${hazard} ${area}`;
    const before = this.#hazards.get(key) ?? 0;
    if (tier === before) return [];
    this.#hazards.set(key, tier);
    const zone = zoneOf(this.#city, area);
    const name = `${hazard} ${zone}`;
    let warning = this.#warnings.get(name);
    if (!warning) {
      if (tier === 0) return [];
      warning = { id: warningId(this.#city.code, hazard, zone, time), hazard, zone, areas: new Map([[area, tier]]), told: new Map(), issued: false, due: null, dueRule: null };
      this.#warnings.set(name, warning);
      return this.#publish(warning, time, rule.id);
    }
    const alike = [...warning.areas].some(([other, held]) => other !== area && held === tier);
    warning.areas.set(area, tier);
    if (tier > before && (before > 0 || !alike)) return this.#publish(warning, time, rule.id);
    if (warning.due === null) {
      warning.due = (Math.floor(record / MINUTE) + 1) * MINUTE;
      warning.dueRule = rule.id;
    }
    return [];
  }

  #publish(warning, time, rule) {
    warning.due = null;
    warning.dueRule = null;
    const inForce = [...warning.areas].filter(([, tier]) => tier > 0);
    const fallen = [...warning.told.keys()].filter((area) => (warning.areas.get(area) ?? 0) === 0);
    const told = new Map([...inForce, ...fallen.map((area) => [area, 0])].sort(([a], [b]) => (a < b ? -1 : 1)));
    const same = told.size === warning.told.size && [...told].every(([area, tier]) => warning.told.get(area) === tier);
    if (same) return [];
    warning.told = new Map(inForce);
    const line = (event) => ({
      time, warning: warning.id, event, hazard: warning.hazard, tier: TIERS[Math.max(0, ...told.values())],
      areas: Object.fromEntries([...told].map(([area, tier]) => [area, TIERS[tier]])), rule,
    });
    if (!warning.issued) {
      warning.issued = true;
      return inForce.length === 0 ? [] : [line('proposed'), line('issued')];
    }
    if (inForce.length > 0) return [line('updated')];
    this.#warnings.delete(`${warning.hazard} ${warning.zone}`);
    return [line('ended')];
  }
}
