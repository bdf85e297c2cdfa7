//! Courses of values for comparisons: what a station says step by step, and what the way to us makes of it.

import { localTime } from '../storm/lines.mjs';
import { random } from '../generate/random.mjs';

/** Lines of stations, sorted by when they come. */
export class Lines {
  #lines = [];
  #start;

  constructor(start) {
    this.#start = Date.parse(start);
  }

  /** One station's course: every `step` minutes until `until` a value of `source`, with shares of what comes late, twice, wrong at first,
   *  doubted, or not at all. `source(draw)` gives a function of the minute that gives a value and a wrong one. */
  add(station, parameter, { step, until, source, seconds = step * 60, after = 0, late = 0.03, twice = 0.02, wrong = 0.04, suspect = 0, silent = 0.003, within = 18 }) {
    const draw = random(`${station} ${parameter}`);
    const next = source(draw);
    let quiet = 0;
    for (let minute = after; minute <= until; minute += step) {
      const [value, mistaken] = next(minute);
      if (quiet === 0 && draw.chance(silent)) quiet = 2 + draw.below(30);
      if (quiet > 0) {
        quiet -= 1;
        continue;
      }
      const say = (come, given, quality) => this.say(come, { station, parameter, time: localTime(this.#start + minute * 60_000), value: given, ...(quality === undefined ? {} : { quality }), interval: seconds });
      const later = () => minute + 1 + draw.below(within);
      const isDoubted = draw.chance(suspect);
      const chance = draw.next();
      if (chance < late) say(later(), value);
      else if (chance < late + wrong) {
        say(minute, mistaken, isDoubted ? 1 : undefined);
        say(later(), value, draw.chance(0.3) ? 3 : undefined);
      } else {
        say(minute, value, isDoubted ? 1 : undefined);
        if (chance < late + wrong + twice) say(later(), value);
        // Somebody doubts it later, or stands by what was doubted.
        else if (isDoubted ? draw.chance(0.4) : draw.chance(suspect / 3)) say(later(), value, isDoubted ? 3 : 1);
      }
    }
  }

  /** A line that comes in a minute. */
  say(come, line) {
    this.#lines.push([come, this.#lines.length, line]);
  }

  text() {
    this.#lines.sort(([a, m], [b, n]) => a - b || m - n);
    return this.#lines.map(([, , line]) => `${JSON.stringify(line)}\n`).join('');
  }
}
