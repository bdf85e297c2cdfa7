// Emergency responses as a duty officer asks for them: what waits for whom, what is late, what each end leaves.

import type { Places } from './places';
import { seconds } from './time';
import type { Entry, Family, Incident, Lang, Level, Plan, Plans, Proposal, Remaining, Response, Task, Tier, Words } from './types';

/** Lowest first. */
export const LEVELS: readonly Level[] = ['attention', 'IV', 'III', 'II', 'I'];

export const levelRank = (level: Level | null | undefined): number => (level ? LEVELS.indexOf(level) + 1 : 0);

/** The colour that a level has beside its name: Ⅰ red, Ⅱ orange, Ⅲ yellow, Ⅳ blue. */
export const LEVEL_TIER: Record<Level, Tier> = { attention: 'white', IV: 'blue', III: 'yellow', II: 'orange', I: 'red' };

const LEVEL_NAMES: Record<Lang, Record<Level, string>> = {
  zh: { attention: '关注级', IV: 'Ⅳ级', III: 'Ⅲ级', II: 'Ⅱ级', I: 'Ⅰ级' },
  en: { attention: 'Attention', IV: 'Level IV', III: 'Level III', II: 'Level II', I: 'Level I' },
};

/** A level by its name; nothing stands for no response. */
export const levelName = (level: Level | null | undefined, lang: Lang): string => (level ? LEVEL_NAMES[lang][level] : lang === 'zh' ? '无响应' : 'None');

/** A level as a sign: Ⅳ, Ⅲ, Ⅱ, Ⅰ. */
export const levelShort = (level: Level | null, lang: Lang): string => (level === null ? '–' : level === 'attention' ? (lang === 'zh' ? '关注' : 'Att.') : { IV: 'Ⅳ', III: 'Ⅲ', II: 'Ⅱ', I: 'Ⅰ' }[level]);

/** Words in the reader's language, or in the other one. */
export const said = (words: Words | null | undefined, lang: Lang): string => words?.[lang] || words?.zh || words?.en || '';

export const responseKey = (r: Pick<Response, 'plan' | 'area'>): string => `${r.plan}/${r.area}`;

/** What waits for a person: a proposal, or a district below its city. */
export const waits = (r: Response): boolean => Boolean(r.proposal) || isBelow(r);

/** The city stands higher and nobody has proposed what the district should do. */
export const isBelow = (r: Response): boolean => levelRank(r.below) > levelRank(r.level);

/** Worth a card: it stands, waits, or ended not long ago. */
const isShown = (r: Response, now: number): boolean => r.level !== null || waits(r) || (r.ended !== null && now - seconds(r.ended) < 24 * 3600);

const FAMILIES: readonly Family[] = ['flood', 'waterlogging', 'wind', 'drought', 'freezing', 'weather'];

export interface OfFamily {
  family: Family;
  name: Words;
  responses: Response[];
}

/** By family, that with the most to decide first; within one the larger area, then what waits, then the higher. */
export function byFamily(responses: Iterable<Response>, places: Places, now: number): OfFamily[] {
  const groups = new Map<Family, OfFamily>();
  for (const r of responses) {
    if (!isShown(r, now)) continue;
    const group = groups.get(r.family) ?? { family: r.family, name: r.family_name, responses: [] };
    group.responses.push(r);
    groups.set(r.family, group);
  }
  const size = (r: Response) => (places.properties(r.area)?.level === 'city' ? 0 : 1);
  const top = (r: Response) => Math.max(levelRank(r.level), levelRank(r.proposal?.level));
  for (const group of groups.values()) {
    group.responses.sort((a, b) => size(a) - size(b) || Number(waits(b)) - Number(waits(a)) || top(b) - top(a) || a.area.localeCompare(b.area) || a.plan.localeCompare(b.plan));
  }
  const urgency = (group: OfFamily) => Math.max(...group.responses.map((r) => Number(Boolean(r.proposal)) * 10 + top(r)));
  return [...groups.values()].sort((a, b) => urgency(b) - urgency(a) || FAMILIES.indexOf(a.family) - FAMILIES.indexOf(b.family));
}

export type Doing = 'start' | 'raise' | 'lower' | 'end';

/** What a step from one level to another is. */
export function doing(from: Level | null, to: Level | null): Doing {
  if (!to) return 'end';
  if (!from) return 'start';
  return levelRank(to) > levelRank(from) ? 'raise' : 'lower';
}

/** Whether somebody holds a post in an area, as the server asks it. */
export const holds = (plans: Plans | null, person: string | undefined, post: string, area: string): boolean =>
  Boolean(person && plans?.posts.some((p) => p.id === post && (p.area === null || p.area === area) && p.people.includes(person)));

export function postName(plans: Plans | null, post: string, area: string, lang: Lang): string {
  const rows = plans?.posts.filter((p) => p.id === post) ?? [];
  return said((rows.find((p) => p.area === area) ?? rows[0])?.name, lang) || post;
}

/** The post that signs a step of a plan, as the server finds it. */
export function postFor(plans: Plans | null, plan: Plan | undefined, from: Level | null, to: Level | null): string {
  const grade = plan?.levels.find((l) => l.level === (to ?? from));
  return (to ? grade?.post : grade?.ends) ?? plans?.close_post ?? '';
}

/** Where a plan may be started. */
export function areasOf(plan: Plan, places: Places): string[] {
  if (plan.areas.length > 0) return plan.areas;
  return [...places.byCode.values()].map((f) => f.properties).filter((p) => p.level === plan.at).map((p) => p.code).sort();
}

/** What a person who was about to sign has not seen: another level in force, or another one proposed. */
export function differs(seen: Response | undefined, now: Response | undefined): boolean {
  const level = (r: Response | undefined) => r?.level ?? null;
  const proposed = (r: Response | undefined) => (r?.proposal ? (r.proposal.level ?? 'end') : '');
  return level(seen) !== level(now) || proposed(seen) !== proposed(now);
}

/** What a proposal says in one line for each of its reasons. */
export const reasonsOf = (proposal: Proposal | null | undefined, lang: Lang): string[] => (proposal?.reasons ?? []).map((r) => said(r.text, lang) || r.term);

// --- tasks ---

export interface OwnTask extends Task {
  response: Response;
}

export const isOpen = (task: Task): boolean => task.state === 'open' || task.state === 'late';

/** Open beyond its deadline at `now`: time goes on between two looks at the list. */
export const isOverdue = (task: Task, now: number): boolean => isOpen(task) && now > seconds(task.due);

export interface TaskFilter {
  district: string;
  owner: string;
  /** `open`, or those that are over. */
  state: 'open' | 'done' | 'all';
}

/** The tasks of all responses that a filter leaves, the most overdue first, then by deadline. */
export function tasksOf(responses: Iterable<Response>, filter: TaskFilter, places: Places): OwnTask[] {
  const all = [...responses].flatMap((response) => (response.tasks ?? []).map((task) => ({ ...task, response })));
  const fits = (task: OwnTask) =>
    (!filter.district || places.district(task.place) === filter.district) && (!filter.owner || task.owner === filter.owner) && (filter.state === 'all' || isOpen(task) === (filter.state === 'open'));
  return all.filter(fits).sort((a, b) => Number(isOpen(b)) - Number(isOpen(a)) || seconds(a.due) - seconds(b.due) || a.id.localeCompare(b.id));
}

// --- the four ends ---

export type End = 'signal' | 'response' | 'return' | 'incident';
export interface EndState {
  end: End;
  /** `open` stands, `over` was ended, `none` never was. */
  state: 'open' | 'over' | 'none';
  at: string | null;
  /** What still stands, of signals and responses. */
  left: Remaining[];
}

/** How each of the four ends stands in an area; none follows from another. */
export function endsOf(incident: Incident, responses: Iterable<Response>): EndState[] {
  const signals = incident.remains.filter((r) => r.kind === 'signal');
  const inForce = incident.remains.filter((r) => r.kind === 'response');
  const here = [...responses].filter((r) => r.area === incident.area);
  const ended = here.map((r) => r.ended).filter((at) => at !== null).sort().at(-1) ?? null;
  const moved = incident.transfer;
  return [
    { end: 'signal', state: signals.length > 0 ? 'open' : 'over', at: incident.lifted, left: signals },
    { end: 'response', state: inForce.length > 0 ? 'open' : ended ? 'over' : 'none', at: inForce.length > 0 ? null : ended, left: inForce },
    { end: 'return', state: !moved || moved.moved === 0 ? 'none' : moved.returned ? 'over' : 'open', at: moved?.returned ?? null, left: [] },
    { end: 'incident', state: !incident.opened ? 'none' : incident.closed ? 'over' : 'open', at: incident.closed, left: [] },
  ];
}

// --- the timeline ---

/** The areas an entry speaks of. */
export function areasOfEntry(entry: Entry): string[] {
  switch (entry.kind) {
    case 'standing':
    case 'over':
      return [...Object.keys(entry.item.official), ...Object.keys(entry.item.found)];
    case 'task':
      return [entry.item.place];
    case 'response':
    case 'transfer':
    case 'damage':
    case 'incident':
      return [entry.item.area];
    case 'process':
      return entry.item.areas;
    case 'slot':
    case 'evening':
      return [];
  }
}

/** Whether an entry is about a district: it lies there, or the whole city has it. */
export function concerns(entry: Entry, district: string, places: Places): boolean {
  const areas = areasOfEntry(entry);
  // A product is the city's own duty.
  if (areas.length === 0) return true;
  return areas.some((code) => {
    const at = places.district(code);
    return at === district || places.properties(at)?.level === 'city';
  });
}

export interface Moment {
  entry: Entry;
  /** Entries of the same kind and moment behind it: a level opens dozens of tasks at once. */
  more: Entry[];
  /** Of a response whose proposal went: a person sent it away, or its reasons are over. */
  gone?: 'declined' | 'withdrawn';
}

/** Newest first; tasks that one act opened or dropped stand together, and what says nothing new of a response is left out. */
export function moments(entries: readonly Entry[]): Moment[] {
  const found: Moment[] = [];
  const before = new Map<string, { says: string; response: Response }>();
  for (const entry of entries) {
    if (entry.kind === 'response') {
      const r = entry.item;
      // Reasons that grow under the same proposal are on its card.
      const says = JSON.stringify([r.level, r.changed, r.ended, r.level ? null : r.below, r.proposal && [r.proposal.level, r.proposal.since]]);
      const last = before.get(responseKey(r));
      before.set(responseKey(r), { says, response: r });
      if (last?.says === says) continue;
      if (last?.response.proposal && !r.proposal && last.response.changed === r.changed) {
        found.push({ entry, more: [], gone: r.declined ? 'declined' : 'withdrawn' });
        continue;
      }
    }
    const last = found.at(-1);
    if (last && last.entry.kind === 'task' && entry.kind === 'task' && last.entry.at === entry.at && last.entry.item.state === entry.item.state && !entry.item.by) last.more.push(entry);
    else found.push({ entry, more: [] });
  }
  return found.reverse();
}

/** Entries that came after those known, each once. */
export function joined(known: readonly Entry[], fresh: readonly Entry[], max: number): Entry[] {
  const last = known.at(-1)?.number ?? 0;
  return [...known, ...fresh.filter((entry) => entry.number > last)].slice(-max);
}
