// What a forecaster asks of warnings: which wait, in what order, what changed between two revisions.

import { highest, rank } from './tier';
import { seconds } from './time';
import type { Situation, Tier, Warning } from './types';

export const isOver = (w: Warning): boolean => w.event === 'ended' || w.event === 'cancelled';

/** Signatures still missing. */
export const lacking = (w: Warning): number => Math.max(0, w.needs - w.signed_by.length);

/** Another authority was asked for it: it is not ours to sign. */
export const isRequest = (w: Warning): boolean => !isOver(w) && !w.past && w.request_to !== null;

export const isWaiting = (w: Warning): boolean => !isOver(w) && !w.past && !isRequest(w) && (w.event === 'proposed' || lacking(w) > 0);

/** In force beyond its validity: whoever follows the feed has let go of it. A relay ends when its authority says so. */
export const isLapsed = (w: Warning, now: number): boolean => {
  const expires = w.event === 'proposed' ? w.in_force?.expires : isOver(w) ? undefined : w.expires;
  return expires !== undefined && w.relay === null && seconds(expires) < now;
};

export const isInForce = (w: Warning): boolean => !isOver(w) && !isWaiting(w) && !isRequest(w);

/** One person or the clock released it, and nobody else has looked at it yet. */
export const needsReview = (w: Warning): boolean => w.review !== null && w.review.reviewed === null;

/** Warnings that pass a signal on and are not over. */
export const relaysOf = (identifier: string, warnings: Iterable<Warning>): Warning[] => [...warnings].filter((w) => w.relay?.identifier === identifier && !isOver(w));

const byUrgency = (a: Warning, b: Warning): number =>
  rank(b.tier) - rank(a.tier) || seconds(a.first_rise) - seconds(b.first_rise) || a.id.localeCompare(b.id);

export interface Queue {
  waiting: Warning[];
  review: Warning[];
  requested: Warning[];
  inForce: Warning[];
  over: Warning[];
}

/** By tier and then by how long; reviews by when they are due; what is over, newest first. A release that waits for a review stands there too. */
export function queue(warnings: Iterable<Warning>): Queue {
  const all = [...warnings];
  return {
    waiting: all.filter(isWaiting).sort(byUrgency),
    review: all.filter(needsReview).sort((a, b) => seconds(a.review?.until) - seconds(b.review?.until) || a.id.localeCompare(b.id)),
    requested: all.filter(isRequest).sort(byUrgency),
    inForce: all.filter(isInForce).sort(byUrgency),
    over: all.filter(isOver).sort((a, b) => seconds(b.time) - seconds(a.time) || a.id.localeCompare(b.id)),
  };
}

/** Per area: the highest tier in force, the highest that waits for us or another authority. */
export function areaTiers(warnings: Iterable<Warning>): Map<string, { inForce: Tier; waiting: Tier }> {
  const tiers = new Map<string, { inForce: Tier; waiting: Tier }>();
  for (const w of warnings) {
    if (isOver(w) || w.past) continue;
    const waits = isWaiting(w) || isRequest(w);
    for (const [code, area] of Object.entries(w.areas)) {
      const at = tiers.get(code) ?? { inForce: 'none' as Tier, waiting: 'none' as Tier };
      if (waits) at.waiting = highest([at.waiting, area.tier]);
      else at.inForce = highest([at.inForce, area.tier]);
      tiers.set(code, at);
    }
  }
  return tiers;
}

/** How many areas stand at each tier, whether in force or waiting. */
export function countByTier(tiers: Map<string, { inForce: Tier; waiting: Tier }>): Record<Tier, number> {
  const counts: Record<Tier, number> = { none: 0, white: 0, blue: 0, yellow: 0, orange: 0, red: 0 };
  for (const at of tiers.values()) counts[highest([at.inForce, at.waiting])] += 1;
  return counts;
}

export type Change =
  | { kind: 'tier'; from: Tier; to: Tier }
  | { kind: 'area' | 'site'; code: string; from: Tier; to: Tier }
  | { kind: 'text'; lang: 'zh' | 'en'; from: string; to: string }
  | { kind: 'signed'; who: string }
  | { kind: 'unsigned'; who: string }
  | { kind: 'event'; from: string; to: string };

/** What a proposal would make of what is in force; nothing where nothing is. */
export function becomes(w: Warning): Change[] {
  if (!w.in_force) return [];
  const { tier, areas, text } = w.in_force;
  const alike = { event: w.event, signed_by: w.signed_by, sites: w.sites };
  return changes({ ...w, ...alike, tier, areas, text }, w);
}

/** All areas as they are to stand: the server takes back what an amendment leaves out, and leaves all as it is where none is named. */
export function amended(w: Warning, chosen: Record<string, Tier>): Record<string, Tier> {
  if (Object.keys(chosen).length === 0) return {};
  const standing = Object.entries(w.areas).map(([code, area]) => [code, area.tier] as const);
  return { ...Object.fromEntries(standing), ...chosen };
}

/** What differs between what was seen and what is. */
export function changes(seen: Warning, now: Warning): Change[] {
  const found: Change[] = [];
  if (seen.event !== now.event) found.push({ kind: 'event', from: seen.event, to: now.event });
  if (seen.tier !== now.tier) found.push({ kind: 'tier', from: seen.tier, to: now.tier });
  for (const kind of ['area', 'site'] as const) {
    const [before, after] = kind === 'area' ? [seen.areas, now.areas] : [seen.sites, now.sites];
    for (const code of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      const from = before[code]?.tier ?? 'none';
      const to = after[code]?.tier ?? 'none';
      if (from !== to) found.push({ kind, code, from, to });
    }
  }
  for (const lang of ['zh', 'en'] as const) {
    const from = seen.text[lang] ?? '';
    const to = now.text[lang] ?? '';
    if (from !== to) found.push({ kind: 'text', lang, from, to });
  }
  for (const who of now.signed_by) if (!seen.signed_by.includes(who)) found.push({ kind: 'signed', who });
  for (const who of seen.signed_by) if (!now.signed_by.includes(who)) found.push({ kind: 'unsigned', who });
  return found;
}

/** The highest tier of each subject over its rules. */
export function subjectTiers(situations: Iterable<Situation>): Map<string, Tier> {
  const tiers = new Map<string, Tier>();
  for (const s of situations) tiers.set(s.subject, highest([tiers.get(s.subject) ?? 'none', s.tier]));
  return tiers;
}
