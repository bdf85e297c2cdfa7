//! The storms: the same bytes each time, and trouble of every kind in them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { edges } from '../storm/edges.mjs';
import { LineFile } from '../storm/lines.mjs';
import { rainstorm } from '../storm/rainstorm.mjs';
import { registry } from '../storm/registry.mjs';
import { typhoon } from '../storm/typhoon.mjs';

const city = registry(fileURLToPath(new URL('../city', import.meta.url)), 40);

/** Writes a storm and gives its text and figures. */
function written(storm) {
  const folder = mkdtempSync(join(tmpdir(), 'storm-'));
  const file = new LineFile(join(folder, 'storm.ndjson'));
  const figures = storm(city, file);
  file.close();
  const text = readFileSync(join(folder, 'storm.ndjson'), 'utf8');
  rmSync(folder, { recursive: true });
  return { text, figures };
}

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

test('the rainstorm is the same bytes on every machine, with every kind of trouble', () => {
  const { text, figures } = written(rainstorm);
  assert.equal(sha256(text), '2a68d34369490bcabd661ca1a15b1cb7b516466971bc22a04705f20876b1a6d2');
  for (const kind of ['late', 'repeated', 'corrected', 'malformed', 'unknown', 'dying']) assert(figures[kind] > 0, kind);
  assert(text.includes('2023-09-08T03:00:00+08:00') && !text.includes('2023-09-08T03:01:00+08:00'));
});

test('the typhoon is the same bytes on every machine, and blows', () => {
  const { text, figures } = written(typhoon);
  assert.equal(sha256(text), 'e48cf432d6b3d7638d02b9056458447463280931991a608de578945f5e4e6a0e');
  assert(Number.parseFloat(figures.strongest) > 30);
  for (const kind of ['late', 'repeated', 'corrected']) assert(figures[kind] > 0, kind);
});

test('the wandering values are the same bytes on every machine, and of every kind of station', () => {
  const { text, figures } = written(edges);
  assert.equal(sha256(text), '2adc9f6e71f1ed7c54f4e758d565d743e07ff3452cada4807031fe4b5fd6a0db');
  for (const parameter of ['rainfall', 'water_depth', 'displacement', 'wind_speed', 'wind_gust', 'temperature']) assert(text.includes(`"${parameter}"`), parameter);
  for (const kind of ['late', 'repeated', 'corrected']) assert(figures[kind] > 0, kind);
});

test('storm.mjs says how it is used', () => {
  const script = fileURLToPath(new URL('../storm.mjs', import.meta.url));
  const run = (...words) => spawnSync(process.execPath, [script, ...words], { encoding: 'utf8' });
  const help = run('--help');
  assert.equal(help.status, 0);
  const source = readFileSync(script, 'utf8');
  const options = [...source.matchAll(/^ {8}'?([a-z-]+)'?: \{ type:/gm)].map(([, name]) => name);
  assert.ok(options.length >= 8, `${options}`);
  for (const word of [...options.map((name) => `--${name}`), 'rainstorm', 'typhoon', 'edges', 'bench']) assert.ok(help.stdout.includes(word), word);
  for (const words of [[], ['rainstorm'], ['drizzle', '--out', 'x'], ['toString', '--out', 'x'], ['rainstorm', '--depth', '3']]) {
    const told = run(...words);
    assert.deepEqual([told.status, told.stdout], [2, ''], words.join(' '));
    assert.ok(told.stderr.includes('--help'), told.stderr);
  }
});
