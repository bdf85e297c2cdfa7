//! Tables as RFC 4180 text with line feeds.

/** Rows (objects) as text with a header line; quotes only where a comma, quote or line end asks for them. */
export function csv(columns, rows) {
  const cell = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const lines = rows.map((row) => columns.map((column) => cell(String(row[column] ?? ''))).join(','));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}

/** `G` and 17 in five digits give `G00017`. */
export function numbered(letter, number, digits) {
  return letter + String(number).padStart(digits, '0');
}
