// All that the screen knows, kept fresh: loads the lists, follows the stream, loads anew after every gap.

import { Api, Refused } from './api';
import { apply, blindKey, callKey, deliveryKey, EVENT_NAMES, keyed, signalKey, situationKey, type Lists, type LiveEvent } from './live';
import { Places } from './places';
import { RecordClock, seconds, textLike } from './time';
import type { Areas, Blindness, Call, Delivery, Lang, Me, Signal, Site, Situation, State, Station, Warning } from './types';
import { codeName, phrase, type WordKey } from './words';

/** Events are put on the screen at most this often. */
const FLUSH_MS = 200;
/** Waits before reconnecting, the last one repeats. */
const BACKOFF_MS = [500, 1000, 2000, 4000, 8000, 15000];
/** Ticks come each minute: a stream silent for longer is tested. */
const SILENCE_MS = 75_000;
/** Events kept while the lists are being read; beyond it everything is read again. */
const PENDING_MAX = 50_000;
const NOTICES_MAX = 4;
const NOTICE_MS = 8000;

export type Connection = 'connecting' | 'live' | 'lost';
export interface Notice {
  id: number;
  tone: 'good' | 'bad';
  text: string;
}

class Store {
  api = new Api();
  lang = $state<Lang>(remembered('lang') === 'en' || remembered('lang') === 'zh' ? (remembered('lang') as Lang) : navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');
  singleKeys = $state(remembered('keys') !== 'off');
  connection = $state<Connection>('connecting');
  attempts = $state(0);
  ready = $state(false);
  state = $state.raw<State | null>(null);
  places = $state.raw(new Places());
  areas = $state.raw<Areas | null>(null);
  stations = $state.raw<Station[]>([]);
  sites = $state.raw<Site[]>([]);
  lists = $state.raw<Lists>({ warnings: new Map(), situations: new Map(), calls: new Map(), deliveries: new Map(), signals: new Map(), blind: new Map() });
  me = $state.raw<Me | null>(null);
  notices = $state<Notice[]>([]);
  /** Record time in seconds, moved on between the server's words. */
  now = $state(Number.NaN);
  /** The newest record time as the server wrote it. */
  timeText = $state('');

  /** Number of the newest step of the timeline that the stream told of. */
  entry = $state(0);
  /** How often the stream told of silent sensors, and of silenced rules. */
  silences = $state(0);
  mutes = $state(0);
  /** How often everything was read: after each gap. */
  loads = $state(0);

  #clock = new RecordClock();
  #stream: AbortController | null = null;
  #pending: LiveEvent[] = [];
  #loading = false;
  #again = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #heard = 0;
  #noticeNo = 0;

  t = (key: WordKey, fill: Record<string, string | number> = {}): string => phrase(this.lang, key, fill);

  start(): () => void {
    void this.#enter();
    const flush = setInterval(() => this.#flush(), FLUSH_MS);
    const watch = setInterval(() => void this.#watch(), 10_000);
    return () => {
      clearInterval(flush);
      clearInterval(watch);
      clearTimeout(this.#retry);
      this.#stream?.abort();
    };
  }

  /** Whoever has a token, from before or in the address, sees all; everybody else what was issued. */
  async #enter(): Promise<void> {
    const token = addressed() || session('token');
    if (token) {
      const entered = await this.signIn(token).then(() => true, () => false);
      if (entered) return;
      session('token', '');
    }
    this.#connect();
  }

  setLang(lang: Lang): void {
    this.lang = lang;
    remember('lang', lang);
  }

  setSingleKeys(on: boolean): void {
    this.singleKeys = on;
    remember('keys', on ? 'on' : 'off');
  }

  async signIn(token: string): Promise<void> {
    const api = new Api();
    api.token = token;
    this.me = await api.get<Me>('/v1/me');
    this.api = api;
    session('token', token);
    // Another reader, another stream: it loads what this one may see.
    this.#connect();
  }

  signOut(): void {
    this.api.token = '';
    this.me = null;
    session('token', '');
    this.#forget();
    this.#connect();
  }

  /** What was for people signed in leaves the screen with them. */
  #forget(): void {
    this.lists = { warnings: new Map(), situations: new Map(), calls: new Map(), deliveries: new Map(), signals: this.lists.signals, blind: new Map() };
    this.sites = [];
    this.#pending = [];
  }

  may(scope: string): boolean {
    return this.me?.scopes.includes(scope) ?? false;
  }

  /** The newest record of a warning, straight from the server. */
  async refresh(id: string): Promise<Warning | undefined> {
    const all = await this.api.get<Warning[]>('/v1/warnings');
    this.lists = { ...this.lists, warnings: keyed(all, (w) => w.id) };
    return this.lists.warnings.get(id);
  }

  say(tone: Notice['tone'], text: string): void {
    const id = (this.#noticeNo += 1);
    this.notices = [...this.notices.slice(1 - NOTICES_MAX), { id, tone, text }];
    setTimeout(() => this.dismiss(id), NOTICE_MS);
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((n) => n.id !== id);
  }

  why(error: unknown): string {
    if (error instanceof Refused) return error.status === 0 ? `${this.t('lost')} (${error.message})` : error.message;
    return error instanceof Error ? error.message : String(error);
  }

  #connect(): void {
    this.#stream?.abort();
    clearTimeout(this.#retry);
    const stream = new AbortController();
    this.#stream = stream;
    const opened = (): void => {
      this.#heard = Date.now();
      // What happened during the gap is in no event: read everything, events meanwhile wait.
      void this.#load();
    };
    const ended = (error?: unknown): void => {
      if (this.#stream !== stream) return;
      // The token was taken back: what is for everybody is still there.
      if (error instanceof Refused && error.status === 401 && this.api.token) this.signOut();
      else this.#lose();
    };
    this.api.follow('/v1/stream', stream.signal, opened, (name, data) => this.#hear(name, data)).then(() => ended(), ended);
  }

  #hear(name: string, data: string): void {
    const known = EVENT_NAMES.find((event) => event === name);
    if (name === 'silence') this.silences += 1;
    if (name === 'mute') this.mutes += 1;
    if (known) this.#take({ name: known, item: parse(data) } as LiveEvent);
    else if (name === 'time') {
      this.#heard = Date.now();
      this.#hearTime((parse(data) as { time?: string } | null)?.time);
    } else if (name === 'timeline') {
      this.#heard = Date.now();
      this.entry = (parse(data) as { number?: number } | null)?.number ?? this.entry;
    } else if (name === 'reset') void this.#load();
  }

  #lose(): void {
    this.#stream?.abort();
    this.#stream = null;
    if (this.ready) this.connection = 'lost';
    const wait = BACKOFF_MS[Math.min(this.attempts, BACKOFF_MS.length - 1)] ?? 15_000;
    this.attempts += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #take(event: LiveEvent): void {
    this.#heard = Date.now();
    if (!event.item) return;
    if (this.#pending.length >= PENDING_MAX) {
      this.#pending = [];
      void this.#load();
      return;
    }
    this.#pending.push(event);
  }

  #flush(): void {
    if (this.connection !== 'lost') this.now = this.#clock.now(Date.now() / 1000);
    if (this.#loading || this.#pending.length === 0) return;
    const events = this.#pending;
    this.#pending = [];
    this.lists = apply(this.lists, events);
  }

  async #watch(): Promise<void> {
    if (!this.#stream || this.#loading || Date.now() - this.#heard < SILENCE_MS) return;
    try {
      this.#hearTime((await this.api.get<State>('/v1/state')).time);
      this.#heard = Date.now();
    } catch {
      this.#lose();
    }
  }

  #hearTime(time: string | undefined): void {
    if (!time) return;
    this.timeText = time;
    this.#clock.hear(seconds(time), Date.now() / 1000);
  }

  async #load(): Promise<void> {
    if (this.#loading) {
      this.#again = true;
      return;
    }
    this.#loading = true;
    this.#pending = [];
    try {
      const get = this.api.get.bind(this.api) as <T>(path: string) => Promise<T>;
      const token = this.api.token;
      const own = <T>(path: string): Promise<T[]> => (token ? get<T[]>(path) : Promise.resolve([]));
      const [state, warnings, situations, calls, deliveries, signals, blindness] = await Promise.all([
        get<State>('/v1/state'), get<Warning[]>('/v1/warnings'), own<Situation>('/v1/situations'),
        own<Call>('/v1/calls'), own<Delivery>('/v1/deliveries'), get<Signal[]>('/v1/signals'),
        token ? get<Blindness>('/v1/blindness') : null,
      ]);
      // Somebody came or went meanwhile: theirs is another load.
      if (token !== this.api.token) return;
      this.state = state;
      this.#hearTime(state.time);
      this.lists = {
        warnings: keyed(warnings, (w) => w.id), situations: keyed(situations, situationKey), calls: keyed(calls, callKey),
        deliveries: keyed(deliveries, deliveryKey), signals: keyed(signals, signalKey),
        blind: keyed((blindness?.hazards ?? []).flatMap((h) => h.areas).filter((b) => b.alarm), blindKey),
      };
      this.connection = 'live';
      this.attempts = 0;
      this.ready = true;
      this.loads += 1;
      // Places change seldom and weigh the most: they come after what is urgent.
      const [areas, stations, sites] = await Promise.all([
        this.areas ? Promise.resolve(this.areas) : get<Areas>('/v1/areas'), get<Station[]>('/v1/stations'), own<Site>('/v1/sites'),
      ]);
      if (this.areas !== areas) {
        this.areas = areas;
        this.places = new Places(areas);
      }
      this.stations = stations;
      if (token === this.api.token) this.sites = sites;
    } catch {
      this.#lose();
    } finally {
      this.#loading = false;
      if (this.#again) {
        this.#again = false;
        void this.#load();
      }
    }
  }

  /** What a role is called here, else by the screen's own words. */
  role(code: string | null | undefined): string {
    const named = this.state?.roles[code ?? ''];
    return named?.[this.lang] || named?.zh || codeName(code, this.lang);
  }

  /** Record time as text in the city's offset. */
  nowText(): string {
    return Number.isFinite(this.now) && this.timeText ? textLike(this.timeText, this.now) : '';
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

/** A token behind the address (`#token=…`), which is never sent to the server; it leaves the address at once. */
function addressed(): string {
  const found = location.hash.match(/^#token=([^&]+)/);
  if (!found) return '';
  history.replaceState(null, '', location.pathname + location.search);
  return decodeURIComponent(found[1] ?? '');
}

function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`sanfang.${key}`);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`sanfang.${key}`, value);
  } catch {
    // Storage may be forbidden; the choice then holds until the page is left.
  }
}

function session(key: string, value?: string): string {
  try {
    if (value !== undefined) sessionStorage.setItem(`sanfang.${key}`, value);
    return sessionStorage.getItem(`sanfang.${key}`) ?? '';
  } catch {
    return '';
  }
}

export const store = new Store();
export const t = store.t;
