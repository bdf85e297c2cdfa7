//! The latches of one rule at one subject: when each tier sets, holds and clears.

import { mutated } from './mutations.mjs';

/** One latch per tier, lowest first. */
export class Ladder {
  #rule;
  #latches;
  #evaluated = null;

  /** `gap` is the longest step between evaluations that still counts as watching. */
  constructor(rule, gap) {
    this.#rule = rule;
    this.gap = gap;
    this.#latches = rule.tiers.map(({ tier }) => ({ tier, set: null, since: null, quiet: null }));
  }

  /** The highest set latch's tier; 0 for none. */
  get tier() {
    return this.#latches.reduce((highest, latch) => (latch.set ? latch.tier : highest), 0);
  }

  /** When the highest set latch was set. */
  get stamp() {
    return this.#latches.findLast((latch) => latch.set)?.set.at ?? null;
  }

  /** Time of the last evaluation. */
  get evaluated() {
    return this.#evaluated;
  }

  /** The earliest time at which a pending rise completes, or null. */
  get deadline() {
    const due = this.#latches.filter((latch) => latch.since !== null && !latch.set).map((latch) => latch.since + this.#raiseAfter());
    return due.length === 0 ? null : Math.min(...due);
  }

  /** When a fall completes if what is false stays so, or null: asked where no reading will come. */
  get falls() {
    const falling = this.#latches.filter((latch) => latch.set && latch.quiet !== null);
    const after = mutated('skip-hold') ? 0 : this.#rule.lowerAfter;
    return falling.length === 0 ? null : Math.min(...falling.map((latch) => this.#evaluated + after - latch.quiet));
  }

  /** Completes the rises whose deadline lies before `record`. */
  pass(record) {
    for (const latch of this.#latches) {
      if (latch.since !== null && !latch.set && latch.since + this.#raiseAfter() < record) this.#set(latch, latch.since + this.#raiseAfter());
    }
  }

  /** One evaluation at `time`. `corrected` is the time of the value that was replaced, or null.
   *  `look(time)` gives the tiers' truth for rising, `relaxed()` and `may()` that for falling. `samples` are the newest observation
   *  times, the rule's number of them at most; `dayOf(time)` is the calendar's. A hold begins at `from`: when what brings it was heard. */
  step(time, from, corrected, look, relaxed, may, samples, dayOf) {
    if (corrected !== null && !mutated('skip-withdrawal')) this.#withdraw(corrected, look, samples, dayOf);
    const truths = look(time);
    this.#latches.forEach((latch, index) => this.#raise(latch, truths[index] === true && this.#rises(index, time, look, samples, dayOf), time, from));
    if (this.#latches.some((latch) => latch.set)) this.#lower(time, relaxed, may);
    this.#evaluated = time;
  }

  /** Whether a tier whose condition holds may rise: in season, and with enough samples. */
  #rises(index, time, look, samples, dayOf) {
    const asked = mutated('skip-samples') ? null : this.#rule.samples;
    const held = samples.filter((one) => this.#isSample(index, one, look, dayOf));
    return this.#inSeason(index, time, dayOf) && (asked === null || held.length >= asked.k);
  }

  /** A sample that holds out of season is none. */
  #isSample(index, time, look, dayOf) {
    return look(time)[index] === true && this.#inSeason(index, time, dayOf);
  }

  #inSeason(index, time, dayOf) {
    return mutated('skip-season') || this.#rule.season(this.#latches[index].tier, dayOf(time));
  }

  #raise(latch, held, time, from) {
    if (latch.set) return;
    if (!held) {
      latch.since = null;
      return;
    }
    latch.since ??= from;
    if (from - latch.since >= this.#raiseAfter()) this.#set(latch, latch.since + this.#raiseAfter(), time);
  }

  #set(latch, at, evaluated = this.#evaluated) {
    latch.set = { at, evaluated };
    latch.quiet = null;
  }

  #withdraw(corrected, look, samples, dayOf) {
    const asked = mutated('keep-samples') ? null : this.#rule.samples;
    this.#latches.forEach((latch, index) => {
      if (!latch.set || corrected > latch.set.evaluated) return;
      const ofThen = samples.filter((time) => time <= latch.set.evaluated);
      const failed = ofThen.filter((time) => !this.#isSample(index, time, look, dayOf)).length;
      if (look(latch.set.evaluated)[index] === false || (asked !== null && failed > asked.n - asked.k)) clear(latch);
    });
  }

  #lower(time, relaxed, may) {
    const truths = relaxed();
    const after = mutated('skip-hold') ? 0 : this.#rule.lowerAfter;
    const step = this.#evaluated === null ? 0 : time - this.#evaluated;
    const watched = step <= this.gap || mutated('count-gaps') ? step : 0;
    const ready = this.#latches.filter((latch, index) => {
      if (!latch.set) return false;
      latch.quiet = truths[index] !== false ? null : latch.quiet === null ? 0 : latch.quiet + watched;
      return latch.quiet !== null && latch.quiet >= after;
    });
    if (ready.length === 0 || !(mutated('skip-when') || may())) return;
    if (mutated('one-step-falls')) ready.splice(0, ready.length - 1);
    ready.forEach(clear);
  }

  #raiseAfter() {
    return mutated('skip-raise-hold') ? 0 : this.#rule.raiseAfter;
  }
}

function clear(latch) {
  latch.set = null;
  latch.since = null;
  latch.quiet = null;
}
