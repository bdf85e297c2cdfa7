// Exercises: read by the clock while somebody is signed in, so that one that plays is on every page.

import { store } from './store.svelte';
import type { Exercises } from './types.drills';

const READ_MS = 10_000;

class Drills {
  all = $state.raw<Exercises | null>(null);

  get running(): Exercises['exercises'] {
    return this.all?.exercises.filter((e) => e.state === 'running') ?? [];
  }

  async read(): Promise<void> {
    if (!store.me || document.hidden) return;
    try {
      this.all = await store.api.get<Exercises>('/v1/exercises');
    } catch {
      // What cannot be read is not shown as if it were nothing.
      this.all = null;
    }
  }

  /** Reads now and by the clock. */
  watch(): () => void {
    void this.read();
    const every = setInterval(() => void this.read(), READ_MS);
    return () => clearInterval(every);
  }
}

export const drills = new Drills();
