// The API's shapes as they come over the wire; times are RFC 3339 with offset.

import type { FiledEvening, Process, Slot } from './types.services';

export type Tier = 'none' | 'white' | 'blue' | 'yellow' | 'orange' | 'red';
export type Lang = 'zh' | 'en';
export type Words = { zh?: string; en?: string };

export interface State {
  city: { code: string; name: Words; bbox: [number, number, number, number] };
  time: string;
  mode: 'actual' | 'exercise' | 'test';
  zones: { code: string; name: Words | string }[];
  /** What roles are called here; one that is not named is called by its code. */
  roles: Record<string, Words>;
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
  /** Where the rule has the tier from, and how sure that is: sure, likely, unsure, design-default. */
  source: { document: string; confidence: string } | null;
}

/** An area in which no live sensor sees a hazard; an alarm where the hazard is in force. */
export interface Blind {
  hazard: string;
  area: string;
  /** Its stations are silent, or it never had one. */
  why: 'silent' | 'unseen';
  /** Since when; null where a sensor sees again, or where there never was one. */
  since: string | null;
  /** The tier in force there. */
  in_force: Tier;
  alarm: boolean;
  count: number;
  stations: string[];
  text: Record<'zh' | 'en', string>;
}

/** Stations lost at about the same time. */
export interface Cluster {
  area: string;
  since: string;
  over: boolean;
  count: number;
  stations: string[];
  text: Record<'zh' | 'en', string>;
}

/** GET /v1/blindness. */
export interface Blindness {
  time: string;
  hazards: { hazard: string; name: Words; areas: Blind[] }[];
  clusters: Cluster[];
  silent_series: number;
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
  /** The same by why: landline, foreign, data_only, no_carrier, no_telephone, other_channel. */
  unreachable_by: Record<string, number>;
  texts: Words;
  segments: Record<string, number>;
  remarks: Partial<Record<Lang, Remark[]>>;
  /** Languages whose short message no account at a carrier passes: signed so, it reaches nobody by SMS. */
  unsendable: Lang[];
  /** What is objected to in a person's own words: signed only as it stands, with a reason. */
  objections: Findings;
  /** How each carrier or platform reads what a signature would send it. */
  jobs: JobReading[];
  /** How often the public of each area was rung up in the last 24 hours. */
  interrupted: Record<string, number>;
  /** Seconds until the last phone of our own accounts rings: the largest of theirs. */
  last_phone_s: number | null;
  /** By account, each at its contracted rate. */
  last_phones: LastPhone[];
}

/** When the last phone of one account rings; nothing where it has no contracted rate. */
export interface LastPhone {
  link: string;
  heads: number;
  parts: number;
  ahead: number;
  pace_per_s: number;
  last_phone_s: number | null;
}

/** A job as the far side would read it; nothing where it does not answer. */
export interface JobReading {
  link: string;
  purpose: string;
  tier: Tier;
  areas: string[];
  heads: number | null;
  list: string | null;
  last_phone_s: number | null;
  objections: string[];
}

/** Numbers by what became of each. */
export interface JobCounts {
  waiting: number;
  accepted: number;
  delivered: number;
  failed: number;
  unknown: number;
  expired: number;
  withdrawn: number;
}

/** An area job: how the far side reads and counts it. */
export interface Job {
  state: string;
  objections: string[];
  heads: number;
  areas: Record<string, number>;
  list: string;
  last_phone_s: number;
  counts: JobCounts;
  by_district: Record<string, JobCounts>;
  /** A release platform's number of the form, and what its channels made of it. */
  receipt?: string;
  channels?: Record<string, { planned: number; sent: number; failed: number }>;
}

/** Why an account at a carrier does not pass a text: over since a day, or the parts of the day that are left. */
export type NotPassed = 'signature' | 'template' | { expired: string } | { daily_max: { left: number; needed: number } };

/** What is wrong with a short message: an element left out, or a word of what it is. */
export type Remark =
  | { missing: string }
  | { too_long: { parts: number; parts_max: number; units: number } }
  | { too_many_pages: { pages: number; pages_max: number } }
  | { too_slow: { seconds: number; seconds_max: number } }
  | { action_late: { units: number; units_max: number } }
  | { no_half: string }
  | { which_night: string }
  | { no_month: string }
  | { not_passed: { account: string; why: NotPassed } }
  | 'no_signature' | 'placeholder' | 'empty' | 'link' | 'no_mark' | 'stray_mark' | 'not_verbatim' | 'untranslated';

/** What is objected to in words, by language tag. */
export type Findings = Record<string, Remark[]>;

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
  /** How many different people answered, and how many must. */
  answers?: number;
  needed?: number;
  /** When everybody who does not act is asked anew, before it comes. */
  recall_at?: string | null;
  /** Strobes of those who are asked that did not confirm that they flash. */
  unlit?: string[];
  /** `channel`: the way it came; null where the duty officer noted it. */
  answer: { contact?: string; answer: AnswerKind; note: string; channel: string | null; noted_by: string; said: string } | null;
}

export interface Figures {
  called: number;
  answered: number;
  needs_help: number;
  within: { minutes: number; of: number; answered: number }[];
  median_s: number | null;
  waiting_s: number | null;
}

export interface Answering {
  time: string;
  city: Figures;
  townships: { area: string; name: string; name_en: string; figures: Figures }[];
  text: { zh: string; en: string };
}

export interface Gap {
  what: 'site' | 'no_channel' | 'no_answer';
  warning: string;
  hazard: string;
  tier: Tier;
  area: string;
  site: string | null;
  why: string[];
  since: string;
  text: { zh: string; en: string };
}

export interface Gaps {
  time: string;
  counts: { site: number; no_channel: number; no_answer: number };
  gaps: Gap[];
  answered_for: { warning: string; area: string | null; site: string | null; by: string; answer: AnswerKind; note: string; person: string; said: string }[];
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
  /** Whom another account tells instead: not among those planned. */
  handed?: number;
  started: string | null;
  finished: string | null;
  rate_per_s: number;
  job?: Job;
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

/** A level of an emergency response, lowest first: 关注 < Ⅳ < Ⅲ < Ⅱ < Ⅰ. */
export type Level = 'attention' | 'IV' | 'III' | 'II' | 'I';
export type Family = 'flood' | 'waterlogging' | 'wind' | 'drought' | 'freezing' | 'weather';

/** Where something stands: sure, likely, or our own until the source is at hand. */
export interface Source {
  document: string;
  confidence: string;
}

/** One term of a plan's condition as it was counted. */
export interface Reason {
  term: string;
  count: number;
  of: number;
  needed: number;
  areas: string[];
  /** Keys of the standing signals (identifier, a space, tier) and warnings of ours (id) behind it. */
  signals: string[];
  text: Words;
}

export interface Proposal {
  /** Nothing proposes the end. */
  level: Level | null;
  since: string;
  clause: string;
  source: Source | null;
  /** Who signs it. */
  post: Words | null;
  reasons: Reason[];
}

export type TaskState = 'open' | 'late' | 'done' | 'dropped';

export interface Task {
  id: string;
  place: string;
  site: string | null;
  text: Words;
  owner: string;
  opened: string;
  due: string;
  state: TaskState;
  overdue: boolean;
  in_time: boolean | null;
  by: string;
  reported: string | null;
  note: string;
}

/** A proposal that a person sent away; who and when are not known of long ago. */
export interface Declined {
  level: Level | null;
  by: string;
  at: string | null;
  reason: string;
}

/** An emergency response. Without a token it has no reasons, tasks or persons. */
export interface Response {
  plan: string;
  name: Words | null;
  family: Family;
  family_name: Words;
  area: string;
  area_name: Words;
  authority: Words | null;
  state: 'in_force' | 'proposed' | 'below_city' | 'ended' | 'quiet';
  level: Level | null;
  level_name: string | null;
  started: string | null;
  changed: string | null;
  ended: string | null;
  by?: string;
  reason?: string;
  basis?: Reason[];
  declined?: Declined | null;
  /** The city's level, where this district stands below it. */
  below?: Level | null;
  proposal?: Proposal | null;
  /** Who signs the end of what is in force. */
  ends?: Words | null;
  tasks?: Task[];
}

/** What an end leaves as it is. */
export type Remaining =
  | { kind: 'signal'; hazard: string; tier: Tier; identifier: string }
  | { kind: 'response'; plan: string; area: string; level: Level }
  | { kind: 'transfer'; area: string; moved: number }
  | { kind: 'task'; id: string }
  | { kind: 'incident'; area: string };

/** Messages by what became of them. */
export interface Messages {
  withdrawn: number;
  on_the_wire: number;
  accepted: number;
  delivered: number;
  failed: number;
  unknown: number;
  expired: number;
}

/** What a cancellation took back, and what is beyond recall. */
export interface Recall {
  /** False where the warning stands in other areas, or a link had not followed yet. */
  settled: boolean;
  links: (Messages & { link: string; channel: string })[];
  sum: Messages;
  jobs: { link: string; job: string; state: string; counts: JobCounts }[];
  published: { link: string; channel: string; revision: number; confirmed: boolean }[];
}

/** The answer to an end. */
export interface Ended {
  remains?: Remaining[];
  recall?: Recall;
}

export interface Transfer {
  planned: number;
  moved: number;
  left: number;
  sheltered: number;
  due: string;
  overdue: boolean;
  by: string;
  reported: string;
  note: string;
  returned: string | null;
}

export interface Damage {
  kind: string;
  name: Words | null;
  by: string;
  reported: string;
  note: string;
}

export interface Incident {
  area: string;
  area_name: Words;
  opened: string | null;
  closed: string | null;
  by: string | null;
  reason: string | null;
  /** When the last signal there was lifted; null while one stands. */
  lifted: string | null;
  transfer: Transfer | null;
  damage: Damage[];
  remains: Remaining[];
}

export interface Consequence {
  id: string;
  name: Words;
  text: Words;
  audience: string[];
  hours: { from: number; to: number } | null;
  areas: string[];
  source: Source;
  signal: string;
  sender: string;
  hazard: string;
}

export interface Plan {
  id: string;
  name: Words;
  family: Family;
  at: AreaProperties['level'];
  /** Where alone it may be; all areas of that level where there are none. */
  areas: string[];
  levels: { level: Level; level_name: string; post: string; ends: string; clause: string; source: Source }[];
}

/** What may be started where, and by whom. */
export interface Plans {
  plans: Plan[];
  posts: { id: string; name: Words; area: string | null; people: string[] }[];
  damage: { id: string; name: Words }[];
  return_post: string;
  close_post: string;
}

export interface Standing {
  identifier: string;
  sender: string;
  hazard: string;
  sent: string;
  official: Record<string, Tier>;
  found: Record<string, Tier>;
}

/** A step of the timeline, by its number. */
export type Entry = { number: number; at: string } & (
  | { kind: 'standing' | 'over'; item: Standing }
  | { kind: 'response'; item: Response }
  | { kind: 'task'; item: Task }
  | { kind: 'transfer'; item: Transfer & { area: string } }
  | { kind: 'damage'; item: Damage & { area: string; holds: boolean } }
  | { kind: 'incident'; item: Pick<Incident, 'area' | 'area_name' | 'opened' | 'closed' | 'by' | 'reason'> }
  | { kind: 'process'; item: Process }
  | { kind: 'slot'; item: Slot & { process: string } }
  | { kind: 'evening'; item: FiledEvening });

export type DifferenceKind = 'earlier' | 'later' | 'gained' | 'lost';
export interface Compared {
  old: number;
  new: number;
  more: number;
}

/** A dry run of a rulebook beside the one in force. */
export interface Trial {
  state: 'running' | 'done' | 'cancelled' | 'failed';
  /** Why it failed, where it did. */
  reason?: string | null;
  /** What zones heard meanwhile beside readings. */
  heard: { forecasts: number; signals: number; silences: number };
  /** Parts of a thousand. */
  progress?: number | null;
  from: string | null;
  to: string | null;
  readings: number;
  unheld: string[];
  unheard: string[];
  counts: Partial<Record<Tier, Partial<Record<DifferenceKind, number>>>>;
  people: Compared;
  people_night: Compared;
  rings: Compared;
  rings_night: Compared;
  differences: { hazard: string; area: string; tier: Tier; kind: DifferenceKind; old: string | null; new: string | null; later_min: number | null }[];
}

export interface Rulebook {
  hash: string;
  version: string;
  state: 'in_force' | 'candidate' | 'outdated' | 'former';
  seen?: string;
  by: string | null;
  at: string | null;
  note: string;
  against: string | null;
  tests: number;
  notices: string[];
  trial?: Trial;
  signed: { person: string; at: string }[];
  missing: number;
  ended: string | null;
}

/** A fault of a file that was put forward. */
export interface Fault {
  file: string;
  line: number | null;
  column: number | null;
  field: string;
  what: string;
  remedy: string;
  excerpt: string | null;
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
  /** Of files that cannot be used: each fault. */
  faults?: Fault[];
  /** Of words that were objected to: what, by language. */
  findings?: Findings;
}
