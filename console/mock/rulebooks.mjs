// The mock's rulebooks: one in force, one put forward and tried, one to go back to. Files are looked at only as far as a screen needs it.

import { createHash } from 'node:crypto';

const TRIAL_MS = 2500;

export class Rulebooks {
  constructor(world) {
    this.world = world;
    const at = (hours) => world.text(world.time - hours * 3600);
    const [present, before, next] = ['guangdong-2019', 'guangdong-2018', 'guangdong-2019-1h-38mm'].map((version) => this.#blank(version));
    Object.assign(present, { state: 'in_force', tests: 24 });
    Object.assign(before, { state: 'former', by: 'li', at: at(900), note: '2018 版阈值', tests: 19, signed: [{ person: 'li', at: at(899) }, { person: 'wang', at: at(898) }], ended: at(300) });
    Object.assign(next, { state: 'candidate', by: 'wang', at: at(1), note: '1 小时橙色由 40 改为 38 毫米', against: present.hash, tests: 24, notices: ['rainstorm.toml:31: [rule.tier] orange: 38 mm is design-default'], trial: this.#tried() });
    this.all = [next, present, before];
  }

  #blank(version) {
    const hash = createHash('sha256').update(version).digest('hex');
    return { hash, version, state: 'former', by: null, at: null, note: '', against: null, tests: 0, notices: [], signed: [], missing: 0, ended: null };
  }

  /** What a dry run found: some earlier, one gained, one lost. */
  #tried() {
    const { world } = this;
    const townships = [...world.areas.values()].filter((p) => p.level === 'township').slice(0, 9).map((p) => p.code);
    const at = (minutes) => world.text(world.time - 5 * 3600 + minutes * 60);
    const differences = townships.map((area, n) => {
      const kind = n === 7 ? 'lost' : n === 8 ? 'later' : n > 4 ? 'gained' : 'earlier';
      const [old, fresh] = [kind === 'gained' ? null : at(20 + 9 * n), kind === 'lost' ? null : at(8 + 9 * n + (kind === 'later' ? 26 : 0))];
      const later_min = old && fresh ? (Date.parse(fresh) - Date.parse(old)) / 60_000 : null;
      return { hazard: '11B03', area, tier: n % 3 === 0 ? 'orange' : 'yellow', kind, old, new: fresh, later_min };
    });
    const counts = {};
    for (const d of differences) (counts[d.tier] ??= {})[d.kind] = (counts[d.tier][d.kind] ?? 0) + 1;
    const compared = (old, fresh) => ({ old, new: fresh, more: fresh - old });
    return {
      state: 'done', from: world.text(world.time - 72 * 3600), to: world.text(world.time), readings: 1_842_200, heard: { forecasts: 264, signals: 7, silences: 1 }, unheld: [], unheard: [], counts,
      people: compared(812_400, 904_100), people_night: compared(301_200, 371_900), rings: compared(1_203_000, 1_422_300), rings_night: compared(420_400, 533_000), differences,
    };
  }

  list() {
    return this.all.map((r) => {
      this.#age(r);
      const missing = r.state === 'candidate' ? Math.max(0, 2 - r.signed.length) : 0;
      const seen = r.state === 'candidate' ? { seen: createHash('sha256').update(JSON.stringify([r.hash, r.against, r.trial.state])).digest('hex').slice(0, 16) } : {};
      const { began, ...shown } = r;
      return { ...shown, ...seen, missing };
    });
  }

  #age(r) {
    if (r.trial?.state !== 'running') return;
    const done = (Date.now() - r.began) / TRIAL_MS;
    r.trial = done >= 1 ? this.#tried() : { ...r.trial, progress: Math.floor(done * 1000) };
  }

  find(hash) {
    const found = this.list().find((r) => r.hash === hash);
    if (!found) throw refuse(404, 'Not found', `no rulebook ${hash}; see /v1/rulebooks`);
    return found;
  }

  put(body, person) {
    const present = this.all.find((r) => r.state === 'in_force');
    let book;
    if (body.hash) {
      book = this.all.find((r) => r.hash === body.hash);
      if (!book) throw refuse(404, 'Not found', `no rulebook ${body.hash}; see /v1/rulebooks`);
    } else {
      const faults = Object.entries(body.files ?? {}).flatMap(([file, text]) => faultsOf(file, text));
      if (faults.length > 0) throw Object.assign(refuse(422, 'Not usable', faults.map((f) => `${f.file}:${f.line}: ${f.what}`).join('; ')), { faults });
      book = this.#blank(JSON.stringify(body.files));
      book.version = `${present.version}-${book.hash.slice(0, 6)}`;
      const known = this.all.find((r) => r.hash === book.hash);
      if (known) book = known;
      else this.all.unshift(book);
    }
    if (book === present) throw refuse(409, 'Changed since you saw it', 'this rulebook is in force already');
    const nothing = { old: 0, new: 0, more: 0 };
    Object.assign(book, {
      state: 'candidate', by: person, at: this.world.text(this.world.time), note: body.note ?? '', against: present.hash, tests: 24, signed: [], ended: null, began: Date.now(),
      trial: { state: 'running', progress: 0, from: null, to: null, readings: 0, heard: { forecasts: 0, signals: 0, silences: 0 }, unheld: [], unheard: [], counts: {}, people: nothing, people_night: nothing, rings: nothing, rings_night: nothing, differences: [] },
    });
    return this.find(book.hash);
  }

  approve(hash, seen, person) {
    const shown = this.find(hash);
    const book = this.all.find((r) => r.hash === hash);
    if (shown.state !== 'candidate' || shown.seen !== seen) throw refuse(409, 'Changed since you saw it', 'what was seen is not what stands: look again');
    if (shown.trial.state === 'running') throw refuse(409, 'Changed since you saw it', 'its dry run is under way: wait for it, or cancel it');
    if (book.signed.some((s) => s.person === person)) throw refuse(409, 'Changed since you saw it', `${person} has signed already: another person must sign`);
    book.signed.push({ person, at: this.world.text(this.world.time) });
    if (book.signed.length >= 2) {
      for (const other of this.all) {
        if (other.state === 'in_force') Object.assign(other, { state: 'former', ended: this.world.text(this.world.time), against: null, trial: undefined });
        else if (other.state === 'candidate') other.state = 'outdated';
      }
      book.state = 'in_force';
    }
    return this.find(hash);
  }

  cancel(hash) {
    const book = this.all.find((r) => r.hash === hash);
    if (book?.trial?.state !== 'running') throw refuse(409, 'Changed since you saw it', 'no dry run of it is under way in this process');
    book.trial = { ...this.#tried(), state: 'cancelled' };
  }
}

/** A word that no rulebook has where its tiers stand: enough for a screen to show a fault. */
function faultsOf(file, text) {
  return text.split('\n').flatMap((line, n) => {
    const column = line.indexOf('rainfal.');
    if (column < 0) return [];
    const excerpt = `${line}\n${' '.repeat(column)}${'^'.repeat('rainfal'.length)}`;
    return [{ file, line: n + 1, column: column + 1, field: 'when', what: 'no parameter "rainfal"', remedy: 'did you mean rainfall?', excerpt }];
  });
}

const refuse = (status, title, detail) => Object.assign(new Error(detail), { status, title });
