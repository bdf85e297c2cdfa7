// What stands behind the pages beside the warnings: read when something changed, and again after a gap.

import { joined } from './responses';
import { store } from './store.svelte';
import type { Blindness, Consequence, Entry, Incident, Plans, Response, Rulebook } from './types';
import type { Rule, Services } from './types.services';

export type Page = 'warnings' | 'responses' | 'timeline' | 'rulebooks' | 'services' | 'blindness' | 'drills';
export const PAGES: readonly Page[] = ['warnings', 'responses', 'timeline', 'rulebooks', 'services', 'blindness', 'drills'];

/** Entries come in bursts: what they changed is read at most this often. */
const GAP_MS = 1000;
/** Without a token the stream says nothing of responses: they are read by the clock. */
const OPEN_MS = 60_000;
/** Rulebooks are not on the stream: while their page is open they are read by the clock, sooner while one is tried. */
const RULEBOOKS_MS = 10_000;
const TRIAL_MS = 2000;
/** As the server keeps. */
const TIMELINE_MAX = 2000;

class Desk {
  page = $state<Page>('warnings');
  responses = $state.raw<Response[]>([]);
  incidents = $state.raw<Incident[]>([]);
  consequences = $state.raw<Consequence[]>([]);
  plans = $state.raw<Plans | null>(null);
  timeline = $state.raw<Entry[]>([]);
  rulebooks = $state.raw<Rulebook[]>([]);
  services = $state.raw<Services | null>(null);
  /** Rules in force with their silences. */
  rules = $state.raw<Rule[]>([]);
  blindness = $state.raw<Blindness | null>(null);
  /** Read once since this reader came. */
  ready = $state(false);
  /** Why the newest reading failed. */
  failed = $state('');

  #reader = '';
  #reading: Promise<void> | null = null;
  #again = false;
  #next: ReturnType<typeof setTimeout> | undefined;
  #last = 0;
  #rulebooksAt: ReturnType<typeof setTimeout> | undefined;
  #followed = false;

  find(plan: string, area: string): Response | undefined {
    return this.responses.find((r) => r.plan === plan && r.area === area);
  }

  /** Something changed: reads soon, once for all that comes meanwhile. */
  changed(): void {
    if (this.#next !== undefined) return;
    const wait = Math.max(0, this.#last + GAP_MS - Date.now());
    this.#next = setTimeout(() => {
      this.#next = undefined;
      void this.read();
    }, wait);
  }

  /** Another reader, or none: what was for people signed in leaves the screen with them. */
  reader(): void {
    if (this.#reader !== store.api.token) this.#forget(store.api.token);
  }

  /** Keeps what everybody may see fresh while nobody is signed in. */
  watch(): () => void {
    const timer = setInterval(() => { if (!store.me && !document.hidden) this.changed(); }, OPEN_MS);
    return () => clearInterval(timer);
  }

  /** Reads what stands now; who asks meanwhile gets what is read after that. */
  async read(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return this.#reading;
    }
    this.#reading = this.#readAll().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    do {
      this.#again = false;
      this.#last = Date.now();
      await this.#readOnce();
    } while (this.#again);
  }

  async #readOnce(): Promise<void> {
    const { api } = store;
    const token = api.token;
    this.reader();
    const own = <T>(path: string, none: T): Promise<T> => (token ? api.get<T>(path) : Promise.resolve(none));
    const since = this.timeline.at(-1)?.number ?? 0;
    try {
      const [responses, consequences, incidents, plans, entries] = await Promise.all([
        api.get<Response[]>('/v1/responses'), api.get<Consequence[]>('/v1/consequences'), own<Incident[]>('/v1/incidents', []),
        this.plans ?? own<Plans | null>('/v1/plans', null), own<Entry[]>(`/v1/timeline?since=${since}`, []),
      ]);
      // Whatever becomes of a process or a product is an entry.
      const isOwed = entries.some((e) => e.kind === 'process' || e.kind === 'slot');
      const services = token && (isOwed || !this.services) ? await api.get<Services>('/v1/services') : this.services;
      if (token !== store.api.token) {
        this.#again = true;
        return;
      }
      this.responses = responses;
      this.consequences = consequences;
      this.incidents = incidents;
      this.plans = plans;
      this.timeline = joined(this.timeline, entries, TIMELINE_MAX);
      this.services = services;
      this.failed = '';
      this.ready = true;
    } catch (error) {
      this.failed = store.why(error);
    }
  }

  /** After a gap: plans and the numbers of entries may be another installation's. */
  anew(): void {
    this.plans = null;
    this.timeline = [];
    this.changed();
  }

  #forget(reader: string): void {
    this.#reader = reader;
    this.ready = false;
    this.responses = [];
    this.incidents = [];
    this.plans = null;
    this.timeline = [];
    this.rulebooks = [];
    this.services = null;
    this.rules = [];
    this.blindness = null;
  }

  /** Rules with their silences: few change, and the stream says when. */
  async readRules(): Promise<void> {
    const { token } = store.api;
    try {
      const rules = token ? await store.api.get<Rule[]>('/v1/rules') : [];
      if (token === store.api.token) this.rules = rules;
    } catch (error) {
      this.failed = store.why(error);
    }
  }

  /** Where nobody sees what: read while somebody looks at it. */
  async readBlindness(): Promise<void> {
    const { token } = store.api;
    try {
      const blindness = token ? await store.api.get<Blindness>('/v1/blindness') : null;
      if (token === store.api.token) this.blindness = blindness;
      this.failed = '';
    } catch (error) {
      this.failed = store.why(error);
    }
  }

  /** Reads rulebooks now, and by the clock until the page is left. */
  followRulebooks(): () => void {
    this.#followed = true;
    void this.readRulebooks();
    return () => {
      this.#followed = false;
      clearTimeout(this.#rulebooksAt);
    };
  }

  /** Reads them now; what an act began is looked at sooner than the clock had it. */
  async readRulebooks(): Promise<void> {
    await this.#readRulebooks();
    clearTimeout(this.#rulebooksAt);
    if (!this.#followed) return;
    const isTried = this.rulebooks.some((r) => r.trial?.state === 'running' && r.state === 'candidate');
    this.#rulebooksAt = setTimeout(() => void this.readRulebooks(), isTried ? TRIAL_MS : RULEBOOKS_MS);
  }

  async #readRulebooks(): Promise<void> {
    if (!store.api.token) {
      this.rulebooks = [];
      return;
    }
    if (document.hidden) return;
    try {
      this.rulebooks = await store.api.get<Rulebook[]>('/v1/rulebooks');
      this.failed = '';
    } catch (error) {
      this.failed = store.why(error);
    }
  }
}

export const desk = new Desk();
