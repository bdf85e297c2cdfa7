// Calls to the server; every failure is a `Refused` with words a person can act on.

import { eventReader } from './sse';
import type { Acted, Fault, Findings, Problem } from './types';

export class Refused extends Error {
  readonly status: number;
  readonly title: string;
  /** Of an act over zones: why each did not follow. */
  readonly zones: Acted['zones'];
  /** Of files: what is wrong with them. */
  readonly faults: Fault[];
  /** Of words that were objected to: what, by language. */
  readonly findings: Findings | undefined;
  constructor(status: number, title: string, detail: string, { zones = [], faults = [], findings }: Partial<Pick<Problem, 'zones' | 'faults' | 'findings'>> = {}) {
    super(detail);
    this.status = status;
    this.title = title;
    this.zones = zones;
    this.faults = faults;
    this.findings = findings;
  }
}

const TIMEOUT_MS = 15_000;

/** The world of exercises has the same screen and the same API below this. */
export const WORLD = globalThis.location?.pathname.startsWith('/exercise') ? '/exercise' : '';

export class Api {
  token = '';

  get<T>(path: string): Promise<T> {
    return this.#call<T>('GET', path);
  }

  /** What is to be read as it stands. */
  text(path: string): Promise<string> {
    return this.#ask('GET', path);
  }

  post<T = void>(path: string, body: unknown): Promise<T> {
    return this.#call<T>('POST', path, body);
  }

  /** Follows a stream of events until it ends, which ends the promise; `opened` once it is there. */
  async follow(path: string, signal: AbortSignal, opened: () => void, heard: (name: string, data: string) => void): Promise<void> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const response = await fetch(WORLD + path, { headers, signal, cache: 'no-store' });
    if (!response.ok || !response.body) throw refusal(response.status, await response.text());
    opened();
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const take = eventReader(heard);
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return;
      take(value);
    }
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const text = await this.#ask(method, path, body);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  async #ask(method: string, path: string, body?: unknown): Promise<string> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    let response: Response;
    try {
      response = await fetch(WORLD + path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        cache: 'no-store',
      });
    } catch (error) {
      throw new Refused(0, 'unreachable', error instanceof Error ? error.message : String(error));
    }
    const text = await response.text();
    if (!response.ok) throw refusal(response.status, text);
    return text;
  }
}

function refusal(status: number, text: string): Refused {
  try {
    const problem = JSON.parse(text) as Partial<Problem>;
    return new Refused(status, problem.title ?? '', problem.detail ?? problem.title ?? text, problem);
  } catch {
    return new Refused(status, `HTTP ${status}`, text.slice(0, 300));
  }
}
