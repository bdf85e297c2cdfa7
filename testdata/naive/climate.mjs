//! What is usual, from `climate.csv` of a city directory: return levels and gamma distributions; `*` stands for who has no rows of its own.

import { existsSync } from 'node:fs';
import { readCsv } from './city.mjs';
import { span } from './rulebook.mjs';

const DAY = 86_400_000;

/** Reads the file, if it is there. */
export function readClimate(path) {
  const rows = existsSync(path) ? readCsv(path) : [];
  const of = (station, wanted) => {
    const alike = rows.filter(wanted);
    const own = alike.filter((row) => row.station === station);
    return own.length > 0 ? own : alike.filter((row) => row.station === '*');
  };
  return {
    /** Return levels of a rolling window, rarest last. */
    levels(station, parameter, window) {
      const found = of(station, (row) => row.years && row.parameter === parameter && span(row.window) === span(window));
      return found.map(({ years, value }) => ({ years: Number(years), value: Number(value) })).sort((a, b) => a.years - b.years);
    },
    /** The distribution over so many days that end in a month, or null. */
    gamma(station, parameter, days, month) {
      const [found] = of(station, (row) => row.month && row.parameter === parameter && span(row.window) === days * DAY && Number(row.month) === month);
      return found === undefined ? null : { shape: Number(found.shape), scale: Number(found.scale), zero: Number(found.zero) };
    },
  };
}
