//! Lines to observations: what one line shows is checked here, and refused with a reason.

import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { PARAMETERS, factor, quanta } from './parameters.mjs';

const CHUNK = 4 << 20;

/** Each line of a file; a file that holds one JSON array gives its elements as lines. */
export function* linesOf(path) {
  const file = openSync(path, 'r');
  const decoder = new StringDecoder('utf8');
  const chunk = Buffer.alloc(CHUNK);
  let rest = '';
  for (let size; (size = readSync(file, chunk)) > 0;) {
    rest += decoder.write(chunk.subarray(0, size));
    if (rest.trimStart().startsWith('[')) continue;
    const lines = rest.split('\n');
    rest = lines.pop();
    yield* lines;
  }
  closeSync(file);
  rest += decoder.end();
  if (rest.trimStart().startsWith('[')) yield* JSON.parse(rest).map((element) => JSON.stringify(element));
  else if (rest.trim() !== '') yield rest;
}

/** An observation in quanta and milliseconds, or `{refused: reason}`. */
export function observationOf(line, city) {
  let given;
  try {
    given = JSON.parse(line);
  } catch {
    return { refused: 'not JSON' };
  }
  const { station: id, parameter, time: text, value, unit, quality, interval } = given ?? {};
  if (typeof id !== 'string' || typeof parameter !== 'string' || typeof text !== 'string') return { refused: 'a member is missing' };
  if (!(parameter in PARAMETERS)) return { refused: 'unknown parameter' };
  if (typeof value !== 'number') return { refused: 'value is not a number' };
  const time = instant(text);
  if (time === null) return { refused: 'not an RFC 3339 time' };
  const times = unit === undefined || unit === null ? 1 : factor(parameter, unit);
  if (times === undefined) return { refused: 'wrong unit' };
  if (quality !== undefined && !(Number.isInteger(quality) && quality >= 0 && quality <= 9)) return { refused: 'wrong quality' };
  const own = times === 1 ? value : Number((value * times).toPrecision(12));
  const { low, high } = PARAMETERS[parameter];
  if (own < low || own > high) return { refused: 'out of range' };
  const station = city.stations.get(id);
  if (!station) return { refused: 'unknown station' };
  if (!station.parameters.includes(parameter)) return { refused: 'parameter not registered at the station' };
  return {
    station: id, parameter, time, quanta: quanta(parameter, own), counted: quality !== 2 && quality !== 8, quality: quality ?? 0,
    ...intervals(parameter, interval, station),
  };
}

/** `interval`: what the value or the registry says, 0 for nothing; `covers`: the time it stands for. */
function intervals(parameter, given, station) {
  const usual = PARAMETERS[parameter].interval;
  const said = given ?? Number(station.interval || 0);
  const interval = said === 0 && parameter === 'rainfall' && given === undefined ? usual : said * 1000;
  return { interval, covers: interval || (Number(station.interval || 0) * 1000 || usual) };
}

let lastText = '';
let lastInstant = null;

/** Milliseconds since the epoch; null where the text is not a time with an offset. */
export function instant(text) {
  if (text === lastText) return lastInstant;
  lastText = text;
  lastInstant = readInstant(text);
  return lastInstant;
}

function readInstant(text) {
  const found = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/.exec(text);
  if (!found) return null;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (month < 1 || month > 12 || day < 1 || day > days || hour > 23 || minute > 59 || second > 60) return null;
  const shift = (found[8] === '-' ? -1 : 1) * (Number(found[9] ?? 0) * 60 + Number(found[10] ?? 0));
  const millis = Number((found[7] ?? '0').padEnd(3, '0').slice(0, 3));
  return Date.UTC(year, month - 1, day, hour, minute, second, millis) - shift * 60_000;
}
