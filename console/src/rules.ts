// Rules and their silences: one act of a person silences a rule in many zones and is shown as one.

import { seconds } from './time';
import type { Mute, Rule } from './types.services';

export interface Silenced {
  rule: Rule;
  until: string;
  since: string;
  person: string;
  reason: string;
  /** Where; none where whole zones are silenced. */
  areas: string[];
  /** The zones that are silenced wholly. */
  zones: string[];
}

/** Silences as they were said, the next to end first. */
export function silenced(rules: readonly Rule[]): Silenced[] {
  const found = new Map<string, Silenced>();
  for (const rule of rules) {
    for (const mute of rule.muted) {
      const { until, since, person, reason } = mute;
      const key = JSON.stringify([rule.id, until, person, reason, mute.area === null]);
      const one = found.get(key) ?? { rule, until, since, person, reason, areas: [], zones: [] };
      place(one, mute);
      found.set(key, one);
    }
  }
  return [...found.values()].sort((a, b) => seconds(a.until) - seconds(b.until) || a.rule.id.localeCompare(b.rule.id));
}

function place(one: Silenced, mute: Mute): void {
  if (mute.area === null) one.zones.push(mute.zone);
  else one.areas.push(mute.area);
}
