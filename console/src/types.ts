// The API's shapes as they come over the wire; times are RFC 3339 with offset.

export type Tier = 'none' | 'white' | 'blue' | 'yellow' | 'orange' | 'red';
export type Lang = 'zh' | 'en';
export type Words = { zh?: string; en?: string };

export interface State {
  city: { code: string; name: Words; bbox: [number, number, number, number] };
  time: string;
  mode: 'actual' | 'exercise' | 'test';
  zones: { code: string; name: Words | string }[];
}

export interface AreaProperties {
  code: string;
  name: string;
  name_en: string;
  level: 'city' | 'district' | 'township' | 'community';
  parent: string | null;
  population: number;
}

export interface AreaFeature {
  type: 'Feature';
  properties: AreaProperties;
  geometry: { type: 'Polygon'; coordinates: number[][][] } | { type: 'MultiPolygon'; coordinates: number[][][][] };
}

export interface Areas {
  type: 'FeatureCollection';
  features: AreaFeature[];
}

export interface LastValue {
  time: string;
  value: string;
  unit: string;
  quality: number;
  /** What quality control found, where a person should look at it. */
  finding?: string | null;
}

export interface Station {
  id: string;
  name: string;
  name_en: string;
  kind: string;
  lon: number;
  lat: number;
  area: string;
  parameters: string[];
  last: Record<string, LastValue>;
}

export interface Site {
  id: string;
  name: string;
  name_en: string;
  kind: string;
  lon: number;
  lat: number;
  area: string;
  station: string | null;
  tier: Tier;
  thresholds: Record<string, number | string>;
}

export interface Reading {
  time: string;
  value: string | number;
  quality: number;
}

export interface Situation {
  rule: string;
  hazard: string;
  subject: string;
  area: string;
  lon: number;
  lat: number;
  tier: Tier;
  since: string;
  values: Record<string, string>;
  stale: boolean;
  /** Until when its rule is silenced there: nobody is told of it. */
  muted: { until: string; person: string; reason: string } | null;
}

export type WarningEvent = 'proposed' | 'issued' | 'updated' | 'ended' | 'cancelled';

export interface Evidence {
  rule: string;
  version?: string;
  subject: string;
  tier: Tier;
  time: string;
  values: Record<string, string>;
  unconfirmed: boolean;
}

/** A proposal before its signers: whose turn it is, and until when. */
export interface Signing {
  since: string;
  needed: number;
  signed_by: string[];
  turn: number;
  asked: string[];
  until: string | null;
  ends: string;
  at_end: 'hold' | 'presigned';
  overdue: boolean;
  rises: boolean;
}

/** What a second person has to look at, or has. */
export interface Review {
  revision: number;
  signed_by: string[];
  since: string;
  until: string;
  overdue: boolean;
  reviewed: { person: string; at: string; sound: boolean; note: string } | null;
}

export interface Warning {
  id: string;
  revision: number;
  event: WarningEvent;
  hazard: string;
  name: Words;
  zone: string;
  authority: string;
  tier: Tier;
  time: string;
  first_rise: string;
  expires: string;
  areas: Record<string, { tier: Tier; reached: Tier; onset: string }>;
  sites: Record<string, { area: string; tier: Tier; onset: string }>;
  evidence: Evidence[];
  past: boolean;
  unconfirmed: boolean;
  seen: string;
  signed_by: string[];
  needs: number;
  clock_ends: string | null;
  signing: Signing | null;
  review: Review | null;
  request_to: Words | null;
  relay: { identifier: string; sender_name: string; sent: string; kind: string } | null;
  /** Beside a proposal, what it would replace. */
  in_force: InForce | null;
  rule: string;
  text: Words;
}

export interface InForce {
  revision: number;
  event: WarningEvent;
  tier: Tier;
  time: string;
  expires: string;
  areas: Record<string, { tier: Tier; reached: Tier; onset: string }>;
  signed_by: string[];
  text: Words;
}

export interface Preview {
  heads: Record<string, Record<string, number>>;
  /** True where the zone was too busy to say who was told already: all are counted. */
  everybody: boolean;
  townships: { code: string; heads: number }[];
  unreachable: number;
  texts: Words;
  segments: Record<string, number>;
  remarks: Partial<Record<Lang, Remark[]>>;
}

/** What is wrong with a short message: an element left out, or a word of what it is. */
export type Remark = { missing: string } | { too_long: { parts: number; parts_max: number; units: number } } | 'no_signature' | 'placeholder' | 'empty';

export type AnswerKind = 'received' | 'at_post' | 'moved' | 'needs_help';

export interface Call {
  warning: string;
  area: string;
  site: string | null;
  /** A device at the site that was commanded and did not confirm. */
  device?: string | null;
  contact: string;
  role: string;
  name: string;
  phone_masked: string;
  told_at: string;
  state: 'waiting' | 'answered' | 'escalated' | 'over';
  next_at: string | null;
  next_role: string | null;
  /** `channel`: the way it came; null where the duty officer noted it. */
  answer: { answer: AnswerKind; note: string; channel: string | null; noted_by: string; said: string } | null;
}

export interface Delivery {
  warning: string;
  revision: number;
  intent?: string;
  channel: string;
  link: string;
  purpose: string;
  tier: Tier;
  planned: number;
  sent: number;
  accepted: number;
  delivered: number;
  failed: number;
  unknown: number;
  expired: number;
  withdrawn: number;
  started: string | null;
  finished: string | null;
  rate_per_s: number;
}

export interface Signal {
  identifier: string;
  sender_name: string;
  event: string;
  hazard: string | null;
  tier: Tier;
  areas: string[];
  sent: string;
  headline: Words;
  description?: Words;
  expires: string | null;
  kind?: string;
  /** Areas by the sender's own names. */
  area_desc?: string[];
  /** The source whose newest state bulletin it is part of, and whether that is stale. */
  source?: string | null;
  stale?: boolean;
}

export interface Me {
  id: string;
  name: string;
  scopes: string[];
}

/** What became of an act in each zone it concerned. */
export interface Acted {
  zones: { zone: string; state: 'done' | 'refused' | 'waits'; why: string | null }[];
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Of an act over zones that none of them followed. */
  zones?: Acted['zones'];
}
