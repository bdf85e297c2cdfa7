// Figures of call-and-answer, and places that nobody has spoken for.

import type { Figures, Gap } from './types';

export const gapKey = (gap: Gap): string => `${gap.warning}/${gap.what}/${gap.site ?? gap.area}`;

/** Shares in percent, of what is old enough to count: a share of nothing is none. */
export function sharesOf(figures: Figures): { minutes: number; percent: number }[] {
  return figures.within.filter((w) => w.of > 0).map((w) => ({ minutes: w.minutes, percent: Math.floor((w.answered * 100) / w.of) }));
}
