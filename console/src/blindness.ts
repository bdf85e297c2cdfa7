// Where no live sensor sees a hazard: what a person looks at first, and places that never had a sensor by district.

import type { Places } from './places';
import { rank } from './tier';
import { seconds } from './time';
import type { Blind, Blindness } from './types';

export interface OfHazard {
  hazard: string;
  /** Blind while the hazard is in force, the highest tier first. */
  alarms: Blind[];
  silent: Blind[];
  /** Townships without a station, by district. */
  unseen: { district: string; areas: string[] }[];
}

/** By hazard, those with an alarm first, then those with most silent areas. */
export function blindByHazard(blindness: Blindness | null, places: Places): OfHazard[] {
  const groups = (blindness?.hazards ?? []).map<OfHazard>(({ hazard, areas }) => {
    const unseen = new Map<string, string[]>();
    for (const b of areas.filter((x) => x.why === 'unseen')) {
      const district = places.district(b.area);
      unseen.set(district, [...(unseen.get(district) ?? []), b.area]);
    }
    const oldest = (a: Blind, b: Blind) => seconds(a.since) - seconds(b.since) || a.area.localeCompare(b.area);
    return {
      hazard,
      alarms: areas.filter((b) => b.alarm).sort((a, b) => rank(b.in_force) - rank(a.in_force) || oldest(a, b)),
      silent: areas.filter((b) => b.why === 'silent' && !b.alarm).sort(oldest),
      unseen: [...unseen].map(([district, codes]) => ({ district, areas: codes })).sort((a, b) => b.areas.length - a.areas.length || a.district.localeCompare(b.district)),
    };
  });
  return groups.sort((a, b) => b.alarms.length - a.alarms.length || b.silent.length - a.silent.length || a.hazard.localeCompare(b.hazard));
}

export type Sight = 'alarm' | 'silent' | 'unseen';
export const SIGHTS: readonly Sight[] = ['unseen', 'silent', 'alarm'];
export const sightOf = (blind: Pick<Blind, 'alarm' | 'why'>): Sight => (blind.alarm ? 'alarm' : blind.why);

/** Each area as its worst, for a map: of one hazard or of all. */
export function sights(areas: Iterable<Blind>): Map<string, Sight> {
  const found = new Map<string, Sight>();
  for (const blind of areas) {
    const sight = sightOf(blind);
    const known = found.get(blind.area);
    if (!known || SIGHTS.indexOf(sight) > SIGHTS.indexOf(known)) found.set(blind.area, sight);
  }
  return found;
}
