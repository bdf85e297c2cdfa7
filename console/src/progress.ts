// Delivery rows added up per warning and channel, and when the last phone will ring.

import { rank, highest } from './tier';
import { seconds } from './time';
import type { Delivery, Tier } from './types';

/** As the server counts: of those sent to some were accepted, of these some delivered; failed and unknown were sent to as well. */
export interface Tally {
  channel: string;
  tier: Tier;
  planned: number;
  sent: number;
  accepted: number;
  delivered: number;
  failed: number;
  unknown: number;
  expired: number;
  withdrawn: number;
  /** By another account than their own. */
  handed: number;
  rate: number;
  started: number;
  finished: number | null;
}

const CHANNELS = ['sms', 'voice', 'area', 'cell', 'broadcast', 'push', 'cap', 'email', 'webhook', 'device'];
const order = (channel: string): number => (CHANNELS.indexOf(channel) + 1 || CHANNELS.length + 1);

export function byChannel(rows: Iterable<Delivery>): Tally[] {
  const tallies = new Map<string, Tally>();
  const open = new Set<string>();
  for (const row of rows) {
    const t = tallies.get(row.channel) ?? {
      channel: row.channel, tier: 'none' as Tier, planned: 0, sent: 0, accepted: 0, delivered: 0, failed: 0, unknown: 0, expired: 0, withdrawn: 0, handed: 0,
      rate: 0, started: Number.POSITIVE_INFINITY, finished: null,
    };
    t.tier = highest([t.tier, row.tier]);
    for (const key of ['planned', 'sent', 'accepted', 'delivered', 'failed', 'unknown', 'expired', 'withdrawn'] as const) t[key] += row[key];
    t.handed += row.handed ?? 0;
    if (row.started) t.started = Math.min(t.started, seconds(row.started));
    if (row.finished) t.finished = Math.max(t.finished ?? 0, seconds(row.finished));
    else {
      open.add(row.channel);
      t.rate += row.rate_per_s;
    }
    tallies.set(row.channel, t);
  }
  for (const channel of open) {
    const t = tallies.get(channel);
    if (t) t.finished = null;
  }
  return [...tallies.values()].sort((a, b) => order(a.channel) - order(b.channel) || a.channel.localeCompare(b.channel));
}

/** Recipients that have not been sent to yet. */
export const unsent = (t: Tally): number =>
  Math.max(0, t.planned - t.sent - t.expired - t.withdrawn);

/** Accepted and not yet on a phone. */
export const onTheWay = (t: Tally): number => Math.max(0, t.accepted - t.delivered);

/** Record time at which the last message leaves at the present rate; nothing while it stands. */
export function lastAt(t: Tally, now: number): number | null {
  const rest = unsent(t);
  if (t.finished !== null || rest === 0 || t.rate <= 0 || !Number.isFinite(now)) return null;
  return now + rest / t.rate;
}

/** Rows grouped by warning: the highest tier, then the newest start first. */
export function byWarning(rows: Iterable<Delivery>): { warning: string; tier: Tier; tallies: Tally[]; active: boolean }[] {
  const groups = new Map<string, Delivery[]>();
  for (const row of rows) {
    const list = groups.get(row.warning);
    if (list) list.push(row);
    else groups.set(row.warning, [row]);
  }
  return [...groups]
    .map(([warning, list]) => {
      const tallies = byChannel(list);
      return { warning, tier: highest(list.map((r) => r.tier)), tallies, active: tallies.some((t) => t.finished === null), newest: Math.max(...tallies.map((t) => t.started)) };
    })
    .sort((a, b) => Number(b.active) - Number(a.active) || rank(b.tier) - rank(a.tier) || b.newest - a.newest || a.warning.localeCompare(b.warning));
}
