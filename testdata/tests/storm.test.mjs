//! The storms: the same bytes each time, and trouble of every kind in them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
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
  assert.equal(sha256(text), 'c717d64c3a298d7a177100a280857cf517e98a6586222c591b7f0c1a96aa0187');
  assert(Number.parseFloat(figures.strongest) > 30);
});
