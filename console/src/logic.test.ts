import { describe, expect, it } from 'vitest';
import { inWords } from './evidence';
import { apply, keyed, type Lists } from './live';
import { Places } from './places';
import { doubtOf } from './quality';
import { byChannel, byWarning, lastAt, onTheWay, unsent } from './progress';
import { COLOUR, highest, TIERS } from './tier';
import { age, clock, RecordClock, seconds, span, textLike } from './time';
import type { Areas, Blind, Delivery, Remark, Signal, Situation, Tier, Warning } from './types';
import { amended, areaTiers, becomes, changes, countByTier, isLapsed, isWaiting, needsReview, queue, relaysOf } from './warnings';
import { missing, phrase, remarksOf } from './words';

const AT = '2023-09-07T21:40:00+08:00';

function warning(change: Partial<Warning> = {}): Warning {
  return {
    id: 'a', revision: 1, event: 'proposed', hazard: '11B03', name: { zh: '暴雨', en: 'Rainstorm' }, zone: '1', authority: 'x', tier: 'orange', time: AT, first_rise: AT, expires: AT,
    areas: { t1: { tier: 'orange', reached: 'orange', onset: AT } }, sites: {}, evidence: [], past: false, unconfirmed: false, seen: 'h', signed_by: [], needs: 2, clock_ends: null, signing: null, review: null, request_to: null, relay: null, in_force: null, rule: 'r',
    text: { zh: '甲', en: 'A' }, ...change,
  };
}

function delivery(change: Partial<Delivery> = {}): Delivery {
  return {
    warning: 'a', revision: 1, intent: 'i', channel: 'sms', link: 'l', purpose: 'alert', tier: 'red', planned: 100, sent: 0, accepted: 0, delivered: 0, failed: 0, unknown: 0, expired: 0, withdrawn: 0,
    started: AT, finished: null, rate_per_s: 10, ...change,
  };
}

const lists = (warnings: Warning[] = []): Lists => ({ warnings: keyed(warnings, (w) => w.id), situations: new Map(), calls: new Map(), deliveries: new Map(), signals: new Map(), blind: new Map() });

describe('words', () => {
  it('stand in both languages', () => {
    expect(missing()).toEqual([]);
    expect(phrase('en', 'confirmNth', { n: 1, of: 2 })).toBe('Yours is signature 1 of 2');
    expect(phrase('zh', 'confirmNth', { n: 1, of: 2 })).toBe('您是第 1 位签名人,共需 2 位');
  });
});

describe('an amendment', () => {
  const area = (tier: Tier) => ({ tier, reached: tier, onset: AT });
  const two = warning({ areas: { t1: area('orange'), t2: area('yellow') } });
  it('names every area, so that none is taken back unasked', () => {
    expect(amended(two, { t1: 'red' })).toEqual({ t1: 'red', t2: 'yellow' });
    expect(amended(two, { t3: 'orange' })).toEqual({ t1: 'orange', t2: 'yellow', t3: 'orange' });
    expect(amended(two, { t2: 'none' })).toEqual({ t1: 'orange', t2: 'none' });
  });
  it('of words alone names none', () => {
    expect(amended(two, {})).toEqual({});
  });
});

describe('silence', () => {
  it('is an alarm while a hazard is in force that nobody sees', () => {
    const blind: Blind = { hazard: '11A02', area: 't1', why: 'silent', since: AT, in_force: 'orange', alarm: true, count: 1, stations: ['s1'], text: { zh: '甲', en: 'A' } };
    const up = apply(lists(), [{ name: 'silence', item: { blind: [blind] } }]);
    expect([...up.blind.values()]).toEqual([blind]);
    expect(apply(up, [{ name: 'silence', item: { blind: [{ ...blind, alarm: false }] } }]).blind.size).toBe(0);
  });
});

describe('remarks', () => {
  it('says together what is left out, and the rest one by one', () => {
    const remarks: Remark[] = [{ missing: 'area' }, { too_long: { parts: 10, parts_max: 3, units: 640 } }, { missing: 'verify' }];
    expect(remarksOf(remarks, 'en')).toEqual(['does not say where, where to verify', '10 SMS parts, more than 3']);
    expect(remarksOf(remarks, 'zh')).toEqual(['未写明 地区、查证方式', '短信 10 条,超过 3 条']);
    expect(remarksOf([], 'en')).toEqual([]);
    const held: Remark[] = [{ not_passed: { account: 'carrier-a', why: { expired: '2027-03-31' } } }, { not_passed: { account: 'b', why: { daily_max: { left: 0, needed: 9 } } } }, { not_passed: { account: 'c', why: 'template' } }];
    expect(remarksOf(held, 'en')).toEqual(['the account carrier-a does not pass it: the account expired on 2027-03-31', 'the account b does not pass it: the messages of today are used up', 'the account c does not pass it: no approved template is this text']);
    expect(remarksOf(held, 'zh')).toEqual(['通道“carrier-a”不予放行:账号已于 2027-03-31 到期', '通道“b”不予放行:当日条数已用完', '通道“c”不予放行:与已审核模板不符']);
  });
});

describe('quality', () => {
  it('says in words what is suspect and why, and nothing of what is good or unchecked', () => {
    expect(doubtOf({ quality: 0, finding: null }, 'en')).toBe('');
    expect(doubtOf({ quality: 9 }, 'zh')).toBe('');
    expect(doubtOf({ quality: 1, finding: 'high_rain' }, 'en')).toBe('more rain than has been recorded here (suspect: used, please look)');
    expect(doubtOf({ quality: 1, finding: 'high_rain' }, 'zh')).toContain('可疑');
    expect(doubtOf({ quality: 0, finding: 'counter_wrapped' }, 'en')).toBe('the counter ran over its end');
    expect(doubtOf({ quality: 2 }, 'en')).toBe('wrong: not used');
  });
});

describe('lapsed', () => {
  it('is what is in force beyond its validity, also beside a proposal, and no relay', () => {
    const now = seconds(AT) + 60;
    expect(isLapsed(warning({ event: 'updated' }), now)).toBe(true);
    expect(isLapsed(warning({ event: 'updated' }), now - 120)).toBe(false);
    expect(isLapsed(warning({ event: 'ended' }), now)).toBe(false);
    expect(isLapsed(warning(), now)).toBe(false);
    expect(isLapsed(warning({ in_force: { ...warning(), expires: AT } }), now)).toBe(true);
    expect(isLapsed(warning({ event: 'issued', relay: { identifier: 'x', sender_name: '', sent: AT, kind: 'alert' } }), now)).toBe(false);
  });
});

describe('contrast', () => {
  const light = (hex: string) => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  it.each(TIERS)('of the %s badge is at least 4.5', (tier) => {
    expect(contrast(COLOUR[tier].fill, COLOUR[tier].ink)).toBeGreaterThanOrEqual(4.5);
  });
});

describe('time', () => {
  it('is shown in the offset it was written in', () => {
    expect(clock('2023-09-08T03:04:05+08:00', true)).toBe('03:04:05');
    expect(clock('2023-09-08T03:04:05+08:00')).toBe('03:04');
    expect(clock(null)).toBe('--:--');
    expect(textLike(AT, seconds(AT) + 61)).toBe('2023-09-07T21:41:01+08:00');
    expect(textLike(AT, Number.NaN)).toBe('');
    expect(textLike('2023-01-01T00:00:00-03:30', seconds('2023-01-01T00:00:00-03:30'))).toBe('2023-01-01T00:00:00-03:30');
  });
  it('spans count down to zero and no further', () => {
    expect([span(0), span(59.9), span(600), span(3725), span(-5), span(Number.NaN)]).toEqual(['00:00', '00:59', '10:00', '1:02:05', '00:00', '--:--']);
    expect(age(7860, 'en')).toBe('2 h 11 min');
    expect(age(45, 'zh')).toBe('45 秒');
  });
  it('is carried on between ticks, at the measured speed, but not for ever', () => {
    const c = new RecordClock();
    c.hear(1000, 0);
    expect(c.now(10)).toBe(1010);
    expect(c.now(500)).toBe(1065);
    for (let wall = 0; wall <= 10; wall += 1) c.hear(1000 + wall * 60, wall);
    expect(c.speed).toBe(60);
    expect(c.now(10.5)).toBe(1630);
    c.hear(2000, 11);
    c.hear(500, 12);
    expect(c.now(12)).toBe(500);
  });
});

describe('queue', () => {
  it('puts what waits first, by tier, then by how long', () => {
    const q = queue([
      warning({ id: 'late', tier: 'red', first_rise: '2023-09-07T21:50:00+08:00' }), warning({ id: 'early', tier: 'red' }), warning({ id: 'low', tier: 'blue' }),
      warning({ id: 'out', event: 'issued', needs: 0 }), warning({ id: 'gone', event: 'cancelled' }), warning({ id: 'old', past: true }),
    ]);
    expect(q.waiting.map((w) => w.id)).toEqual(['early', 'late', 'low']);
    expect(q.inForce.map((w) => w.id)).toEqual(['old', 'out']);
    expect(q.over.map((w) => w.id)).toEqual(['gone']);
  });
  it('an update that lacks a signature waits again', () => {
    expect(isWaiting(warning({ event: 'updated', needs: 2, signed_by: ['li'] }))).toBe(true);
    expect(isWaiting(warning({ event: 'updated', needs: 2, signed_by: ['li', 'wang'] }))).toBe(false);
  });
  it('what another authority was asked for waits for nobody here', () => {
    const asked = warning({ id: 'asked', request_to: { zh: '气象台', en: 'Weather office' }, needs: 0 });
    const q = queue([asked, warning({ id: 'over', event: 'cancelled', request_to: { zh: '气象台' } })]);
    expect([q.waiting, q.inForce].flat()).toEqual([]);
    expect(q.requested.map((w) => w.id)).toEqual(['asked']);
    expect(q.over.map((w) => w.id)).toEqual(['over']);
    expect(areaTiers([asked]).get('t1')).toEqual({ inForce: 'none', waiting: 'orange' });
  });
  it('a release of one person stands there to be reviewed, over or not, the most urgent first', () => {
    const review = { revision: 2, signed_by: ['li'], since: AT, until: '2023-09-08T21:40:00+08:00', overdue: false, reviewed: null };
    const open = warning({ id: 'open', event: 'issued', needs: 0, review });
    const over = warning({ id: 'over', event: 'ended', needs: 0, review: { ...review, until: AT } });
    const done = warning({ id: 'done', event: 'issued', needs: 0, review: { ...review, reviewed: { person: 'wang', at: AT, sound: true, note: '' } } });
    const q = queue([open, over, done]);
    expect(q.review.map((w) => w.id)).toEqual(['over', 'open']);
    expect(q.inForce.map((w) => w.id)).toEqual(['done', 'open']);
    expect(needsReview(done)).toBe(false);
  });
  it('relays belong to their message until they are over', () => {
    const relay = { identifier: 'x', sender_name: '气象台', sent: AT, kind: 'alert' };
    const all = [warning({ id: 'r1', relay }), warning({ id: 'r2', relay, event: 'ended' }), warning({ id: 'own' })];
    expect(relaysOf('x', all).map((w) => w.id)).toEqual(['r1']);
  });
  it('areas take the highest tier, in force and waiting apart', () => {
    const tiers = areaTiers([warning(), warning({ id: 'b', event: 'issued', needs: 0, areas: { t1: { tier: 'yellow', reached: 'red', onset: AT } } }), warning({ id: 'c', past: true, areas: { t9: { tier: 'red', reached: 'red', onset: AT } } })]);
    expect(tiers.get('t1')).toEqual({ inForce: 'yellow', waiting: 'orange' });
    expect(tiers.has('t9')).toBe(false);
    expect(countByTier(tiers).orange).toBe(1);
  });
});

describe('changes', () => {
  it('names every difference a signer must see', () => {
    const now = warning({
      revision: 2, tier: 'red', areas: { t1: { tier: 'red', reached: 'red', onset: AT }, t2: { tier: 'orange', reached: 'orange', onset: AT } }, text: { zh: '乙', en: 'A' }, signed_by: ['wang'],
    });
    expect(changes(warning({ signed_by: ['li'] }), now)).toEqual([
      { kind: 'tier', from: 'orange', to: 'red' }, { kind: 'area', code: 't1', from: 'orange', to: 'red' }, { kind: 'area', code: 't2', from: 'none', to: 'orange' },
      { kind: 'text', lang: 'zh', from: '甲', to: '乙' }, { kind: 'signed', who: 'wang' }, { kind: 'unsigned', who: 'li' },
    ]);
    expect(changes(now, now)).toEqual([]);
  });
});

describe('live', () => {
  it('never lets an older revision replace a newer one', () => {
    const before = lists([warning({ revision: 3 })]);
    expect(apply(before, [{ name: 'warning', item: warning({ revision: 2 }) }])).toEqual(before);
    expect(apply(before, [{ name: 'warning', item: warning({ revision: 3, event: 'issued' }) }]).warnings.get('a')?.event).toBe('issued');
  });
  it('copies only the lists that changed, and leaves the old ones as they were', () => {
    const before = lists([warning()]);
    const after = apply(before, [{ name: 'delivery', item: delivery() }]);
    expect(after.warnings).toBe(before.warnings);
    expect(before.deliveries.size).toBe(0);
    expect(after.deliveries.size).toBe(1);
  });
  it('a subject without a tier leaves, a cancelled signal leaves', () => {
    const s: Situation = { rule: 'r', hazard: '11B03', subject: 'G1', area: 't1', lon: 0, lat: 0, tier: 'red', since: AT, values: {}, stale: false, muted: null, source: null };
    const up = apply(lists(), [{ name: 'situation', item: s }]);
    expect(up.situations.size).toBe(1);
    expect(apply(up, [{ name: 'situation', item: { ...s, tier: 'none' } }]).situations.size).toBe(0);
    const signal: Signal = { identifier: 'x', sender_name: '', event: '', hazard: null, tier: 'red', areas: [], sent: AT, headline: {}, expires: null, kind: 'alert' };
    const shown = apply(lists(), [{ name: 'signal', item: signal }]);
    expect(apply(shown, [{ name: 'signal', item: { ...signal, kind: 'cancel' } }]).signals.size).toBe(0);
  });
  it('one message speaks of several tiers, and what replaces it replaces them all', () => {
    const part = (identifier: string, tier: Tier, references: string[] = []): Signal & { references: string[] } => ({ identifier, sender_name: '', event: '', hazard: null, tier, areas: [], sent: AT, headline: {}, expires: null, kind: 'alert', references });
    const both = apply(lists(), [{ name: 'signal', item: part('x', 'red') }, { name: 'signal', item: part('x', 'yellow') }]);
    expect([...both.signals.keys()]).toEqual(['x/red', 'x/yellow']);
    const after = apply(both, [{ name: 'signal', item: part('y', 'blue', ['x']) }]);
    expect([...after.signals.keys()]).toEqual(['y/blue']);
    expect(both.signals.size).toBe(2);
  });
});

describe('progress', () => {
  it('adds links up per channel and says when the last phone rings', () => {
    const under = delivery({ sent: 50, accepted: 46, delivered: 40, failed: 1, unknown: 3 });
    const [sms] = byChannel([under, delivery({ intent: 'j', planned: 50, sent: 50, accepted: 50, delivered: 50, finished: AT })]);
    expect(sms).toMatchObject({ planned: 150, sent: 100, accepted: 96, delivered: 90, rate: 10, finished: null });
    if (!sms) throw new Error('no row');
    expect(onTheWay(sms)).toBe(6);
    expect(unsent(sms)).toBe(50);
    expect(lastAt(sms, 1000)).toBe(1005);
    expect(lastAt({ ...sms, rate: 0 }, 1000)).toBeNull();
  });
  it('shows what is under way before what is done', () => {
    const groups = byWarning([delivery({ finished: AT }), delivery({ warning: 'b', intent: 'k', tier: 'blue' })]);
    expect(groups.map((g) => g.warning)).toEqual(['b', 'a']);
  });
});

describe('evidence', () => {
  it.each([
    ['rainfall.sum("3h")', '104.2', '3 小时雨量 104.2 mm', 'rain over 3 h 104.2 mm'],
    ['water_depth.last()', '0.42', '积水 0.42 m', 'water depth 0.42 m'],
    ['water_depth.rate("10m")', '0.6', '10 分钟积水变率 0.6 m/小时', 'water depth changing 0.6 m/h over 10 min'],
    ['site.station("depth").last()', '1', 'site.station("depth").last() = 1', 'site.station("depth").last() = 1'],
  ])('%s', (call, value, zh, en) => {
    expect(inWords(call, value, 'zh')).toBe(zh);
    expect(inWords(call, value, 'en')).toBe(en);
  });
});

describe('places', () => {
  const feature = (code: string, level: string, parent: string | null, x: number) => ({
    type: 'Feature' as const, properties: { code, name: `区${code}`, name_en: `Area ${code} District`, level: level as 'city', parent, population: 1 },
    geometry: { type: 'Polygon' as const, coordinates: [[[x, 0], [x + 2, 0], [x + 2, 2], [x, 2], [x, 0]]] },
  });
  const places = new Places({ type: 'FeatureCollection', features: [feature('1', 'city', null, 0), feature('2', 'district', '1', 0), feature('3', 'township', '2', 4)] } as Areas);
  it('are named with their district, grouped, bounded', () => {
    expect(places.path('3', 'en')).toBe('Area 2 › Area 3');
    expect(places.name('9', 'zh')).toBe('9');
    expect(places.grouped({ 3: { tier: 'red' as Tier }, 2: { tier: 'blue' as Tier } })).toEqual([{ district: '2', codes: ['3', '2'] }]);
    expect(places.bounds(['2', '3'])).toEqual([0, 0, 6, 2]);
    expect(places.bounds(['9'])).toBeNull();
    expect(places.centre('3')?.map((n) => Math.round(n * 1e6) / 1e6)).toEqual([5, 1]);
  });
});

describe('tiers', () => {
  it('are ordered', () => expect(highest(['blue', 'red', 'none', 'orange'])).toBe('red'));
});

describe('what is in force beside a proposal', () => {
  it('is compared area by area, with the words', () => {
    const at = (tier: Tier) => ({ tier, reached: tier, onset: AT });
    const w = warning({ tier: 'red', areas: { t1: at('red'), t2: at('orange') }, text: { zh: '乙', en: 'A' } });
    expect(becomes(w)).toEqual([]);
    const in_force = { revision: 1, event: 'issued' as const, tier: 'orange' as const, time: AT, expires: AT, areas: { t1: at('orange'), t3: at('blue') }, signed_by: ['li'], text: { zh: '甲', en: 'A' } };
    expect(becomes({ ...w, in_force })).toEqual([
      { kind: 'tier', from: 'orange', to: 'red' },
      { kind: 'area', code: 't1', from: 'orange', to: 'red' },
      { kind: 'area', code: 't2', from: 'none', to: 'orange' },
      { kind: 'area', code: 't3', from: 'blue', to: 'none' },
      { kind: 'text', lang: 'zh', from: '甲', to: '乙' },
    ]);
  });
});
