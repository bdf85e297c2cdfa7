import { describe, expect, it } from 'vitest';
import { blindByHazard, sights } from './blindness';
import { Places } from './places';
import { silenced } from './rules';
import { agenda, byDistrict, foremost, leadName, ordered, reachByDistrict, sameRisks } from './services';
import { near } from './time';
import type { Areas, Blind, Blindness } from './types';
import type { Mute, Process, Reach, Risk, Rule, Slot } from './types.services';

const at = (hour: number) => `2026-05-08T${String(hour).padStart(2, '0')}:00:00+08:00`;
const area = (code: string, level: 'city' | 'district' | 'township', parent: string | null) => ({
  type: 'Feature' as const, properties: { code, name: code, name_en: code, level, parent, population: 1 }, geometry: { type: 'Polygon' as const, coordinates: [] },
});
const places = new Places({
  type: 'FeatureCollection',
  features: [area('C', 'city', null), area('D1', 'district', 'C'), area('D2', 'district', 'C'), area('T1', 'township', 'D1'), area('T2', 'township', 'D1'), area('T3', 'township', 'D2')],
} as Areas);

const slot = (change: Partial<Slot>): Slot => ({
  id: '3h', lead: '3h', is_observed: false, product: {}, grain: 'district', grain_name: {}, audience: [], counts: [], source: { document: '', confidence: 'sure' }, round: 0, state: 'waiting', since: at(0),
  moment: at(9), opens: at(8), due: at(10), filed: null, behind: [], ...change,
});
const process = (id: string, slots: Slot[], change: Partial<Process> = {}): Process => ({
  id, ladder: 'rain', service: 's', name: {}, hazard: '11B03', areas: ['D1'], area_names: [], state: 'open', onset: at(12), end: at(20), closes: at(23), known: at(0), by: '', reason: '', basis: [], slots, ...change,
});
const round = { round: 0, state: 'missed' as const, since: at(3), moment: at(2), due: at(3), filed: null };

describe('what is owed', () => {
  it('has missed ones first, rounds before included, then what is due, then what comes', () => {
    const processes = [
      process('a', [slot({ state: 'waiting', opens: at(18) }), slot({ id: '1h', state: 'due', due: at(11) })]),
      process('b', [slot({ state: 'due', due: at(9), round: 1, behind: [round, { ...round, round: 5, filed: { kind: 'filed', by: 'li', at: at(4), text: '', reference: 'x' } }] }), slot({ id: '1h', state: 'missed', due: at(2) }), slot({ id: 'observed', state: 'waiting', opens: null })]),
      process('over', [slot({ state: 'missed' })], { state: 'ended' }),
    ];
    expect(agenda({ ladders: [], processes }).map((o) => [o.process.id, o.slot.id, o.round, o.state])).toEqual([
      ['b', '1h', 0, 'missed'], ['b', '3h', 0, 'missed'], ['b', '3h', 1, 'due'], ['a', '1h', 0, 'due'], ['a', '3h', 0, 'waiting'],
    ]);
    expect(ordered({ ladders: [], processes }).map((p) => p.id)).toEqual(['b', 'a', 'over']);
    expect(agenda(null)).toEqual([]);
  });
  it('is looked at first in a process', () => {
    expect(foremost(process('a', [slot({ id: 'x', state: 'done' }), slot({ id: 'y', state: 'due' }), slot({ id: 'z', state: 'due', behind: [round] })]))?.id).toBe('z');
    expect(foremost(process('a', [slot({ id: 'x', state: 'done' }), slot({ id: 'y', state: 'waiting' })]))?.id).toBe('y');
  });
  it('names leads', () => {
    expect([leadName(slot({ lead: '3h' }), 'zh'), leadName(slot({ lead: '10d' }), 'en'), leadName(slot({ is_observed: true }), 'zh')]).toEqual(['3 小时', '10 d', '实况']);
  });
});

describe('the evening', () => {
  const why = (ground: 'signal' | 'process') => [{ ground, tier: 'none' as const, sender: 's', reference: 'r', since: at(14) }];
  const risk = (code: string, tier: Risk['tier'], reasons = why('signal')): Risk => ({ area: code, hazard: '11B03', tier, reasons });
  it('says the same hazard and tier once, with where and why', () => {
    const found = sameRisks([risk('T1', 'yellow'), risk('T3', 'red'), risk('T2', 'yellow'), risk('T3', 'yellow', why('process'))]);
    expect(found.map((r) => [r.tier, r.townships, r.parts.map((p) => p.areas)])).toEqual([['red', 1, [['T3']]], ['yellow', 3, [['T1', 'T2'], ['T3']]]]);
  });
  it('names whole districts as such', () => {
    expect(byDistrict(['T3', 'T1'], places)).toEqual([{ district: 'D1', areas: ['T1'] }, { district: 'D2', areas: [] }]);
    expect(byDistrict(['T1', 'T2'], places)).toEqual([{ district: 'D1', areas: [] }]);
  });
  it('adds up who can be reached, and keeps the gaps', () => {
    const reach = (code: string, change: Partial<Reach> = {}): Reach => ({ area: code, people: 2, with_phone: 2, without_phone: 0, called: 1, answered: 1, posts: [], ...change });
    const [one, two] = reachByDistrict([reach('T1'), reach('T2', { with_phone: 1, without_phone: 1 }), reach('T3', { people: 0, with_phone: 0 })], places);
    expect([one?.people, one?.with_phone, one?.gaps.map((g) => g.area)]).toEqual([4, 3, ['T2']]);
    expect(two?.gaps.map((g) => g.area)).toEqual(['T3']);
  });
});

describe('blind areas', () => {
  const blind = (code: string, change: Partial<Blind> = {}): Blind => ({ hazard: '11A02', area: code, why: 'silent', since: at(3), in_force: 'none', alarm: false, count: 1, stations: [], text: { zh: '', en: '' }, ...change });
  it('stand by hazard, those in a storm first', () => {
    const found: Blindness = {
      time: at(4), clusters: [], silent_series: 0,
      hazards: [
        { hazard: '11A02', name: {}, areas: [blind('T1', { since: at(2) }), blind('T3', { why: 'unseen', since: null })] },
        { hazard: '11B03', name: {}, areas: [blind('T1', { alarm: true, in_force: 'yellow' }), blind('T2', { alarm: true, in_force: 'red' })] },
      ],
    };
    const [first, second] = blindByHazard(found, places);
    expect([first?.hazard, first?.alarms.map((b) => b.area)]).toEqual(['11B03', ['T2', 'T1']]);
    expect([second?.silent.length, second?.unseen]).toEqual([1, [{ district: 'D2', areas: ['T3'] }]]);
    expect([...sights(found.hazards.flatMap((h) => h.areas))]).toEqual([['T1', 'alarm'], ['T3', 'unseen'], ['T2', 'alarm']]);
  });
});

describe('silenced rules', () => {
  it('are one where one act silenced many zones', () => {
    const mute = (zone: string, of: string | null, until = at(5)): Mute => ({ zone, area: of, since: at(1), until, person: 'li', reason: '泥' });
    const rule = (id: string, muted: Mute[]): Rule => ({ id, hazard: '11A02', name: {}, version: '', level: 'township', tiers: [], heard_by: [], muted });
    const found = silenced([rule('a', [mute('D1', null), mute('D2', null), mute('D1', 'T1', at(4))]), rule('b', [])]);
    expect(found.map((s) => [s.rule.id, s.areas, s.zones])).toEqual([['a', ['T1'], []], ['a', [], ['D1', 'D2']]]);
  });
});

it('a time of today is its clock alone', () => {
  expect([near(at(3), at(5), 'en'), near('2026-05-07T23:00:00+08:00', at(5), 'en'), near(null, at(5), 'zh')]).toEqual(['03:00', '7 May 23:00', '--:--']);
});
