//! Conditions walked as trees with Kleene's logic: null is unknown.

import { nodes } from './cel.mjs';
import { DAYS, askDays } from './days-of.mjs';
import { FIGURES, figure } from './figures-of.mjs';
import { mutated } from './mutations.mjs';
import { PARAMETERS, factor } from './parameters.mjs';
import { ask, rounded } from './readings.mjs';
import { TIERS, UNITS, span } from './rulebook.mjs';

const REVERSED = { '>=': '<=', '<=': '>=', '>': '<', '<': '>', '==': '==', '!=': '!=' };

/** The value of a tree. `scope`: readings, city, time, lowering, station, site, members, situation, memo. */
export function evaluate(node, scope) {
  switch (node.kind) {
    case 'number':
    case 'string':
    case 'boolean':
      return node.value;
    case 'name':
      if (TIERS.includes(node.name)) return TIERS.indexOf(node.name);
      throw new Error(`unknown name ${node.name}`);
    case 'negative': {
      const inner = evaluate(node.inner, scope);
      return inner === null ? null : -inner;
    }
    case 'not': {
      const inner = evaluate(node.inner, scope);
      return inner === null ? null : !inner;
    }
    case 'scaled':
      return scaled(node, evaluate(node.inner, scope));
    case 'member':
      return threshold(node, scope);
    case 'binary':
      return binary(node, scope);
    case 'call':
      if (scope.memo && !scope.memo.has(node.text)) scope.memo.set(node.text, call(node, scope));
      return scope.memo ? scope.memo.get(node.text) : call(node, scope);
    default:
      throw new Error(`unknown node ${node.kind}`);
  }
}

/** A condition with its bounds moved: `ratio` times the bound for `>` and `>=`, divided for `<` and `<=`; or `by` units easier. */
export function relaxed(node, { ratio, by }) {
  if (ratio === undefined && by === undefined) return node;
  if (node.kind === 'not') return node;
  if (node.kind !== 'binary') return node;
  if (node.op === '&&' || node.op === '||') return { ...node, left: relaxed(node.left, { ratio, by }), right: relaxed(node.right, { ratio, by }) };
  const { left, right, op } = node;
  if (isBound(right) && takes(left, by)) return { ...node, right: moved(right, op, ratio, by) };
  if (isBound(left) && takes(right, by)) return { ...node, left: moved(left, REVERSED[op], ratio, by) };
  return node;
}

/** Whether what is measured moves: numbers of readings and ages never do, and units of the parameter are none of a rate's. */
function takes(node, by) {
  const asked = [...nodes(node)].filter((one) => one.kind === 'call' && one.target).map((one) => one.name);
  return measures(node) && !asked.includes('count') && !asked.includes('age') && !(by !== undefined && asked.includes('rate'));
}

function moved(inner, op, ratio, by) {
  if (op !== '>' && op !== '>=' && op !== '<' && op !== '<=') return inner;
  const down = op === '>' || op === '>=';
  return ratio !== undefined ? { kind: 'scaled', inner, by: down ? '*' : '/', amount: ratio } : { kind: 'scaled', inner, by: down ? '-' : '+', amount: by };
}

function scaled({ by, amount }, inner) {
  if (inner === null) return null;
  const results = { '*': inner * amount, '/': inner / amount, '-': inner - amount, '+': inner + amount };
  return rounded(results[by]);
}

function isBound(node) {
  return node.kind === 'number' || node.kind === 'negative' || (node.kind === 'member' && node.target.name === 'site') || (node.kind === 'call' && UNITS.has(node.name) && !node.target);
}

function measures(node) {
  for (const inner of nodes(node)) if (inner.kind === 'name' && inner.name in PARAMETERS) return true;
  return false;
}

function threshold(node, scope) {
  if (node.target.kind !== 'name' || node.target.name !== 'site') throw new Error(`cannot read .${node.name}`);
  const cell = scope.site?.[node.name] ?? '';
  if (cell === '') return null;
  return Number.isNaN(Number(cell)) ? cell : Number(cell);
}

function binary(node, scope) {
  const { op } = node;
  if (op === '&&' || op === '||') {
    const left = evaluate(node.left, scope);
    const decides = op === '||';
    if (left === decides) return decides;
    const right = evaluate(node.right, scope);
    if (right === decides) return decides;
    return left === null || right === null ? null : !decides;
  }
  const left = sideOf(node.left, node.right, scope);
  const right = sideOf(node.right, node.left, scope);
  if (left === null || right === null) return mutated('unknown-is-false') && op in REVERSED ? false : null;
  switch (op) {
    case '>=': return mutated('ge-to-gt') ? left > right : left >= right;
    case '<=': return mutated('ge-to-gt') ? left < right : left <= right;
    case '>': return left > right;
    case '<': return left < right;
    case '==': return left === right;
    case '!=': return left !== right;
    case '+': return rounded(left + right);
    case '-': return rounded(left - right);
    case '*': return rounded(left * right);
    case '/': return right === 0 ? null : rounded(left / right);
    case '%': return right === 0 ? null : rounded(left % right);
    default: throw new Error(`unknown operator ${op}`);
  }
}

/** One side of a comparison; a unit function is read in the unit of what the other side measures. */
function sideOf(node, other, scope) {
  const parameter = [...nodes(other)].find((one) => one.kind === 'name' && one.name in PARAMETERS)?.name;
  return evaluate(inUnitOf(node, parameter), scope);
}

function inUnitOf(node, parameter) {
  if (node.kind === 'scaled') return { ...node, inner: inUnitOf(node.inner, parameter) };
  if (node.kind === 'string') return { kind: 'number', value: span(node.value) / 1000 };
  if (node.kind !== 'call' || node.target || !UNITS.has(node.name)) return node;
  const written = { mps: 'm/s', kmh: 'km/h', percent: '%' }[node.name] ?? node.name;
  const times = parameter === undefined ? 1 : factor(parameter, written);
  if (times === undefined) throw new Error(`${node.text} does not fit ${parameter}`);
  return { kind: 'number', value: rounded(node.args[0].value * times) };
}

function call(node, scope) {
  const { target, name, args } = node;
  if (target === null) {
    if (name === 'situation') return scope.situation(args[0].value);
    if (name === 'forecast') return scope.expected.figure(null, args[0].name, scope.places(), args[1].value, scope.time, scope.lowering);
    throw new Error(`unknown function ${name}`);
  }
  if (target.kind === 'name' && target.name === 'forecast') return scope.expected.figure(name, args[0].name, scope.places(), args[1].value, scope.time, scope.lowering);
  if (target.kind === 'name' && target.name === 'typhoon') return scope.expected.cyclone(name, args[0]?.value, scope.points(), scope.time);
  if (target.kind === 'name' && target.name in PARAMETERS) return series(scope, scope.station, target.name, name, args);
  if (target.kind === 'call' && target.name === 'station' && target.target?.name === 'site') {
    const parameter = Object.keys(PARAMETERS).find((one) => scope.city.stations.get(scope.station)?.parameters.includes(one) && (one === target.args[0].value || one.endsWith(`_${target.args[0].value}`)));
    return parameter === undefined ? null : series(scope, scope.station, parameter, name, args);
  }
  if (target.kind === 'name' && target.name === 'area') return aggregate(node, scope);
  throw new Error(`cannot call .${name}`);
}

function series(scope, station, parameter, name, args) {
  const all = scope.readings.series(station, parameter);
  const given = scope.sound ? all.filter(({ suspect }) => !suspect) : all;
  if (FIGURES.has(name)) {
    const { time, lowering } = scope;
    const told = args.map((arg) => (arg.kind === 'name' ? arg.name : arg.kind === 'string' ? arg.value : evaluate(inUnitOf(arg, parameter), scope)));
    return figure({ series: given, parameter, name, args: told, time, offset: scope.city.offset, lowering, climate: scope.city.climate, station });
  }
  if (DAYS.has(name)) return askDays(given, parameter, name, args.map((arg) => arg.value), scope.time, scope.city.offset, scope.lowering);
  return ask(given, parameter, name, args[0]?.value, scope.time, scope.city.offset, scope.lowering);
}

/** `area.max(rainfall.sum("1h"))`: over the area's stations for which the inner value is known; the mean by what each stands for. */
function aggregate({ name, args }, scope) {
  const all = scope.members.map((station) => ({ station, value: evaluate(args[0], { ...scope, station, memo: null }) }));
  const known = all.filter(({ value }) => value !== null);
  if (known.length === 0) return null;
  const values = known.map(({ value }) => value);
  if (name === 'max') return Math.max(...values);
  if (name === 'min') return Math.min(...values);
  if (name !== 'mean') throw new Error(`no aggregate named ${name}`);
  const shares = mutated('plain-mean') ? known.map(() => 1) : known.map(({ station }) => scope.shareOf(station));
  const whole = shares.reduce((sum, share) => sum + share, 0);
  return whole === 0 ? null : rounded(shares.reduce((sum, share, index) => sum + share * values[index], 0) / whole);
}
