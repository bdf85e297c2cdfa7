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

  /** Completes the rises whose deadline lies before `record`. */
  pass(record) {
    for (const latch of this.#latches) {
      if (latch.since !== null && !latch.set && latch.since + this.#raiseAfter() < record) this.#set(latch, latch.since + this.#raiseAfter());
    }
  }

  /** One evaluation at `time`. `corrected` is the time of the value that was replaced, or null.
   *  `look(time)` gives the tiers' truth for rising, `relaxed()` and `may()` that for falling. */
  step(time, corrected, look, relaxed, may) {
    if (corrected !== null && !mutated('skip-withdrawal')) this.#withdraw(corrected, look);
    const truths = look(time);
    this.#latches.forEach((latch, index) => this.#raise(latch, truths[index], time));
    if (this.#latches.some((latch) => latch.set)) this.#lower(time, relaxed, may);
    this.#evaluated = time;
  }

  #raise(latch, held, time) {
    if (latch.set) return;
    if (held !== true) {
      latch.since = null;
      return;
    }
    latch.since ??= time;
    if (time - latch.since >= this.#raiseAfter()) this.#set(latch, latch.since + this.#raiseAfter(), time);
  }

  #set(latch, at, evaluated = this.#evaluated) {
    latch.set = { at, evaluated };
    latch.quiet = null;
  }

  #withdraw(corrected, look) {
    for (const latch of this.#latches) {
      if (!latch.set || corrected > latch.set.evaluated) continue;
      if (look(latch.set.evaluated)[this.#latches.indexOf(latch)] === false) clear(latch);
    }
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
