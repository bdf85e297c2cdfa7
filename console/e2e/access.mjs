// What a reader without a mouse or with weak eyes meets: controls without a name, words that do not stand out.

/** Faults of what is visible below `root`: unnamed controls, text with less contrast than WCAG AA asks for. */
export const accessFaults = (page, root) => page.evaluate((selector) => {
  const found = new Set();
  const within = document.querySelector(selector);
  const seen = (e) => { const box = e.getBoundingClientRect(); return box.width > 1 && box.height > 1 && getComputedStyle(e).visibility === 'visible' && !e.closest('.visually-hidden'); };
  for (const e of within.querySelectorAll('button, a[href], input, select, textarea')) {
    if (!seen(e)) continue;
    const name = e.getAttribute('aria-label') || e.innerText?.trim() || e.title || [...(e.labels ?? [])].map((l) => l.innerText.trim()).join('');
    if (!name) found.add(`no name: ${e.outerHTML.slice(0, 120)}`);
  }
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      const [, , , alpha = 1] = parts(colour);
      if (alpha === 1) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  for (const e of within.querySelectorAll('*')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !seen(e) || e.closest('button:disabled, option')) continue;
    const style = getComputedStyle(e);
    const [one, two] = [light(style.color), light(ground(e))];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < needed) found.add(`contrast ${ratio.toFixed(1)} of "${e.textContent.trim().slice(0, 40)}" in ${e.tagName}.${e.className}`);
  }
  return [...found];
}, root);
