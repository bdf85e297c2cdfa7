//! The part of TOML that rulebooks and city files use, read into plain objects.

/** Reads TOML text; an error names `file` and the line. */
export function parseToml(text, file) {
  const root = {};
  let table = root;
  const reader = new Reader(text, file);
  for (;;) {
    reader.skipLines();
    if (reader.done()) return root;
    if (reader.take('[[')) {
      const path = reader.key();
      reader.expect(']]');
      const name = path.pop();
      const holder = path.reduce((at, part) => step(at, part), root);
      holder[name] ??= [];
      holder[name].push((table = {}));
    } else if (reader.take('[')) {
      const path = reader.key();
      reader.expect(']');
      table = path.reduce((at, part) => step(at, part), root);
    } else {
      reader.pair(table);
    }
    reader.endLine();
  }
}

function step(at, part) {
  at[part] ??= {};
  return Array.isArray(at[part]) ? at[part].at(-1) : at[part];
}

class Reader {
  #text;
  #file;
  #at = 0;

  constructor(text, file) {
    this.#text = text;
    this.#file = file;
  }

  done() {
    return this.#at >= this.#text.length;
  }

  skipLines() {
    this.#match(/(?:[ \t\r\n]+|#[^\n]*)*/y);
  }

  endLine() {
    if (!this.#match(/[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/y)) this.#fail('a line end');
  }

  take(word) {
    this.#match(/[ \t]*/y);
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  expect(word) {
    if (!this.take(word)) this.#fail(word);
  }

  key() {
    const parts = [];
    do {
      this.#match(/[ \t]*/y);
      const bare = this.#match(/[A-Za-z0-9_-]+/y);
      parts.push(bare ? bare[0] : this.#string());
    } while (this.take('.'));
    return parts;
  }

  pair(table) {
    const path = this.key();
    this.expect('=');
    const name = path.pop();
    path.reduce((at, part) => step(at, part), table)[name] = this.#value();
  }

  #value() {
    this.#match(/[ \t]*/y);
    const next = this.#text[this.#at];
    if (next === '"' || next === "'") return this.#string();
    if (next === '{') return this.#inline();
    if (next === '[') return this.#list();
    const word = this.#match(/[^\s,\]}#]+/y)?.[0];
    if (word === 'true' || word === 'false') return word === 'true';
    const number = Number((word ?? '').replaceAll('_', ''));
    if (word === undefined || Number.isNaN(number)) this.#fail('a value');
    return number;
  }

  #string() {
    const found = this.#match(/"""\n?([\s\S]*?)"""|'''\n?([\s\S]*?)'''|"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'/y);
    if (!found) this.#fail('a string');
    const escaped = found[1] ?? found[3];
    return escaped === undefined ? (found[2] ?? found[4]) : escaped.replace(/\\(u[0-9a-fA-F]{4}|\n\s*|.)/g, (_, mark) => {
      if (mark[0] === 'u') return String.fromCharCode(Number.parseInt(mark.slice(1), 16));
      return mark[0] === '\n' ? '' : ({ n: '\n', t: '\t', r: '\r' }[mark] ?? mark);
    });
  }

  #inline() {
    const table = {};
    this.expect('{');
    if (this.take('}')) return table;
    do this.pair(table); while (this.take(','));
    this.expect('}');
    return table;
  }

  #list() {
    const list = [];
    this.expect('[');
    for (;;) {
      this.skipLines();
      if (this.take(']')) return list;
      list.push(this.#value());
      this.skipLines();
      if (!this.take(',')) {
        this.expect(']');
        return list;
      }
    }
  }

  #match(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  #fail(wanted) {
    const line = this.#text.slice(0, this.#at).split('\n').length;
    throw new Error(`${this.#file}:${line}: expected ${wanted}, found ${JSON.stringify(this.#text.slice(this.#at, this.#at + 20))}`);
  }
}
