// Area jobs: which wait for somebody, what may be done with each, and how long a send takes.

import type { Delivery, Job } from './types';

/** A delivery that is an area job. */
export type JobRow = Delivery & { job: Job; intent: string };

/** What a person may do with a job. */
export type JobAct = 'release' | 'pause' | 'resume' | 'kill';

export const isJob = (row: Delivery): row is JobRow => row.job !== undefined && row.intent !== undefined;

/** True where nothing goes on until somebody looks. */
export const needsYou = (row: JobRow): boolean => ['held', 'refused', 'rejected'].includes(row.job.state) && !row.finished;

/** What makes sense at this state. */
export function acts(job: Job): JobAct[] {
  switch (job.state) {
    case 'held': return ['release'];
    case 'submitted': case 'checked': return ['kill'];
    case 'running': return ['pause', 'kill'];
    case 'paused': return ['resume', 'kill'];
    default: return [];
  }
}

/** `area/cmcc` is told as cmcc. */
export const targetOf = (link: string): string => link.split('/').slice(1).join('/') || link;

/** True for a form at a release platform, which has people of its own. */
export const isForm = (row: JobRow): boolean => row.link.startsWith('cap/');

/** Seconds as a person reads them: 45 s, 12 min, 2 h 05. */
export function lasts(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')}`;
}
