//! Observation lines: their text, and a file that takes them a minute at a time.

import { closeSync, openSync, writeSync } from 'node:fs';

/** Milliseconds since the epoch as RFC 3339 at +08:00. */
export function localTime(millis) {
  return `${new Date(millis + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`;
}

/** One observation; `value` is its text. `extra` is more members as text, such as `,"unit":"mm"`. */
export function observation(station, parameter, time, value, extra = '') {
  return `{"station":"${station}","parameter":"${parameter}","time":"${time}","value":${value}${extra}}\n`;
}

/** Tenths as decimal text: 12 gives `1.2`. */
export function tenths(count) {
  const size = Math.abs(count);
  return `${count < 0 ? '-' : ''}${Math.floor(size / 10)}.${size % 10}`;
}

/** A file written in large pieces. */
export class LineFile {
  #file;
  lines = 0;
  bytes = 0;

  constructor(path) {
    this.#file = openSync(path, 'w');
  }

  /** Writes lines that each end with a line feed. */
  write(lines) {
    if (lines.length === 0) return;
    const piece = Buffer.from(lines.join(''));
    let from = 0;
    while (from < piece.length) from += writeSync(this.#file, piece, from);
    this.lines += lines.length;
    this.bytes += piece.length;
  }

  close() {
    closeSync(this.#file);
  }
}
