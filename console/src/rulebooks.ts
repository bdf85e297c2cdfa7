// Names of the files of a rulebook, out of wherever a person keeps them.

/**
 * The name under which the server takes a file: `NAME.toml`, or `tests/NAME.test.toml` for a test,
 * whatever folders lie before it; nothing for what is no part of a rulebook.
 */
export function rulebookName(path: string): string | null {
  const name = path.split('/').at(-1) ?? '';
  if (!name.endsWith('.toml') || name.startsWith('.')) return null;
  return name.endsWith('.test.toml') ? `tests/${name}` : name;
}
