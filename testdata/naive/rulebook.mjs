//! Rulebooks: `rules/*.toml` in name order, their conditions read into trees.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { nodes, parseCondition } from './cel.mjs';
import { PARAMETERS } from './parameters.mjs';
import { parseToml } from './toml.mjs';

export const TIERS = ['none', 'white', 'blue', 'yellow', 'orange', 'red'];

const SPANS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Every rule of a directory, in order. */
export function readRules(directory) {
  const files = readdirSync(directory).filter((name) => name.endsWith('.toml')).sort();
  const rules = files.flatMap((name) => parseToml(readFileSync(join(directory, name), 'utf8'), name).rule ?? []);
  return rules.map((rule) => compile(rule));
}

/** `15m` in milliseconds. */
export function span(text) {
  const found = /^(\d+)([smhd])$/.exec(text);
  if (!found) throw new Error(`${JSON.stringify(text)} is not a span such as 30m or 6h`);
  return Number(found[1]) * SPANS[found[2]];
}

/** A rule as read from TOML with its conditions as trees, lowest tier first. */
export function compile(rule) {
  const read = (key, text) => parseCondition(text, `rule ${rule.id}, ${key}`);
  const tiers = TIERS.slice(1).filter((tier) => rule[tier] !== undefined).map((tier) => ({ tier: TIERS.indexOf(tier), when: read(tier, rule[tier]) }));
  const continuing = rule.continuing === undefined ? null : read('continuing', rule.continuing);
  const lowerWhen = rule.lower?.when === undefined ? null : read('lower.when', rule.lower.when);
  // What silence says is not followed; what it asks for is among the values.
  const lost = ['when', 'near'].filter((key) => rule.lost?.[key] !== undefined).map((key) => read(`lost.${key}`, rule.lost[key]));
  const trees = [...tiers.map(({ when }) => when), ...(continuing ? [continuing] : []), ...(lowerWhen ? [lowerWhen] : []), ...lost];
  return {
    id: rule.id, hazard: rule.hazard, subject: rule.subject ?? 'station', tiers, continuing, lowerWhen,
    area: { level: rule.area?.level ?? 'township', quorum: String(rule.area?.quorum ?? '1') },
    raiseAfter: span(rule.raise?.after ?? '0m'), lowerAfter: span(rule.lower?.after ?? '0m'),
    below: rule.lower?.below, by: rule.lower?.by, proposeAt: rule.propose_at, proposeBy: rule.propose?.by,
    kinds: rule.kinds ?? (rule.kind === undefined ? null : [rule.kind].flat()),
    samples: samplesOf(rule.samples), sound: rule.qc_min === 'sound', season: seasonOf(rule.season),
    calls: callsOf(trees), parameters: parametersOf(trees), looksAhead: trees.some((tree) => [...nodes(tree)].some(isAhead)),
  };
}

/** `k of n`, or null. */
function samplesOf(text) {
  if (text === undefined) return null;
  const [k, n] = text.split(' of ').map(Number);
  return { k, n };
}

/** Whether a tier may rise on a day, `month-day` as text: of the whole rule or of single tiers. */
function seasonOf(given) {
  const inside = (periods) => (day) => periods.some((period) => {
    const [from, to] = period.split('..');
    return from <= to ? from <= day && day <= to : day >= from || day <= to;
  });
  if (given === undefined) return () => true;
  if (Array.isArray(given)) return (_, day) => inside(given)(day);
  return (tier, day) => given[TIERS[tier]] === undefined || inside(given[TIERS[tier]])(day);
}

/** The outermost calls on values, each once, in the order written. */
function callsOf(trees) {
  const calls = new Map();
  const visit = (node) => {
    if (node.kind === 'call' && !UNITS.has(node.name)) calls.set(node.text, node);
    else for (const inner of [node.target, node.inner, node.left, node.right, ...(node.args ?? [])]) if (inner) visit(inner);
  };
  trees.forEach(visit);
  return [...calls.values()];
}

/** A call on what is expected: `forecast(…)`, `forecast.max(…)`, `typhoon.distance()`. */
export const isAhead = (node) => node.kind === 'call' && (node.target === null ? node.name === 'forecast' : ['forecast', 'typhoon'].includes(node.target.name));

/** What is read there: parameters but for those that are only expected. */
function parametersOf(trees) {
  const names = new Set();
  const visit = (node) => {
    if (isAhead(node)) return;
    if (node.kind === 'name' && node.name in PARAMETERS) names.add(node.name);
    for (const inner of [node.target, node.inner, node.left, node.right, ...(node.args ?? [])]) if (inner) visit(inner);
  };
  trees.forEach(visit);
  return names;
}

/** Functions that only give a number its unit. */
export const UNITS = new Set(['mm', 'cm', 'm', 'km', 'mps', 'kmh', 'deg', 'hPa', 'percent', 'duration']);
