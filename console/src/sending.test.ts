import { describe, expect, it, vi } from 'vitest';
import { Refused } from './api';
import { Sending } from './sending.svelte';

// The store asks the browser for its language.
vi.hoisted(() => vi.stubGlobal('navigator', { language: 'en' }));

/** A promise, and what keeps and breaks it. */
function pending(): { promise: Promise<void>; keep: () => void; fail: (error: unknown) => void } {
  let keep: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    keep = resolve;
    fail = reject;
  });
  return { promise, keep, fail };
}

describe('an act on its way to the server', () => {
  it('is sent once however often it is asked for', async () => {
    const sending = new Sending();
    const { promise, keep } = pending();
    let sent = 0;
    const act = () => {
      sent += 1;
      return promise;
    };
    const first = sending.send(act);
    expect(sending.busy).toBe(true);
    await sending.send(act);
    expect(sending.isHeld()).toBe(true);
    expect(sent).toBe(1);
    keep();
    await first;
    expect([sending.busy, sending.refused]).toEqual([false, '']);
    await sending.send(act);
    expect(sent).toBe(2);
  });

  it('says why it failed and can be tried again', async () => {
    const sending = new Sending();
    await sending.send(() => Promise.reject(new Refused(409, 'Conflict', 'seen: it has changed')));
    expect([sending.busy, sending.refused]).toEqual([false, 'seen: it has changed']);
    await sending.send(() => Promise.reject('no words'));
    expect(sending.refused).toBe('no words');
    await sending.send(() => {
      throw new TypeError('thrown before it was sent');
    });
    expect([sending.busy, sending.refused]).toEqual([false, 'thrown before it was sent']);
    await sending.send(() => Promise.resolve());
    expect(sending.refused).toBe('');
  });

  it('is held by the first thing that is wanting', async () => {
    const sending = new Sending();
    expect(sending.isHeld(false, 'an area', 'a reason')).toBe(true);
    expect(sending.refused).toBe('an area');
    expect(sending.isHeld(false, '', false)).toBe(false);
    expect(sending.refused).toBe('');
    // What is under way is not spoken over.
    const { promise, keep } = pending();
    const first = sending.send(() => promise);
    expect(sending.isHeld('a reason')).toBe(true);
    expect(sending.refused).toBe('');
    keep();
    await first;
  });

  it('takes other words for a failure, or none', async () => {
    const sending = new Sending();
    const fails = () => Promise.reject(new Error('its own words'));
    await sending.send(fails, (error) => `not allowed: ${(error as Error).message}`);
    expect(sending.refused).toBe('not allowed: its own words');
    await sending.send(fails, () => '');
    expect(sending.refused).toBe('');
    await sending.send(fails, () => undefined);
    expect(sending.refused).toBe('its own words');
  });

  it('says at once why it failed and is busy until what follows is done', async () => {
    const sending = new Sending();
    const { promise, fail } = pending();
    const read = pending();
    const sent = sending.send(() => promise, () => read.promise);
    fail(new Error('it has changed'));
    await Promise.resolve();
    await Promise.resolve();
    expect([sending.busy, sending.refused]).toEqual([true, 'it has changed']);
    read.keep();
    await sent;
    expect(sending.busy).toBe(false);
  });
});
