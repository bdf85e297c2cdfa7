// Exercises as the server tells of them.

import type { Answering, AnswerKind, Tier } from './types';

export type Exercise = {
  id: string;
  name: string;
  state: 'planned' | 'running' | 'over';
  hazard: string;
  areas: Record<string, Tier>;
  group: string;
  people: number;
  starts: string;
  ends: string;
  person: string;
  begun: string | null;
  over: string | null;
  why: 'time' | 'person' | 'interrupted' | null;
  failed: string | null;
  expect: AnswerKind | null;
};

type Step = 'signed_s' | 'first_message_s' | 'last_handed_s' | 'last_receipt_s' | 'first_answer_s' | 'last_answer_s';

/** How long each step took, from the draft, seconds. */
export type Score = {
  name: string;
  exercise: boolean;
  drafted: string;
  until: string;
  warnings: string[];
  steps: Record<Step, number | null>;
  ways: Record<string, { taken: number; delivered: number; failed: number; unknown: number; receipt_median_s: number | null; receipt_max_s: number | null }>;
  answering: Pick<Answering, 'city' | 'townships'>;
  people: { contact: string; role: string; area: string; told_s: number | null; delivered_s: number | null; answered_s: number | null; answer: AnswerKind | null; is_right: boolean }[];
  more: number;
  silent: string[];
  wrong: string[];
  withheld: Record<string, number>;
  cut: boolean;
  text: { zh: string; en: string };
};

/** What is handed over at the change of shift. */
export type Handover = {
  time: string;
  seen: string;
  shifts: { post: string; people: string[]; until: string; next: string[] }[];
  points: { kind: 'in_force' | 'to_sign' | 'to_review' | 'silent' | 'promised' | 'due'; key: string; warning: string | null; tier: Tier; time: string; zh: string; en: string }[];
  more: number;
  last: { at: string; person: string; points: number; note: string } | null;
  text: { zh: string; en: string };
};

export type Exercises = {
  groups: { id: string; name: string; people: number }[];
  exercises: Exercise[];
  withheld: { world: 'actual' | 'exercise'; gate: 'plan' | 'gateway'; channel: string; count: number }[];
};
