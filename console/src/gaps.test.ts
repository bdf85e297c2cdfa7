import { expect, test } from 'vitest';
import { gapKey, sharesOf } from './gaps';
import type { Figures, Gap } from './types';

test('a share of nothing is no share, and none is rounded up', () => {
  const figures: Figures = { called: 3, answered: 2, needs_help: 0, median_s: 200, waiting_s: 900, within: [{ minutes: 5, of: 3, answered: 2 }, { minutes: 10, of: 3, answered: 3 }, { minutes: 30, of: 0, answered: 0 }] };
  expect(sharesOf(figures)).toEqual([{ minutes: 5, percent: 66 }, { minutes: 10, percent: 100 }]);
});

test('a township without a channel and without an answer is two gaps', () => {
  const gap: Gap = { what: 'no_answer', warning: 'w', hazard: '11B03', tier: 'red', area: '440106014000', site: null, why: ['silent'], since: '', text: { zh: '', en: '' } };
  expect(gapKey(gap)).not.toBe(gapKey({ ...gap, what: 'no_channel' }));
});
