//! One planted bug at a time, so that a test can show that it would notice.

/** What each planted bug does, by the lines in which it must show. */
export const MUTATIONS = {
  edges: {
    'ge-to-gt': 'a threshold must be exceeded, not reached',
    'window-plus': 'each window is a minute longer',
    'window-minus': 'each window is a minute shorter',
    'window-closed': 'each window holds its own beginning',
    'drop-correction': 'a second, different value is ignored',
    'drop-late': 'a value older than the newest of its series is ignored',
    'skip-hold': 'a fall does not wait for lower.after',
    'skip-raise-hold': 'a rise does not wait for raise.after',
    'skip-when': 'lower.when is not asked',
    'skip-continuing': '`continuing` is not asked',
    'skip-relaxing': 'falls use the thresholds of rises',
    'skip-withdrawal': 'a corrected rise stays until it is lowered',
    'skip-coverage': 'a fall does not ask for four fifths of the window',
    'count-gaps': 'a gap counts towards lower.after',
    'unknown-is-false': 'a call without values counts as a false condition',
    'one-step-falls': 'a fall goes down one tier at a time',
  },
  // Half millimetres add up exactly in binary: this needs a storm's tenths.
  rainstorm: {
    'sum-float': 'sums are added up in binary floating point',
  },
  limits: {
    'skip-samples': 'one evaluation that holds is enough',
    'keep-samples': 'a correction takes no sample away from what it set',
    'skip-season': 'every day is in season',
    'season-by-utc': 'days are those of Greenwich',
    'use-suspect': 'suspect readings count where sound ones are asked for',
    'suspicion-fades': 'a doubted value that comes again is doubted no more',
  },
  figures: {
    'one-duration': 'rain is held against a curve over a day only',
    'creep-thaws': 'the rate of even creep goes on with the slope',
    'any-line': 'inverse velocity needs no line that explains them',
    'straight-years': 'years between two levels go with the value',
    'unseen-is-dry': 'days that nobody saw count as dry',
    'plain-mean': 'the mean of an area weighs every station alike',
  },
  forecasts: {
    'first-issue': 'a forecast that is there is never replaced',
    'far-forecast': 'a forecast for the whole city goes before that for the place',
    'whole-steps': 'a step that lies in the window in part counts as a whole',
    'one-quadrant': 'wind circles are as wide as in the northeast',
    'deaf-to-issues': 'what is forecast is asked when something is measured, or time has passed',
  },
};

let planted = null;

/** Plants a bug by name; an unknown name is an error that lists them. */
export function plant(name) {
  const names = Object.values(MUTATIONS).flatMap((group) => Object.keys(group));
  if (name !== null && !names.includes(name)) throw new Error(`no mutation ${name}; known: ${names.join(' ')}`);
  planted = name;
}

/** Whether that bug is planted. */
export function mutated(name) {
  return planted === name;
}
