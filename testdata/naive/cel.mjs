//! Conditions: the part of the Common Expression Language that rulebooks use, as a tree. `text` of a call is as written.

/** Reads a condition into a tree of `{kind, …}`; an error names `where` and the column. */
export function parseCondition(text, where) {
  const tokens = tokenise(text, where);
  let at = 0;
  const peek = () => tokens[at];
  const take = (word) => (peek().word === word ? tokens[at++] : null);
  const fail = (wanted) => {
    throw new Error(`${where}: expected ${wanted} at column ${peek().from + 1} of ${text}`);
  };
  const expect = (word) => take(word) ?? fail(word);
  const chain = (inner, words) => () => {
    let left = inner();
    for (;;) {
      const found = words.find((word) => peek().word === word);
      if (!found) return left;
      at += 1;
      left = { kind: 'binary', op: found, left, right: inner() };
    }
  };
  const primary = () => {
    const token = peek();
    if (take('(')) {
      const inside = either();
      expect(')');
      return inside;
    }
    if (take('!')) return { kind: 'not', inner: postfix() };
    if (take('-')) return { kind: 'negative', inner: postfix() };
    at += 1;
    if (token.number !== undefined) return { kind: 'number', value: token.number };
    if (token.string !== undefined) return { kind: 'string', value: token.string };
    if (token.name === 'true' || token.name === 'false') return { kind: 'boolean', value: token.name === 'true' };
    if (token.name !== undefined) return peek().word === '(' ? call(null, token.name, token.from) : { kind: 'name', name: token.name, from: token.from };
    at -= 1;
    return fail('a value');
  };
  const call = (target, name, from) => {
    expect('(');
    const args = [];
    if (!take(')')) {
      do args.push(either()); while (take(','));
      expect(')');
    }
    return { kind: 'call', target, name, args, from, text: text.slice(from, tokens[at - 1].to) };
  };
  const postfix = () => {
    const start = peek().from;
    let node = primary();
    while (take('.')) {
      const { name } = tokens[at++];
      if (name === undefined) fail('a name');
      node = peek().word === '(' ? call(node, name, start) : { kind: 'member', target: node, name, from: start };
    }
    return node;
  };
  const product = chain(postfix, ['*', '/', '%']);
  const sum = chain(product, ['+', '-']);
  const comparison = chain(sum, ['>=', '<=', '>', '<', '==', '!=']);
  const both = chain(comparison, ['&&']);
  const either = chain(both, ['||']);
  const tree = either();
  if (peek().word !== 'end') fail('the end');
  return tree;
}

/** Every node of a tree, the outer before the inner, left before right. */
export function* nodes(tree) {
  yield tree;
  for (const inner of [tree.target, tree.inner, tree.left, tree.right, ...(tree.args ?? [])]) if (inner) yield* nodes(inner);
}

function tokenise(text, where) {
  const pattern = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|"([^"]*)"|'([^']*)'|([A-Za-z_][A-Za-z0-9_]*)|(>=|<=|==|!=|&&|\|\||[-+*\/%()<>!.,]))/y;
  const tokens = [];
  while (text.slice(pattern.lastIndex).trim() !== '') {
    const start = pattern.lastIndex;
    const found = pattern.exec(text);
    if (!found) throw new Error(`${where}: cannot read ${text.slice(start, start + 10)} at column ${start + 1}`);
    const [whole, number, double, single, name, word] = found;
    const from = start + whole.length - whole.trimStart().length;
    tokens.push({ from, to: pattern.lastIndex, word, name, number: number === undefined ? undefined : Number(number), string: double ?? single });
  }
  tokens.push({ from: text.length, to: text.length, word: 'end' });
  return tokens;
}
