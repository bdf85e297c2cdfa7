// Times: what a clock shows, how long ago, how long still; and record time carried on between events.

import type { Lang } from './types';

export function seconds(time: string | null | undefined): number {
  return time ? Date.parse(time) / 1000 : Number.NaN;
}

/** `03:04` or `03:04:05` as the text itself says it: the city's own offset, never the browser's. */
export function clock(time: string | null | undefined, withSeconds = false): string {
  const found = time?.match(/T(\d\d:\d\d)(:\d\d)?/);
  if (!found) return '--:--';
  return withSeconds ? `${found[1]}${found[2] ?? ':00'}` : (found[1] ?? '--:--');
}

/** `7 Sep` or `9月7日`. */
export function day(time: string | null | undefined, lang: Lang): string {
  const found = time?.match(/^(\d{4})-(\d\d)-(\d\d)T/);
  if (!found) return '';
  const month = Number(found[2]);
  const date = Number(found[3]);
  if (lang === 'zh') return `${month}月${date}日`;
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  return `${date} ${months[month - 1] ?? ''}`;
}

/** The clock alone on the day of `now`, else with its day. */
export function near(time: string | null | undefined, now: string, lang: Lang): string {
  return time && time.slice(0, 10) === now.slice(0, 10) ? clock(time) : `${day(time, lang)} ${clock(time)}`.trim();
}

/** `mm:ss`, from an hour on `h:mm:ss`; negative spans are zero. */
export function span(total: number): string {
  if (!Number.isFinite(total)) return '--:--';
  const whole = Math.max(0, Math.floor(total));
  const two = (n: number) => String(n).padStart(2, '0');
  const h = Math.floor(whole / 3600);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return h > 0 ? `${h}:${rest}` : rest;
}

/** A rough age in words: `2 h 10 min`, `45 min`, `20 s`. */
export function age(total: number, lang: Lang): string {
  if (!Number.isFinite(total)) return '–';
  const whole = Math.max(0, Math.floor(total));
  const [d, h, m, s] = lang === 'zh' ? [' 天', ' 小时', ' 分', ' 秒'] : [' d', ' h', ' min', ' s'];
  if (whole >= 86400) return `${Math.floor(whole / 86400)}${d} ${Math.floor((whole % 86400) / 3600)}${h}`;
  if (whole >= 3600) return `${Math.floor(whole / 3600)}${h} ${Math.floor((whole % 3600) / 60)}${m}`;
  return whole >= 60 ? `${Math.floor(whole / 60)}${m}` : `${whole}${s}`;
}

/** An instant as text in the offset of `like`; nothing while the time is not known. */
export function textLike(like: string, instant: number): string {
  if (!Number.isFinite(instant)) return '';
  const zone = like.match(/(Z|[+-]\d\d:\d\d)$/)?.[1] ?? 'Z';
  const sign = zone.startsWith('-') ? -1 : 1;
  const minutes = zone === 'Z' ? 0 : sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)));
  const shifted = new Date((Math.floor(instant) + minutes * 60) * 1000);
  return shifted.toISOString().replace(/\.\d+Z$/, zone);
}

/** Record time moves by a tick a minute when nothing else comes: so long it is carried on. */
const CARRY_MAX_S = 65;
const SPEED_MAX = 3600;

/**
 * Record time between the server's words. The speed is measured, since a demo runs faster than life;
 * past `CARRY_MAX_S` of record time without a word the clock stands.
 */
export class RecordClock {
  #record = Number.NaN;
  #wall = 0;
  #anchor: { record: number; wall: number } | null = null;
  speed = 1;

  /** The server said `record` (seconds) when the wall clock was `wall` (seconds). */
  hear(record: number, wall: number): void {
    if (!Number.isFinite(record)) return;
    if (record < this.#record) this.#anchor = null;
    this.#record = record;
    this.#wall = wall;
    this.#anchor ??= { record, wall };
    const passed = wall - this.#anchor.wall;
    if (passed >= 3) {
      const speed = (record - this.#anchor.record) / passed;
      this.speed = speed > 0.4 && speed < 2.5 ? 1 : Math.min(SPEED_MAX, Math.max(0, speed));
      this.#anchor = { record, wall };
    }
  }

  now(wall: number): number {
    const carried = Math.max(0, wall - this.#wall) * this.speed;
    return this.#record + Math.min(CARRY_MAX_S, carried);
  }
}

/** A time as a field for date and time takes it, in its own offset. */
export const localInput = (time: string): string => time.slice(0, 16);

/** What such a field gives, in the offset of `like`. */
export const withOffset = (local: string, like: string): string => `${local.length === 16 ? `${local}:00` : local}${like.match(/(Z|[+-]\d\d:\d\d)$/)?.[1] ?? 'Z'}`;
