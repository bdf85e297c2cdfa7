// The browser, the service under it, and the words that the cases are written in.

import { existsSync, mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const CHROMIUM = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const WAIT_MS = Number(process.env.WAIT_MS ?? 60_000);
/** Errors that a case brings about: refusals, and a network that is gone. */
const EXPECTED = /status of (400|401|403|404|409|422)|ERR_(FAILED|INCOMPLETE|CONNECTION|EMPTY)/;
const shots = process.env.SHOTS;
const only = process.env.ONLY;

if (!CHROMIUM) {
  console.log('SKIPPED: no Chromium found; install it or name it in CHROMIUM');
  process.exit(process.env.CI ? 1 : 0);
}

const mock = process.env.BASE_URL ? null : await (await import('../mock/server.mjs')).start({ speed: 1 });
export const isMock = mock !== null;
export const base = process.env.BASE_URL ?? mock.url;
export const token = process.env.TOKEN ?? 'li';
export const second = process.env.TOKEN2 ?? 'wang';

/** The wire between browser and service, which can be cut: connections that carry a stream. */
const streams = new Set();
const wire = createServer((near) => {
  const { hostname, port } = new URL(base);
  const far = connect(Number(port), hostname);
  near.on('data', (bytes) => { if (bytes.includes('GET /v1/stream')) streams.add(near); });
  for (const [one, two] of [[near, far], [far, near]]) {
    one.pipe(two);
    one.on('error', () => two.destroy());
    one.on('close', () => { streams.delete(near); two.destroy(); });
  }
});
await new Promise((resolve) => wire.listen(0, '127.0.0.1', resolve));
const screen = `http://127.0.0.1:${wire.address().port}`;
const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
const faults = [];
const began = Date.now();
let failed = 0;

export const id = (name) => `[data-testid=${name}]`;

/** As where a browser has no WebGL: the console says so and goes on without a map. */
function mapless() {
  const get = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function context(kind, ...more) { return kind.startsWith('webgl') ? null : get.call(this, kind, ...more); };
}

/** One case on a page of its own: `signed` opens it as the demo's link does. Drawn by software a map takes most of the time: it is there where a case is about it. */
export async function test(name, { signed, map, ...options }, body) {
  if (only && !name.includes(only)) return;
  const started = Date.now();
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'zh-CN', ...options });
  context.setDefaultTimeout(WAIT_MS);
  if (!map) await context.addInitScript(mapless);
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(`${name}: ${error.message}`));
  // The map's worker and its data stand in no console otherwise: an error of theirs is a fault here.
  page.on('console', (message) => { if (message.type() === 'error' && !EXPECTED.test(message.text())) faults.push(`${name}: ${message.text()}`); });
  try {
    await page.goto(signed ? `${screen}/#token=${token}` : screen);
    if (signed) await page.waitForSelector(id('me'));
    await page.waitForSelector('[data-testid=connection].live');
    await body(page, context);
    console.log(`ok      ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.stack}`);
    console.log((await page.locator('dialog[open]').allInnerTexts().catch(() => [])).join('\n'));
  } finally {
    if (shots) {
      mkdirSync(shots, { recursive: true });
      await page.screenshot({ path: join(shots, `${name.replaceAll(/\W+/g, '-')}.png`) }).catch(() => undefined);
    }
    await context.close();
  }
}

/** Says how it went and ends the process. */
export async function finish() {
  await browser.close();
  wire.close();
  await mock?.stop();
  if (faults.length > 0) {
    failed += 1;
    console.log(`FAILED  no errors in the page\n${[...new Set(faults)].slice(0, 10).join('\n')}`);
  }
  const where = isMock ? 'the mock' : 'a real server';
  console.log(`console against ${where}: ${failed === 0 ? 'passed' : `${failed} failed`} in ${((Date.now() - began) / 1000).toFixed(0)} s`);
  process.exit(failed === 0 ? 0 : 1);
}

export async function until(what, check) {
  const end = Date.now() + WAIT_MS;
  while (Date.now() < end) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${WAIT_MS} ms in vain for ${what}`);
}

export async function signIn(page, secret = token) {
  await page.click(id('sign-in'));
  await page.fill(id('token'), secret);
  await page.click(id('token-send'));
  await page.waitForSelector(id('me'));
}

/** A second person at a screen of their own. */
export async function another(context, secret = second) {
  const other = await context.browser().newContext({ viewport: { width: 1280, height: 800 } });
  await other.addInitScript(mapless);
  const page = await other.newPage();
  page.setDefaultTimeout(WAIT_MS);
  await page.goto(screen);
  await signIn(page, secret);
  return page;
}

const headers = (secret) => ({ authorization: `Bearer ${secret}` });

export const list = async (path, secret = token) => (await fetch(base + path, { headers: headers(secret) })).json();
export const me = await list('/v1/me');
export const warningOf = async (wanted) => (await list('/v1/warnings')).find((w) => w.id === wanted);

/** Asks the service for an act, past the screen. */
export async function post(path, body, secret = token) {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(base + path, { method: 'POST', headers: { ...headers(secret), 'content-type': 'application/json' }, body: sent });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** Adds a township at the warning's own tier, so that what a signer has seen is no longer what is. */
export async function change(wanted) {
  const w = await warningOf(wanted);
  const townships = (await list('/v1/areas')).features.map((f) => f.properties).filter((p) => p.level === 'township' && p.parent === w.zone);
  const standing = Object.fromEntries(Object.entries(w.areas).map(([code, area]) => [code, area.tier]));
  const more = townships.find((p) => (standing[p.code] ?? 'none') === 'none');
  await post(`/v1/warnings/${w.id}/amend`, { revision: w.revision, areas: { ...standing, [more.code]: w.tier }, reason: '巡查发现' }, second);
}

/** Takes the stream away and keeps it away until `mend`. */
export async function cut(page) {
  await page.route('**/v1/stream', (route) => route.abort());
  for (const stream of streams) stream.destroy();
  await page.waitForSelector('[data-testid=connection].lost');
}

export async function mend(page) {
  await page.unroute('**/v1/stream');
  await page.waitForSelector('[data-testid=connection].live');
}

/** Signs in the open dialog; in a storm that moves on, each change is looked at first. */
export async function confirm(page, press, done) {
  await page.waitForSelector(`${id('confirm-sign')}, ${id('look')}`);
  await until('a signature', async () => {
    if (await done()) return true;
    if (await page.locator(id('look')).isVisible()) await page.click(id('look'));
    else if (await page.locator(id('confirm-sign')).isEnabled({ timeout: 500 }).catch(() => false)) await press();
    return false;
  });
}

/** A warning that waits for signatures and is on the screen; what rests on suspect values is for the case about those. */
export async function waitingCard(page, fits = () => true) {
  let found;
  await until('a proposal that waits', async () => {
    const all = await list('/v1/warnings');
    found = all.find((w) => w.event === 'proposed' && !w.past && !w.unconfirmed && w.needs > w.signed_by.length && fits(w));
    return found;
  });
  await page.waitForSelector(`#queue [data-id="${found.id}"]`);
  return found;
}
