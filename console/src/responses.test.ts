import { describe, expect, it } from 'vitest';
import { Places } from './places';
import { areasOf, areasOfEntry, byFamily, concerns, differs, doing, endsOf, holds, isBelow, isOverdue, joined, levelName, levelRank, LEVELS, moments, postFor, tasksOf } from './responses';
import { rulebookName } from './rulebooks';
import { localInput, seconds, withOffset } from './time';
import type { Areas, Entry, Incident, Level, Plan, Plans, Proposal, Response, Task } from './types';

const AT = '2023-09-07T21:40:00+08:00';
const LATER = '2023-09-07T22:40:00+08:00';

const area = (code: string, level: 'city' | 'district' | 'township', parent: string | null) => ({
  type: 'Feature' as const, properties: { code, name: code, name_en: code, level, parent, population: 1 }, geometry: { type: 'Polygon' as const, coordinates: [] },
});
const places = new Places({ type: 'FeatureCollection', features: [area('C', 'city', null), area('D1', 'district', 'C'), area('D2', 'district', 'C'), area('T1', 'township', 'D1')] } as Areas);

const proposal = (level: Level | null): Proposal => ({ level, since: AT, clause: '', source: null, post: null, reasons: [] });

function response(change: Partial<Response> = {}): Response {
  return {
    plan: 'rain', name: { zh: '甲', en: 'A' }, family: 'waterlogging', family_name: { zh: '防暴雨内涝', en: 'Rain' }, area: 'C', area_name: { zh: '市', en: 'City' }, authority: null, state: 'in_force', level: null, level_name: null,
    started: null, changed: null, ended: null, by: '', reason: '', basis: [], declined: null, below: null, proposal: null, ends: null, tasks: [], ...change,
  };
}

function task(change: Partial<Task> = {}): Task {
  return { id: 'a', place: 'D1', site: null, text: { zh: '办', en: 'Do' }, owner: 'district_duty', opened: AT, due: LATER, state: 'open', overdue: false, in_time: null, by: '', reported: null, note: '', ...change };
}

const plan: Plan = {
  id: 'rain', name: { zh: '甲', en: 'A' }, family: 'waterlogging', at: 'city', areas: [],
  levels: [{ level: 'IV', level_name: 'Ⅳ级', post: 'office', ends: 'office', clause: '', source: { document: 'x', confidence: 'sure' } }, { level: 'II', level_name: 'Ⅱ级', post: 'commander', ends: 'office', clause: '', source: { document: 'x', confidence: 'sure' } }],
};
const plans: Plans = {
  plans: [plan], damage: [], return_post: 'commander', close_post: 'office',
  posts: [{ id: 'office', name: { zh: '办', en: 'Office' }, area: null, people: ['li'] }, { id: 'commander', name: { zh: '总', en: 'Commander' }, area: 'D1', people: ['wang'] }],
};

describe('levels', () => {
  it('rise from attention to I, and none stands below all', () => {
    expect([...LEVELS].map(levelRank)).toEqual([1, 2, 3, 4, 5]);
    expect(levelRank(null)).toBe(0);
    expect([levelName('II', 'zh'), levelName('II', 'en'), levelName(null, 'en')]).toEqual(['Ⅱ级', 'Level II', 'None']);
  });
  it('say what a step is', () => {
    expect([doing(null, 'IV'), doing('IV', 'II'), doing('II', 'IV'), doing('II', null)]).toEqual(['start', 'raise', 'lower', 'end']);
  });
});

describe('the desk', () => {
  it('puts what has to be decided first, the city before its districts', () => {
    const old = response({ plan: 'old', ended: '2023-09-01T00:00:00+08:00' });
    const all = [response({ plan: 'district', area: 'D2', level: 'III' }), response({ plan: 'district', area: 'D1', proposal: proposal('II') }), response({ level: 'IV' }), response({ plan: 'flood', family: 'flood', level: 'I' }), old];
    const groups = byFamily(all, places, seconds(AT));
    expect(groups.map((g) => g.family)).toEqual(['waterlogging', 'flood']);
    expect(groups[0]?.responses.map((r) => r.area)).toEqual(['C', 'D1', 'D2']);
  });
  it('marks a district that stands below its city, not one at its level', () => {
    expect([isBelow(response({ below: 'II', level: 'III' })), isBelow(response({ below: 'II', level: 'II' })), isBelow(response({ level: 'III' }))]).toEqual([true, false, false]);
  });
  it('knows whose step it is as the server does', () => {
    expect([postFor(plans, plan, null, 'II'), postFor(plans, plan, 'II', null), postFor(plans, plan, 'II', 'IV'), postFor(plans, undefined, 'II', null)]).toEqual(['commander', 'office', 'office', 'office']);
    expect([holds(plans, 'li', 'office', 'D2'), holds(plans, 'wang', 'commander', 'D1'), holds(plans, 'wang', 'commander', 'D2'), holds(plans, undefined, 'office', 'C'), holds(null, 'li', 'office', 'C')]).toEqual([true, true, false, false, false]);
    expect(areasOf(plan, places)).toEqual(['C']);
    expect(areasOf({ ...plan, at: 'district' }, places)).toEqual(['D1', 'D2']);
    expect(areasOf({ ...plan, areas: ['D2'] }, places)).toEqual(['D2']);
  });
  it('sees that what stands is not what was seen', () => {
    const seen = response({ level: 'IV', proposal: proposal('III') });
    expect(differs(seen, { ...seen, reason: 'other words' })).toBe(false);
    expect(differs(seen, { ...seen, level: 'III' })).toBe(true);
    expect(differs(seen, { ...seen, proposal: proposal('II') })).toBe(true);
    expect(differs({ ...seen, proposal: proposal(null) }, { ...seen, proposal: null })).toBe(true);
    expect(differs(undefined, response())).toBe(false);
    expect(differs(undefined, response({ level: 'IV' }))).toBe(true);
  });
});

describe('tasks', () => {
  const all = [response({ tasks: [task({ id: 'late', due: AT }), task({ id: 'far', place: 'T1' }), task({ id: 'done', state: 'done' }), task({ id: 'other', place: 'D2', owner: 'township_head' })] })];
  const ids = (filter: Partial<Parameters<typeof tasksOf>[1]>) => tasksOf(all, { district: '', owner: '', state: 'open', ...filter }, places).map((x) => x.id);
  it('are filtered by district, owner and state, by deadline', () => {
    expect(ids({})).toEqual(['late', 'far', 'other']);
    expect(ids({ district: 'D1' })).toEqual(['late', 'far']);
    expect(ids({ owner: 'township_head' })).toEqual(['other']);
    expect(ids({ state: 'done' })).toEqual(['done']);
    expect(ids({ state: 'all' })).toEqual(['late', 'far', 'other', 'done']);
  });
  it('are overdue beyond the deadline, not once they are done', () => {
    const now = seconds(LATER) + 1;
    expect([isOverdue(task(), now), isOverdue(task(), now - 1), isOverdue(task({ state: 'late' }), now), isOverdue(task({ state: 'done' }), now), isOverdue(task({ state: 'dropped' }), now)]).toEqual([true, false, true, false, false]);
  });
});

describe('the four ends', () => {
  const incident = (change: Partial<Incident> = {}): Incident => ({ area: 'D1', area_name: {}, opened: AT, closed: null, by: null, reason: null, lifted: null, transfer: null, damage: [], remains: [], ...change });
  const transfer = { planned: 5, moved: 3, left: 2, sheltered: 1, due: LATER, overdue: false, by: 'li', reported: AT, note: '', returned: null };
  const states = (i: Incident, all: Response[] = []) => endsOf(i, all).map((e) => e.state);
  it('stand apart', () => {
    const signal = { kind: 'signal' as const, hazard: '11B03', tier: 'red' as const, identifier: 's' };
    const inForce = { kind: 'response' as const, plan: 'rain', area: 'D1', level: 'II' as const };
    expect(states(incident({ remains: [signal, inForce], transfer }))).toEqual(['open', 'open', 'open', 'open']);
    expect(states(incident({ remains: [inForce], transfer }))).toEqual(['over', 'open', 'open', 'open']);
    expect(states(incident({ transfer }), [response({ area: 'D1', ended: LATER })])).toEqual(['over', 'over', 'open', 'open']);
    expect(states(incident({ transfer: { ...transfer, returned: LATER } }))).toEqual(['over', 'none', 'over', 'open']);
    expect(endsOf(incident({ lifted: LATER }), [])[0]?.at).toBe(LATER);
    expect(states(incident({ closed: LATER }))).toEqual(['over', 'none', 'none', 'over']);
    expect(states(incident({ opened: null }))).toEqual(['over', 'none', 'none', 'none']);
  });
  it('name what is left', () => {
    const found = endsOf(incident({ remains: [{ kind: 'response', plan: 'rain', area: 'C', level: 'IV' }, { kind: 'task', id: 'x' }] }), []);
    expect(found.find((e) => e.end === 'response')?.left).toHaveLength(1);
    expect(found.find((e) => e.end === 'signal')?.left).toHaveLength(0);
  });
});

describe('the timeline', () => {
  let number = 0;
  const of = (item: Partial<Response>): Entry => ({ number: (number += 1), at: AT, kind: 'response', item: response(item) });
  const open = (change: Partial<Task> = {}): Entry => ({ number: (number += 1), at: AT, kind: 'task', item: task(change) });
  it('is newest first, tasks of one act together, reports alone', () => {
    const list = moments([of({ level: 'IV', changed: AT }), open(), open({ id: 'b' }), open({ id: 'c', by: 'li', state: 'done' })]);
    expect(list.map((m) => [m.entry.kind, m.more.length])).toEqual([['task', 0], ['task', 1], ['response', 0]]);
  });
  it('says a proposal once, and when it was sent away or went by itself', () => {
    const reasons = [{ term: 'x', count: 1, of: 1, needed: 1, areas: [], signals: [], text: {} }];
    const list = moments([of({ proposal: proposal('IV') }), of({ proposal: { ...proposal('IV'), reasons } }), of({ declined: { level: 'IV', by: 'li', at: AT, reason: '雨停' } }), of({ area: 'D1', proposal: proposal('IV') }), of({ area: 'D1' })]);
    expect(list.map((m) => m.gone)).toEqual(['withdrawn', undefined, 'declined', undefined]);
  });
  it('concerns a district with its parts and with the whole city, not its neighbour', () => {
    expect(concerns(open({ place: 'T1' }), 'D1', places)).toBe(true);
    expect(concerns(open({ place: 'T1' }), 'D2', places)).toBe(false);
    expect(concerns(of({ area: 'C' }), 'D2', places)).toBe(true);
    const standing: Entry = { number: 1, at: AT, kind: 'standing', item: { identifier: 'i', sender: 's', hazard: '11B03', sent: AT, official: { D1: 'red' }, found: { T1: 'red' } } };
    expect(areasOfEntry(standing)).toEqual(['D1', 'T1']);
  });
  it('takes each entry once and keeps the newest', () => {
    const one = open(), two = open(), three = open();
    expect(joined([one, two], [two, three], 10)).toEqual([one, two, three]);
    expect(joined([one, two], [three], 2)).toEqual([two, three]);
  });
});

describe('small things', () => {
  it('a field for a time has and gives the city’s offset', () => {
    expect(localInput(AT)).toBe('2023-09-07T21:40');
    expect(withOffset('2023-09-07T21:40', AT)).toBe(AT);
  });
  it('files of a rulebook by name, whatever folder they lie in', () => {
    expect([rulebookName('rain.toml'), rulebookName('/city/rules/rain.toml'), rulebookName('rules/tests/rain.test.toml'), rulebookName('rain.test.toml')]).toEqual(['rain.toml', 'rain.toml', 'tests/rain.test.toml', 'tests/rain.test.toml']);
    expect([rulebookName('rules/README.md'), rulebookName('rules/.rain.toml')]).toEqual([null, null]);
  });
});
