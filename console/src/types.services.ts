// Products by lead time, the evening product and rules with their silences, as they come over the wire.

import type { Source, Tier, Words } from './types';

export type SlotState = 'waiting' | 'due' | 'done' | 'missed' | 'late' | 'not_asked';

/** What met a slot. */
export interface Product {
  kind: 'filed' | 'signal' | 'warning' | 'finding';
  by: string;
  at: string;
  text: string;
  reference: string;
}

/** An earlier time that a slot was due and missed. */
export interface Round {
  round: number;
  state: SlotState;
  since: string;
  moment: string | null;
  due: string | null;
  filed: Product | null;
}

export interface Slot {
  id: string;
  /** `10d`, `3h`, …, `observed`. */
  lead: string;
  is_observed: boolean;
  product: Words;
  grain: string;
  grain_name: Words;
  audience: string[];
  counts: string[];
  source: Source;
  round: number;
  state: SlotState;
  since: string;
  moment: string | null;
  opens: string | null;
  due: string | null;
  filed: Product | null;
  behind: Round[];
}

export interface Process {
  id: string;
  ladder: string;
  service: string;
  name: Words;
  hazard: string;
  areas: string[];
  area_names: Words[];
  state: 'proposed' | 'open' | 'ended';
  onset: string;
  end: string;
  closes: string;
  known: string;
  by: string;
  reason: string;
  basis: { ground: Ground; reference: string; sender: string; tier: Tier; onset: string }[];
  slots: Slot[];
}

export interface Ladder {
  id: string;
  name: Words;
  service: string;
  service_name: Words | null;
  hazards: string[];
  source: Source;
}

/** GET /v1/services. */
export interface Services {
  ladders: Ladder[];
  processes: Process[];
}

export type Ground = 'signal' | 'warning' | 'situation' | 'forecast' | 'process';

export interface Risk {
  area: string;
  hazard: string;
  tier: Tier;
  reasons: { ground: Ground; tier: Tier; sender: string; reference: string; since: string }[];
}

export interface DueTransfer {
  area: string;
  planned: number;
  moved: number;
  left: number;
  due: string;
  /** Before dark, if that is sooner. */
  finish: string;
}

export interface Post {
  role: string;
  role_name: Words;
  area: string;
  site: string | null;
  channels: string[];
  answered: boolean;
}

/** The responsible persons of a township: posts and counts. */
export interface Reach {
  area: string;
  people: number;
  with_phone: number;
  without_phone: number;
  called: number;
  answered: number;
  posts: Post[];
}

export type EveningState = 'drafted' | 'filed' | 'missed' | 'late' | 'not_asked';

export interface FiledEvening {
  day: string;
  state: EveningState;
  since: string;
  due: string;
  by: string;
  text: Words;
}

/** GET /v1/evening: of a day before there is only what was filed. */
export interface Evening {
  day: string;
  running: boolean;
  from: string;
  due: string;
  dark: string;
  until: string;
  risks: Risk[] | null;
  transfers: DueTransfer[] | null;
  reach: Reach[] | null;
  filed: FiledEvening | null;
  days: { day: string; state: EveningState; by: string }[];
}

/** A rule is silenced in a zone, or in an area of it. */
export interface Mute {
  zone: string;
  area: string | null;
  since: string;
  until: string;
  person: string;
  reason: string;
}

/** GET /v1/rules. */
export interface Rule {
  id: string;
  hazard: string;
  name: Words;
  version: string;
  level: 'city' | 'district' | 'township' | 'community';
  tiers: Tier[];
  heard_by: string[];
  muted: Mute[];
}
