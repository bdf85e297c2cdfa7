//! One planted bug at a time, so that a test can show that it would notice.

/** What each planted bug does. */
export const MUTATIONS = {
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
  'sum-float': 'sums are added up in binary floating point',
};

let planted = null;

/** Plants a bug by name; an unknown name is an error that lists them. */
export function plant(name) {
  if (name !== null && !(name in MUTATIONS)) throw new Error(`no mutation ${name}; known: ${Object.keys(MUTATIONS).join(' ')}`);
  planted = name;
}

/** Whether that bug is planted. */
export function mutated(name) {
  return planted === name;
}
