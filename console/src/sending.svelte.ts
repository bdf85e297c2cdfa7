// One act on its way to the server, as each dialog has one: whether it is under way, and why it is not done.

import { store } from './store.svelte';

/** What a failure leads to: other words for it, or something done before the next try. */
type Failed = (error: unknown) => string | void | Promise<unknown>;

export class Sending {
  /** True until the server has answered and what follows from that is done. */
  busy = $state(false);
  /** Why it was not sent or not done; empty where nothing is wrong. */
  refused = $state('');

  /** True where nothing may be sent: something is under way, or wanting, of which the first of these words is said. */
  isHeld(...wanting: (string | false)[]): boolean {
    if (this.busy) return true;
    this.refused = wanting.find((words) => words) || '';
    return this.refused !== '';
  }

  /** Sends unless something is under way. A failure is told in the server's words or in those that `failed` gives for it. */
  async send(act: () => Promise<void>, failed?: Failed): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.refused = '';
    try {
      await act();
    } catch (error) {
      const followed = failed?.(error);
      this.refused = typeof followed === 'string' ? followed : store.why(error);
      await followed;
    } finally {
      this.busy = false;
    }
  }
}
