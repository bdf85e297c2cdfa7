//! What the wire does to readings: late, twice, corrected, mangled. Lines come out in order of arrival, minute by minute.

/** Lines waiting for the minute in which they arrive. */
export class Wire {
  #due = new Map();
  #file;
  counts = { late: 0, repeated: 0, corrected: 0, malformed: 0, unknown: 0 };

  constructor(file) {
    this.#file = file;
  }

  /** A line that arrives in a later minute. */
  arrive(minute, line) {
    const waiting = this.#due.get(minute);
    if (waiting) waiting.push(line);
    else this.#due.set(minute, [line]);
  }

  /** Sends a reading of `minute` with the common share of trouble: 1 % late, 0.5 % twice. */
  send(draw, minute, line, now) {
    const chance = draw.next();
    if (chance < 0.01) {
      this.counts.late += 1;
      this.arrive(minute + 1 + draw.below(10), line);
    } else {
      now.push(line);
      if (chance < 0.015) {
        this.counts.repeated += 1;
        this.arrive(minute + draw.below(6), line);
      }
    }
  }

  /** Writes what arrives in `minute`: the belated first, then `now`, then copies sent within the minute. */
  flush(minute, now) {
    const waiting = this.#due.get(minute) ?? [];
    this.#due.delete(minute);
    this.#file.write([...now, ...waiting]);
  }

  /** Writes what is still under way after the last minute. */
  end() {
    for (const minute of [...this.#due.keys()].sort((a, b) => a - b)) this.flush(minute, []);
  }
}

/** A share of the stations loses its link once, for eleven minutes and more, while the water falls; what it missed never comes. */
export function outage(draw, share) {
  return { lost: draw.chance(share) ? 110 + draw.below(190) : Infinity, back: 11 + draw.below(14) };
}

/** Whether a station with such an outage is silent in that minute. */
export function isOut({ lost, back }, minute) {
  return minute >= lost && minute < lost + back;
}
