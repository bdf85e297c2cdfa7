//! The naive model against cases worked out by hand.

import assert from 'node:assert/strict';
import test from 'node:test';
import { enough, warningId } from '../naive/bulletins.mjs';
import { parseCondition } from '../naive/cel.mjs';
import { observationOf } from '../naive/intake.mjs';
import { plant } from '../naive/mutations.mjs';
import { replay } from '../naive/naive.mjs';
import { quanta } from '../naive/parameters.mjs';
import { compile } from '../naive/rulebook.mjs';
import { parseToml } from '../naive/toml.mjs';

const START = Date.UTC(2023, 8, 7, 10); // 18:00 at +08:00

/** A city of one district, two townships and three stations of one parameter, with a site at the first. */
function city(parameter, interval = 60) {
  const area = (code, level, parent) => [code, { code, level, parent }];
  const station = (id, code) => [id, { id, area: code, parameters: [parameter], interval: String(interval) }];
  return {
    code: '440100000000', offset: 480, pastAfter: 900_000, staleness: {},
    areas: new Map([area('440100000000', 'city', null), area('440106000000', 'district', '440100000000'), area('440106001000', 'township', '440106000000'), area('440106002000', 'township', '440106000000')]),
    stations: new Map([station('S1', '440106001000'), station('S2', '440106001000'), station('S3', '440106002000')]),
    sites: new Map([['C1', { id: 'C1', kind: 'culvert', area: '440106001000', station: 'S1', blue: '0.05', red: '0.5', close: '' }]]),
  };
}

const line = (station, parameter, minute, value, extra = {}) => JSON.stringify({ station, parameter, time: new Date(START + minute * 60_000).toISOString(), value, ...extra });
const clock = ({ time }) => time.slice(11, 16);

/** Tier changes as `18:05 S1 none>red`. */
function signals(rule, lines, place = city('water_depth')) {
  const found = [];
  replay(place, [compile({ id: 'r', hazard: '11A02', ...rule })], lines, [], true, (change) => found.push(`${clock(change)} ${change.subject} ${change.from}>${change.to}`));
  return found;
}

/** Warning events as `18:05 issued red {001:red}`. */
function warnings(rule, lines, place = city('water_depth')) {
  const found = [];
  const areas = (event) => Object.entries(event.areas).map(([code, tier]) => `${code.slice(6, 9)}:${tier}`).join(' ');
  replay(place, [compile({ id: 'r', hazard: '11A02', ...rule })], lines, [], false, (event) => found.push(`${clock(event)} ${event.event} ${event.tier} ${areas(event)}`));
  return found;
}

const depths = (values, from = 0, station = 'S1') => values.flatMap((value, index) => (value === null ? [] : [line(station, 'water_depth', from + index, value)]));
const RED = { red: 'water_depth.last() >= 0.5' };
const TWO = { blue: 'water_depth.last() >= 0.1', red: 'water_depth.last() >= 0.5' };

test('a threshold that is just reached counts, and a fall may skip', () => {
  assert.deepEqual(signals(TWO, depths([0.0999, 0.1, 0.5, 0.6, 0.05])), ['18:01 S1 none>blue', '18:02 S1 blue>red', '18:04 S1 red>none']);
});

test('a rise holds until its deadline, and completes there without data once a record passes it', () => {
  const rule = { ...RED, raise: { after: '2m' } };
  assert.deepEqual(signals(rule, depths([0.5, 0.5, 0.5])), ['18:02 S1 none>red']);
  assert.deepEqual(signals(rule, depths([0.5, 0.5, 0.4])), []);
  assert.deepEqual(signals(rule, [...depths([0.5]), line('S3', 'water_depth', 2, 0)]), []);
  assert.deepEqual(signals(rule, [...depths([0.5]), line('S3', 'water_depth', 3, 0)]), ['18:02 S1 none>red']);
});

test('a fall needs every evaluation of the hold to be false', () => {
  const rule = { ...RED, lower: { after: '3m' } };
  assert.deepEqual(signals(rule, depths([0.5, 0.4, 0.4, 0.4, 0.4])), ['18:00 S1 none>red', '18:04 S1 red>none']);
  assert.deepEqual(signals(rule, depths([0.5, 0.4, 0.4, 0.5, 0.4, 0.4, 0.4, 0.4])), ['18:00 S1 none>red', '18:07 S1 red>none']);
});

test('silence keeps the tier, and a gap pauses the hold', () => {
  const rule = { ...RED, lower: { after: '3m' } };
  assert.deepEqual(signals(rule, [...depths([0.5, 0.1]), line('S3', 'water_depth', 600, 0)]), ['18:00 S1 none>red']);
  assert.deepEqual(signals(rule, depths([0.5, 0.4, 0.4, ...Array(20).fill(null), 0.4, 0.4, 0.4])), ['18:00 S1 none>red', '18:25 S1 red>none']);
});

test('by and below move the bound of a fall', () => {
  assert.deepEqual(signals({ ...RED, lower: { by: 0.03 } }, depths([0.5, 0.48, 0.47, 0.4699])), ['18:00 S1 none>red', '18:03 S1 red>none']);
  assert.deepEqual(signals({ ...RED, lower: { below: 0.8 } }, depths([0.5, 0.41, 0.4, 0.3999])), ['18:00 S1 none>red', '18:03 S1 red>none']);
  assert.deepEqual(signals({ red: 'water_depth.last() <= 0.4', lower: { below: 0.8 } }, depths([0.4, 0.45, 0.5, 0.5001])), ['18:00 S1 none>red', '18:03 S1 red>none']);
});

test('lower.when is asked at the end of the hold', () => {
  const rule = { ...RED, lower: { after: '1m', when: 'water_depth.last() < 0.1' } };
  assert.deepEqual(signals(rule, depths([0.5, 0.2, 0.2, 0.2, 0.09])), ['18:00 S1 none>red', '18:04 S1 red>none']);
});

test('continuing is needed to rise, not to stay', () => {
  const rule = { ...RED, continuing: 'water_depth.delta("2m") > 0.0' };
  assert.deepEqual(signals(rule, depths([0.5, 0.5, 0.6, 0.6, 0.6, 0.4])), ['18:02 S1 none>red', '18:05 S1 red>none']);
});

test('a window is open at its beginning and closed at its end', () => {
  const rule = { red: 'rainfall.sum("2m") >= 3.0' };
  const place = city('rainfall');
  const rain = (values) => values.map((value, minute) => line('S1', 'rainfall', minute, value));
  assert.deepEqual(signals(rule, rain([2, 0, 1]), place), []);
  assert.deepEqual(signals(rule, rain([0, 2, 1]), place), ['18:02 S1 none>red']);
});

test('a late value is put in its place and judged at the newest time', () => {
  const rule = { red: 'rainfall.sum("10m") >= 3.0' };
  const lines = [line('S1', 'rainfall', 0, 1), line('S1', 'rainfall', 2, 1), line('S1', 'rainfall', 1, 1)];
  assert.deepEqual(signals(rule, lines, city('rainfall')), ['18:02 S1 none>red']);
});

test('an equal second value changes nothing, a different one withdraws what it had raised', () => {
  const rule = { ...RED, lower: { after: '30m' } };
  const wrong = [line('S1', 'water_depth', 0, 0.1), line('S1', 'water_depth', 1, 0.9), line('S1', 'water_depth', 2, 0.1)];
  assert.deepEqual(signals(rule, [...wrong, line('S1', 'water_depth', 1, 0.9)]), ['18:01 S1 none>red']);
  assert.deepEqual(signals(rule, [...wrong, line('S1', 'water_depth', 1, 0.1)]), ['18:01 S1 none>red', '18:02 S1 red>none']);
});

test('four fifths of the window must be covered to fall, not to rise', () => {
  const rule = { red: 'rainfall.sum("10m") >= 3.0' };
  const place = city('rainfall');
  const rain = (from, values) => values.map((value, index) => line('S1', 'rainfall', from + index, value));
  assert.deepEqual(signals(rule, rain(0, [3, ...Array(20).fill(0)]), place), ['18:00 S1 none>red', '18:10 S1 red>none']);
  assert.deepEqual(signals(rule, [...rain(0, [3]), ...rain(8, Array(20).fill(0))], place), ['18:00 S1 none>red', '18:15 S1 red>none']);
});

test('a threshold that a site does not have is unknown', () => {
  const rule = { subject: 'site', red: 'water_depth.last() >= site.red || water_depth.last() >= site.close', lower: {} };
  assert.deepEqual(signals(rule, depths([0.4, 0.5, 0.4])), ['18:01 C1 none>red']);
});

test('units are read and checked, decimals rounded half to even', () => {
  assert.deepEqual(signals({ red: 'water_depth.last() >= cm(50)' }, [line('S1', 'water_depth', 0, 50, { unit: 'cm' })]), ['18:00 S1 none>red']);
  assert.equal(observationOf(line('S1', 'water_depth', 0, 5, { unit: 'hPa' }), city('water_depth')).refused, 'wrong unit');
  assert.deepEqual([0.125, 0.135, 0.6, 1.005].map((value) => quanta('rainfall', value)), [12, 14, 60, 100]);
});

test('quorums', () => {
  assert.deepEqual([enough('1', 9), enough('2 of 5', 9), enough('2 of 5', 3), enough('2 of 5', 1), enough('30%', 7), enough('30%', 10)], [1, 2, 2, 1, 3, 3]);
  const rule = { ...RED, area: { level: 'township', quorum: '2 of 2' } };
  assert.deepEqual(warnings(rule, [line('S1', 'water_depth', 0, 0.6), line('S2', 'water_depth', 1, 0.6)]), ['18:01 proposed red 001:red', '18:01 issued red 001:red']);
});

test('rises revise at once; falls and further areas at the same tier wait for the whole minute', () => {
  const lines = [
    line('S1', 'water_depth', 0, 0.2), line('S1', 'water_depth', 1, 0.6), line('S3', 'water_depth', 1.5, 0.6),
    line('S2', 'water_depth', 2, 0), line('S1', 'water_depth', 3, 0), line('S3', 'water_depth', 3.5, 0), line('S2', 'water_depth', 4, 0),
  ];
  assert.deepEqual(warnings(TWO, lines), [
    '18:00 proposed blue 001:blue', '18:00 issued blue 001:blue', '18:01 updated red 001:red', '18:02 updated red 001:red 002:red', '18:04 ended none 001:none 002:none',
  ]);
});

test('a warning is put forward when close to the threshold; signals show tiers only', () => {
  const rule = { ...RED, propose_at: 0.9 };
  assert.deepEqual(warnings(rule, depths([0.45])), ['18:00 proposed red 001:red', '18:00 issued red 001:red']);
  assert.deepEqual(signals(rule, depths([0.45, 0.5])), ['18:01 S1 none>red']);
});

test('a rise found too far behind record time is shown but not sent', () => {
  const lines = [line('S3', 'water_depth', 20, 0), line('S1', 'water_depth', 4, 0.6)];
  assert.deepEqual(signals(RED, lines), ['18:04 S1 none>red']);
  assert.deepEqual(warnings(RED, lines), []);
});

test('identity is the hash that the specification writes down', () => {
  assert.equal(warningId('440100000000', '11B03', '440106000000', START).length, 24);
  assert.notEqual(warningId('440100000000', '11B03', '440106000000', START), warningId('440100000000', '11B03', '440106000000', START + 1000));
});

test('a planted bug shows', () => {
  plant('ge-to-gt');
  assert.deepEqual(signals(RED, depths([0.5])), []);
  plant(null);
  assert.throws(() => plant('no such'), /known: ge-to-gt/);
});

test('TOML and conditions name the place of a fault', () => {
  assert.throws(() => parseToml('a = 1\nb = \n', 'x.toml'), /x\.toml:2: expected a value/);
  assert.throws(() => parseCondition('rainfall.sum("6h") >= ', 'rule r'), /rule r: expected a value at column/);
  assert.deepEqual(parseToml('[[rule]]\nid = "a" # note\n[rule.lower]\nwhen = \'x < 1\'\n[[rule]]\nid = "b"\n', 'x'), { rule: [{ id: 'a', lower: { when: 'x < 1' } }, { id: 'b' }] });
});
