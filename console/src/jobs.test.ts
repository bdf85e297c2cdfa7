import { describe, expect, it } from 'vitest';
import { acts, isForm, isJob, lasts, needsYou, targetOf, type JobRow } from './jobs';
import type { Delivery, Job } from './types';

const counts = { waiting: 0, accepted: 0, delivered: 0, failed: 0, unknown: 0, expired: 0, withdrawn: 0 };
const job = (state: string): Job => ({ state, objections: [], heads: 0, areas: {}, list: 'resident', last_phone_s: 0, counts, by_district: {} });
const row = (state: string, finished: string | null = null): JobRow => ({
  warning: 'a', revision: 1, intent: 'i', channel: 'area', link: 'area/cmcc', purpose: 'alert', tier: 'red', planned: 0, sent: 0, accepted: 0,
  delivered: 0, failed: 0, unknown: 0, expired: 0, withdrawn: 0, started: null, finished, rate_per_s: 0, job: job(state),
});

describe('area jobs', () => {
  it('are told from other deliveries', () => {
    const { job: _, ...plain } = row('held');
    expect(isJob(row('held'))).toBe(true);
    expect(isJob(plain as Delivery)).toBe(false);
  });

  it('wait for somebody where they are held or refused, and not once they are over', () => {
    expect(['held', 'refused', 'rejected', 'running', 'paused', 'done', 'unreachable', 'submitted'].filter((state) => needsYou(row(state)))).toEqual(['held', 'refused', 'rejected']);
    expect(needsYou(row('refused', '2026-05-08T16:20:00+08:00'))).toBe(false);
  });

  it('offer what makes sense and nothing else', () => {
    expect(acts(job('held'))).toEqual(['release']);
    expect(acts(job('running'))).toEqual(['pause', 'kill']);
    expect(acts(job('paused'))).toEqual(['resume', 'kill']);
    expect(acts(job('submitted'))).toEqual(['kill']);
    for (const state of ['read', 'done', 'killed', 'expired', 'refused', 'unreachable']) expect(acts(job(state))).toEqual([]);
  });

  it('are named by their target, and timed as people say it', () => {
    expect(targetOf('area/cmcc')).toBe('cmcc');
    expect(targetOf('sms')).toBe('sms');
    expect(isForm({ ...row('submitted'), link: 'cap/province' })).toBe(true);
    expect(isForm(row('held'))).toBe(false);
    expect([0, 45, 60, 61, 3599, 3600, 7_500].map(lasts)).toEqual(['0 s', '45 s', '1 min', '2 min', '1 h 00', '1 h 00', '2 h 05']);
  });
});
