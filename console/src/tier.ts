// Tiers: their order, colours and the letters that stand beside every colour.

import type { Lang, Tier } from './types';

export const TIERS: readonly Tier[] = ['none', 'white', 'blue', 'yellow', 'orange', 'red'];

/** What may be warned of, highest first. */
export const WARNED: readonly Tier[] = ['red', 'orange', 'yellow', 'blue'];

export function rank(tier: Tier | undefined): number {
  return tier ? TIERS.indexOf(tier) : 0;
}

export function highest(tiers: Iterable<Tier>): Tier {
  let best: Tier = 'none';
  for (const tier of tiers) if (rank(tier) > rank(best)) best = tier;
  return best;
}

/** The fill of a badge and the ink on it; each pair has a contrast of at least 4.5. */
export const COLOUR: Record<Tier, { fill: string; ink: string }> = {
  none: { fill: '#5d6b7c', ink: '#ffffff' },
  white: { fill: '#eef2f7', ink: '#0b1119' },
  blue: { fill: '#2468e8', ink: '#ffffff' },
  yellow: { fill: '#ffd21f', ink: '#0b1119' },
  orange: { fill: '#ff8f1f', ink: '#0b1119' },
  red: { fill: '#d9202e', ink: '#ffffff' },
};

const NAMES: Record<Lang, Record<Tier, string>> = {
  zh: { none: '无', white: '白色', blue: '蓝色', yellow: '黄色', orange: '橙色', red: '红色' },
  en: { none: 'None', white: 'White', blue: 'Blue', yellow: 'Yellow', orange: 'Orange', red: 'Red' },
};

const LETTERS: Record<Lang, Record<Tier, string>> = {
  zh: { none: '–', white: '白', blue: '蓝', yellow: '黄', orange: '橙', red: '红' },
  en: { none: '–', white: 'W', blue: 'B', yellow: 'Y', orange: 'O', red: 'R' },
};

export const tierName = (tier: Tier, lang: Lang): string => NAMES[lang][tier];
export const tierLetter = (tier: Tier, lang: Lang): string => LETTERS[lang][tier];
