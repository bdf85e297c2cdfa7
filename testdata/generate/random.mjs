//! A seeded generator of random numbers that gives the same bytes everywhere: integer arithmetic only, no transcendental function.

/** Mulberry32 by name: each part of the city draws from its own stream, so that a change in one leaves the others alone. */
export function random(name) {
  let state = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return {
    /** In [0, 1). */
    next,
    /** In [low, high). */
    between: (low, high) => low + (high - low) * next(),
    /** A whole number in [0, n). */
    below: (n) => Math.floor(next() * n),
    pick: (list) => list[Math.floor(next() * list.length)],
    chance: (share) => next() < share,
    /** Bell-shaped round 0 with standard deviation 1: a sum of twelve uniform numbers. */
    bell: () => {
      let sum = -6;
      for (let i = 0; i < 12; i++) sum += next();
      return sum;
    },
  };
}
