// Products by lead time as a duty officer asks for them: what is owed, what comes next, and tonight in few lines.

import type { Places } from './places';
import { rank } from './tier';
import { seconds } from './time';
import type { Lang, Tier } from './types';
import type { Process, Reach, Risk, Services, Slot, SlotState } from './types.services';

export const isLive = (process: Process): boolean => process.state !== 'ended';

const NEXT_SHOWN = 12;

/** One product that is owed, due or to come. */
export interface Owed {
  process: Process;
  slot: Slot;
  round: number;
  state: 'missed' | 'due' | 'waiting';
  due: string | null;
}

/** What waits, is due or was missed in a slot, its earlier rounds included. */
export function owedOf(process: Process, slot: Slot): Owed[] {
  const behind = slot.behind.filter((r) => r.filed === null).map<Owed>((r) => ({ process, slot, round: r.round, state: 'missed', due: r.due }));
  const { state } = slot;
  return state === 'missed' || state === 'due' || (state === 'waiting' && slot.opens !== null) ? [...behind, { process, slot, round: slot.round, state, due: slot.due }] : behind;
}

/** Missed ones, the oldest first; then what is due by its deadline; then the next to come. */
export function agenda(services: Services | null): Owed[] {
  const all = (services?.processes ?? []).filter(isLive).flatMap((p) => p.slots.flatMap((s) => owedOf(p, s)));
  const of = (state: Owed['state'], at: (o: Owed) => string | null) => all.filter((o) => o.state === state).sort((a, b) => seconds(at(a)) - seconds(at(b)) || a.process.id.localeCompare(b.process.id));
  return [...of('missed', (o) => o.due), ...of('due', (o) => o.due), ...of('waiting', (o) => o.slot.opens).slice(0, NEXT_SHOWN)];
}

const URGENCY: readonly SlotState[] = ['missed', 'due', 'waiting', 'late', 'done', 'not_asked'];

/** The slot of a process that a person should look at first. */
export function foremost(process: Process): Slot | undefined {
  const urgency = (slot: Slot) => (owedOf(process, slot).some((o) => o.state === 'missed') ? 0 : URGENCY.indexOf(slot.state));
  return [...process.slots].sort((a, b) => urgency(a) - urgency(b))[0];
}

/** Live ones by what is owed, then by when they begin; those that are over last. */
export function ordered(services: Services | null): Process[] {
  const owed = (p: Process) => (isLive(p) ? Math.min(...p.slots.flatMap((s) => owedOf(p, s)).map((o) => ['missed', 'due', 'waiting'].indexOf(o.state)), 3) : 4);
  return [...(services?.processes ?? [])].sort((a, b) => owed(a) - owed(b) || seconds(a.onset) - seconds(b.onset) || a.id.localeCompare(b.id));
}

const UNITS: Record<Lang, Record<string, string>> = { zh: { d: ' 天', h: ' 小时', m: ' 分', s: ' 秒' }, en: { d: ' d', h: ' h', m: ' min', s: ' s' } };

/** `3h` in words. */
export function leadName(slot: Pick<Slot, 'lead' | 'is_observed'>, lang: Lang, isShort = false): string {
  if (slot.is_observed) return lang === 'zh' ? '实况' : isShort ? 'Now' : 'Observed';
  return slot.lead.replace(/(\d+)([dhms])/g, (_, n: string, unit: string) => `${n}${UNITS[lang][unit] ?? unit}`);
}

// --- the evening product ---

export interface SameRisk {
  tier: Tier;
  hazard: string;
  townships: number;
  /** Areas by what speaks for the risk there, the most first. */
  parts: { reasons: Risk['reasons']; areas: string[] }[];
}

/** The same hazard and tier in several townships is one item, the highest tier first. */
export function sameRisks(risks: readonly Risk[]): SameRisk[] {
  const found = new Map<string, Map<string, { reasons: Risk['reasons']; areas: string[] }>>();
  for (const { area, hazard, tier, reasons } of risks) {
    const key = `${tier}/${hazard}`;
    const parts = found.get(key) ?? new Map<string, { reasons: Risk['reasons']; areas: string[] }>();
    const why = JSON.stringify(reasons);
    const part = parts.get(why) ?? { reasons, areas: [] };
    part.areas.push(area);
    found.set(key, parts.set(why, part));
  }
  const all = [...found].map<SameRisk>(([key, parts]) => {
    const [tier, hazard] = key.split('/') as [Tier, string];
    const ordered = [...parts.values()].sort((a, b) => b.areas.length - a.areas.length);
    return { tier, hazard, parts: ordered, townships: ordered.reduce((sum, part) => sum + part.areas.length, 0) };
  });
  return all.sort((a, b) => rank(b.tier) - rank(a.tier) || a.hazard.localeCompare(b.hazard));
}

export interface OfDistrict {
  district: string;
  /** Its areas; none where all of it is meant. */
  areas: string[];
}

/** Areas by district, whole districts as such. */
export function byDistrict(areas: readonly string[], places: Places): OfDistrict[] {
  const townships = places.townships().map((p) => p.code);
  const groups = new Map<string, string[]>();
  for (const code of areas) {
    const district = places.district(code);
    groups.set(district, [...(groups.get(district) ?? []), code]);
  }
  return [...groups].map(([district, own]) => {
    const all = townships.filter((code) => places.district(code) === district);
    const isWhole = own.includes(district) || (all.length > 0 && all.every((code) => own.includes(code)));
    return { district, areas: isWhole ? [] : own.sort() };
  }).sort((a, b) => a.district.localeCompare(b.district));
}

export interface DistrictReach {
  district: string;
  people: number;
  with_phone: number;
  without_phone: number;
  called: number;
  answered: number;
  /** Townships in which somebody cannot be reached or did not answer, or nobody is registered. */
  gaps: Reach[];
}

const COUNTS = ['people', 'with_phone', 'without_phone', 'called', 'answered'] as const;

/** Counts by district, and the townships with a gap. */
export function reachByDistrict(reach: readonly Reach[], places: Places): DistrictReach[] {
  const found = new Map<string, DistrictReach>();
  for (const of of reach) {
    const district = places.district(of.area);
    const sum = found.get(district) ?? { district, people: 0, with_phone: 0, without_phone: 0, called: 0, answered: 0, gaps: [] };
    for (const count of COUNTS) sum[count] += of[count];
    if (of.people === 0 || of.without_phone > 0 || of.called > of.answered) sum.gaps.push(of);
    found.set(district, sum);
  }
  return [...found.values()].sort((a, b) => a.district.localeCompare(b.district));
}
