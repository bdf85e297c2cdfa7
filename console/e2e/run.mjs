// End to end in headless Chromium: `npm run e2e` against the mock, or with BASE_URL and TOKEN against a real server.
// What needs the mock's own levers is skipped, aloud, against a real server.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const CHROMIUM = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const WAIT_MS = Number(process.env.WAIT_MS ?? 60_000);
const shots = process.env.SHOTS;

if (!CHROMIUM) {
  console.log('SKIPPED: no Chromium found; install it or name it in CHROMIUM');
  process.exit(process.env.CI ? 1 : 0);
}

const real = process.env.BASE_URL;
const mock = real ? null : await (await import('../mock/server.mjs')).start({ speed: 1 });
const base = real ?? mock.url;
const token = process.env.TOKEN ?? 'li';
const second = process.env.TOKEN2 ?? (real ? '' : 'wang');
const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
const faults = [];
let failed = 0;
let skipped = 0;

class Skip extends Error {}

async function test(name, { signed, ...options }, body) {
  const context = await browser.newContext({ viewport: { width: 1920, height: 1080 }, locale: 'zh-CN', ...options });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(`${name}: ${error.message}`));
  // The map's worker and its data stand in no console otherwise: an error of theirs is a fault here.
  page.on('console', (message) => { if (message.type() === 'error' && !/status of (401|403|409)|ERR_(FAILED|INCOMPLETE|CONNECTION|EMPTY)/.test(message.text())) faults.push(`${name}: ${message.text()}`); });
  try {
    // The link of the demo signs in.
    await page.goto(signed ? `${base}/#token=${token}` : base);
    if (signed) await page.waitForSelector(id('me'));
    await page.waitForSelector('[data-testid=connection].live');
    await body(page, context);
    console.log(`ok      ${name}`);
  } catch (error) {
    if (error instanceof Skip) {
      skipped += 1;
      console.log(`SKIPPED ${name}: ${error.message}`);
    } else {
      failed += 1;
      console.log(`FAILED  ${name}\n${error.stack}`);
      console.log((await page.locator('dialog[open]').allInnerTexts().catch(() => [])).join('\n'));
    }
  } finally {
    if (shots) {
      mkdirSync(shots, { recursive: true });
      await page.screenshot({ path: join(shots, `${name.replaceAll(/\W+/g, '-')}.png`) }).catch(() => undefined);
    }
    await context.close();
  }
}

const id = (name) => `[data-testid=${name}]`;
const onlyMock = () => { if (!mock) throw new Skip('needs the levers of the mock'); };

async function signIn(page, secret = token) {
  await page.click(id('sign-in'));
  await page.fill(id('token'), secret);
  await page.click(id('token-send'));
  await page.waitForSelector(id('me'));
}

const list = async (path) => (await fetch(base + path, { headers: { authorization: `Bearer ${token}` } })).json();
const warningOf = async (wanted) => (await list('/v1/warnings')).find((w) => w.id === wanted);

async function until(what, check) {
  const end = Date.now() + WAIT_MS;
  while (Date.now() < end) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${WAIT_MS} ms in vain for ${what}`);
}

/** Signs in the open dialog; in a storm that moves on, each change is looked at first. */
async function confirm(page, press, done) {
  await page.waitForSelector(`${id('confirm-sign')}, ${id('look')}`);
  await until('a signature', async () => {
    if (await done()) return true;
    if (await page.locator(id('look')).isVisible()) await page.click(id('look'));
    else if (await page.locator(id('confirm-sign')).isEnabled({ timeout: 500 }).catch(() => false)) await press();
    return false;
  });
}

/** The id of a waiting warning that `who` has not signed, on the screen. */
async function waitingCard(page, fits = () => true) {
  let found;
  await until('a proposal that waits', async () => {
    const all = await list('/v1/warnings');
    found = all.find((w) => w.event === 'proposed' && !w.past && w.needs > w.signed_by.length && fits(w));
    return found;
  });
  await page.waitForSelector(`#queue [data-id="${found.id}"]`);
  return found;
}

await test('loads, lives and draws the map', {}, async (page) => {
  await page.waitForSelector(`${id('map')}[data-loaded=true]`);
  const state = await list('/v1/state');
  assert.match(await page.locator('h1').innerText(), new RegExp(state.city.name.zh.slice(0, 2)));
  assert.match(await page.locator(id('clock')).innerText(), /^\d\d:\d\d:\d\d$/);
  // Something other than the ground must be drawn: a dead worker leaves one colour.
  await until('areas on the map', async () => {
    const png = await page.locator('.maplibregl-canvas').screenshot();
    return png.length > 30_000;
  });
});

await test('shows everybody what was issued, and the rest to who signs in', {}, async (page) => {
  await until('a proposal', async () => (await list('/v1/warnings')).some((w) => w.event === 'proposed' && !w.past));
  await page.waitForSelector(id('public'));
  assert.equal(await page.locator(`#queue ${id('waiting')}`).count(), 0, 'a proposal is not for everybody');
  assert.equal(await page.locator('#calls .act').count(), 0, 'nor is a call');
  await signIn(page);
  await page.waitForSelector(`#queue ${id('waiting')}`);
  assert.equal(await page.locator(id('public')).count(), 0);
  await page.click(id('me'));
  await page.waitForSelector(id('public'));
  await until('the queue without proposals', async () => (await page.locator(`#queue ${id('waiting')}`).count()) === 0);
});

await test('shows a proposal with its evidence, texts and head-counts', { signed: true }, async (page) => {
  const w = await waitingCard(page);
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.waitForSelector(id('preview'));
  const detail = await page.locator(id('detail')).innerText();
  assert.ok(Object.values((await warningOf(w.id)).text).some((text) => detail.includes(text.slice(0, 12))), 'the text stands there');
  assert.doesNotMatch(page.url(), /token/, 'the token left the address');
});

await test('says so where those told already are counted too', { signed: true }, async (page) => {
  onlyMock();
  const w = await waitingCard(page);
  await fetch(`${base}/mock/busy?zone=${w.zone}`);
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.waitForSelector(id('everybody'));
  await fetch(`${base}/mock/busy`);
});

await test('the clock says who is asked and until when', { signed: true }, async (page) => {
  const w = await waitingCard(page);
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.waitForSelector(id('turn'));
  assert.match(await page.locator(id('clock-left')).innerText(), /^\d+:\d\d|已超时限/);
  assert.match(await page.locator(id('turn')).innerText(), /当班签发人|deputy-duty|chief/);
});

await test('refuses a wrong token in words', {}, async (page) => {
  await page.click(id('sign-in'));
  await page.fill(id('token'), 'wrong');
  await page.click(id('token-send'));
  await page.waitForSelector('dialog [role=alert]');
  assert.equal(await page.locator(id('me')).count(), 0);
});

await test('what changed since it was seen is shown and not signed', {}, async (page) => {
  onlyMock();
  // The other of the two signs here, so that the next test has something left to sign.
  await signIn(page, second);
  const w = await waitingCard(page, (x) => !x.relay && x.needs > 1);
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.click(id('sign'));
  await page.waitForSelector(id('confirm-sign'));
  await page.route('**/v1/stream', (route) => route.abort());
  await fetch(`${base}/mock/drop`);
  await fetch(`${base}/mock/raise?id=${w.id}`);
  // The stream is gone, so the old revision is sent and the server's 409 brings the change to light.
  await page.click(id('confirm-sign'));
  await page.waitForSelector(id('changes'));
  assert.ok((await page.locator(`${id('changes')} li`).count()) > 0);
  assert.equal((await warningOf(w.id)).signed_by.length, 0, 'nothing was signed');
  await page.click(id('look'));
  await page.click(id('confirm-sign'));
  await until('the signature on the new revision', async () => (await warningOf(w.id)).signed_by.includes('wang'));
});

await test('is signed by keyboard alone, and a second person releases it', {}, async (page, context) => {
  await page.locator(id('sign-in')).focus();
  await page.keyboard.press('Enter');
  await page.locator(id('token')).waitFor();
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await page.waitForSelector(id('me'));
  const me = await (await fetch(`${base}/v1/me`, { headers: { authorization: `Bearer ${token}` } })).json();
  const w = await waitingCard(page, (x) => !x.signed_by.includes(me.id) && !x.request_to);
  await page.keyboard.press('q');
  for (let n = 0; n < 60; n += 1) {
    await page.keyboard.press('ArrowDown');
    if ((await page.evaluate(() => document.activeElement?.dataset?.id)) === w.id) break;
  }
  assert.equal(await page.evaluate(() => document.activeElement?.dataset?.id), w.id, 'arrows reach the proposal');
  await page.keyboard.press('Enter');
  await page.waitForSelector(id('preview'));
  await page.keyboard.press('s');
  await page.waitForSelector(id('confirm-sign'));
  assert.equal(await page.evaluate(() => document.activeElement?.dataset?.testid), 'confirm-sign', 'Enter will sign');
  await confirm(page, () => page.keyboard.press('Enter'), async () => { const x = await warningOf(w.id); return x.event !== 'proposed' || x.signed_by.includes(me.id); });
  if ((await warningOf(w.id)).event === 'proposed') {
    if (!second) throw new Skip('the second signature needs TOKEN2');
    const other = await context.browser().newContext({ viewport: { width: 1920, height: 1080 } });
    const theirs = await other.newPage();
    await theirs.goto(base);
    await signIn(theirs, second);
    await theirs.click(`#queue [data-id="${w.id}"]`);
    await theirs.click(id('sign'));
    await confirm(theirs, () => theirs.click(id('confirm-sign')), async () => (await warningOf(w.id)).event !== 'proposed');
    await other.close();
  }
  // The first screen hears of it without being touched, and sees who was reached.
  await until('deliveries', async () => (await list('/v1/deliveries')).some((d) => d.warning === w.id && d.sent + d.accepted + d.delivered > 0));
  await until('the bars in the detail', async () => (await page.locator(`${id('detail')} .track`).count()) > 0);
  await page.keyboard.press('Escape');
  await until('the detail to close', async () => (await page.locator(id('detail')).count()) === 0);
  await page.waitForSelector(`${id('progress')} .track`);
});

await test('what one person released is reviewed by another, not by the same', {}, async (page, context) => {
  onlyMock();
  await signIn(page);
  let w;
  await until('a red proposal that one signs', async () => { w = (await list('/v1/warnings')).find((x) => x.event === 'proposed' && !x.request_to && (x.needs === 1 || x.review)); return w ?? (await list('/v1/warnings')).some((x) => x.review && !x.review.reviewed); });
  if (w) {
    await page.click(`#queue [data-id="${w.id}"]`);
    await page.click(id('sign'));
    await confirm(page, () => page.click(id('confirm-sign')), async () => (await warningOf(w.id)).event !== 'proposed');
  }
  const open = (await list('/v1/warnings')).find((x) => x.review && !x.review.reviewed && x.review.signed_by.includes('li'));
  assert.ok(open, 'a review is asked for');
  const card = `#queue [data-testid=review][data-id="${open.id}"]`;
  await page.click(card);
  assert.ok(await page.locator(`${id('detail')} footer ${id('review')}`).isDisabled(), 'not by who released it');
  const other = await context.browser().newContext({ viewport: { width: 1920, height: 1080 } });
  const theirs = await other.newPage();
  await theirs.goto(base);
  await signIn(theirs, second);
  await theirs.click(card);
  await theirs.keyboard.press('v');
  await theirs.click(id('submit'));
  await theirs.waitForSelector('dialog [role=alert]');
  await theirs.click(id('sound'));
  await theirs.click(id('submit'));
  await until('the review', async () => (await warningOf(open.id)).review.reviewed?.person === 'wang');
  await page.waitForSelector(id('reviewed'));
  await other.close();
});

await test('a signal is relayed word for word, and signed for all its districts at once', {}, async (page) => {
  onlyMock();
  await signIn(page);
  const signal = (await list('/v1/signals'))[0];
  const row = page.locator(`#signals [data-id="${signal.identifier}/${signal.tier}"]`);
  await row.locator(id('relay')).click();
  assert.match(await page.locator('dialog blockquote').first().innerText(), new RegExp(signal.headline.zh));
  await page.click(id('submit'));
  await row.locator('button.waits').click();
  await page.waitForSelector(id('detail'));
  assert.equal(await page.locator(`${id('detail')} footer`).getByText('修改').count(), 0, 'its words are not ours to change');
  await page.click(id('sign'));
  await page.waitForSelector(id('sign-all'));
  await page.click(id('confirm-sign'));
  const relays = async () => (await list('/v1/warnings')).filter((w) => w.relay?.identifier === signal.identifier);
  await until('a signature on each', async () => (await relays()).length === signal.areas.length && (await relays()).every((w) => w.signed_by.includes('li')));
});

await test('an act over districts says which of them did not follow', { signed: true }, async (page) => {
  onlyMock();
  const areas = (await list('/v1/areas')).features.map((f) => f.properties).filter((p) => p.level === 'township');
  let here;
  await until('an open warning', async () => { here = (await list('/v1/warnings')).find((w) => w.event === 'proposed' && !w.relay); return here; });
  const free = (p) => p.code.slice(0, 6) !== here.zone.slice(0, 6);
  const taken = new Set((await list('/v1/warnings')).filter((w) => w.hazard === here.hazard).map((w) => w.zone.slice(0, 6)));
  const there = areas.find((p) => free(p) && !taken.has(p.code.slice(0, 6)));
  if (!there) throw new Skip('every district has one of that hazard');
  const near = areas.find((p) => !free(p));
  await page.getByText('新建预警').click();
  await page.selectOption('dialog select', here.hazard);
  for (const place of [near, there]) {
    await page.fill('dialog input[type=search]', place.code);
    await page.locator('dialog .areas .row.wrap').last().locator('button').first().click();
  }
  await page.fill(id('reason'), '巡查发现');
  await page.click(id('submit'));
  await page.waitForSelector(id('zones'));
  const said = await page.locator(id('zones')).innerText();
  assert.match(said, /2 个区中只有 1 个/);
  assert.match(said, /未执行/);
  assert.ok(await page.locator(id('submit')).isDisabled(), 'what was done is not done twice');
});

await test('a suspect rise is confirmed where it stands', {}, async (page) => {
  onlyMock();
  await signIn(page);
  const w = (await list('/v1/warnings')).find((x) => x.unconfirmed && x.event !== 'cancelled');
  if (!w) throw new Skip('no suspect rise in this storm');
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.locator(id('confirm-rise')).first().click();
  await page.click(id('submit'));
  await until('the confirmation', async () => (await warningOf(w.id)).unconfirmed === false);
});

await test('an answer by telephone is noted in two steps', {}, async (page) => {
  await signIn(page);
  const open = page.locator('#calls .act:not([disabled])');
  await open.first().waitFor();
  const before = (await list('/v1/calls')).filter((c) => c.answer?.note === '电话:人已到场').length;
  await open.first().click();
  await page.locator('#calls form button').nth(1).click();
  await page.locator('#calls form input[maxlength]').fill('电话:人已到场');
  await page.locator('#calls form button[type=submit]').click();
  await until('the note', async () => (await list('/v1/calls')).filter((c) => c.answer?.note === '电话:人已到场').length > before);
});

await test('a proposal is rejected with a reason, never without', {}, async (page) => {
  onlyMock();
  await signIn(page);
  const w = await waitingCard(page);
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.keyboard.press('r');
  await page.click(id('submit'));
  await page.waitForSelector('dialog [role=alert]');
  assert.equal((await warningOf(w.id)).event, 'proposed');
  await page.fill(id('reason'), '雷达显示雨带已过');
  // The storm moves on meanwhile: a new revision is looked at before it is rejected.
  await until('the rejection', async () => {
    if ((await warningOf(w.id)).event === 'cancelled') return true;
    const changed = page.locator('dialog .changed button');
    if (await changed.isVisible()) await changed.click();
    await page.locator(id('reason')).press('Enter', { timeout: 1000 }).catch(() => undefined);
    return false;
  });
});

await test('reconnects by itself and reads everything anew', { signed: true }, async (page) => {
  onlyMock();
  const w = (await list('/v1/warnings')).find((x) => x.event === 'issued' || x.event === 'updated');
  await page.route('**/v1/stream', (route) => route.abort());
  await fetch(`${base}/mock/drop`);
  await page.waitForSelector('[data-testid=connection].lost');
  await page.waitForSelector('[role=alert]');
  await fetch(`${base}/mock/raise?id=${w.id}`);
  await page.unroute('**/v1/stream');
  await page.waitForSelector('[data-testid=connection].live');
  await page.waitForSelector(`#queue [data-testid=waiting][data-id="${w.id}"]`);
});

await test('what is in force stands beside what would take its place', { signed: true }, async (page) => {
  onlyMock();
  const w = (await list('/v1/warnings')).find((x) => (x.event === 'issued' || x.event === 'updated') && x.tier !== 'red' && !x.request_to) ?? (await list('/v1/warnings')).find((x) => x.in_force);
  assert.ok(w, 'something is in force');
  if (!w.in_force) await fetch(`${base}/mock/raise?id=${w.id}`);
  await page.waitForSelector(`#queue [data-testid=waiting][data-id="${w.id}"]`);
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.waitForSelector(id('in-force'));
  assert.ok((await page.locator(`${id('becomes')} li`).count()) > 0, 'and what it would become');
  await page.click(id('sign'));
  await page.waitForSelector(id('standing'));
});

await test('speaks English to an English browser, and the other on a key', { locale: 'en-GB' }, async (page) => {
  assert.equal(await page.getAttribute('html', 'lang'), 'en');
  assert.match(await page.locator('#queue-title').innerText(), /Warnings/);
  await page.keyboard.press('l');
  await until('Chinese', async () => /预警队列/.test(await page.locator('#queue-title').innerText()));
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
  await page.keyboard.press('?');
  await page.waitForSelector('dialog kbd');
  await page.keyboard.press('Escape');
  await until('the list to close', async () => (await page.locator('dialog').count()) === 0);
});

await test('fits a phone: every panel by its tab, nothing wider than the screen', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, signed: true }, async (page) => {
  for (const tab of ['map', 'calls', 'progress', 'signals', 'queue']) {
    await page.tap(id(`tab-${tab}`));
    await page.locator(`#${tab}`).waitFor({ state: 'visible' });
    const [wide, over] = await page.evaluate((name) => [document.documentElement.scrollWidth, [...document.querySelectorAll(`#${name} *`)].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.maplibregl-map, .visually-hidden, .cut')).map((e) => `${e.tagName}.${e.className}`)], tab);
    assert.ok(wide <= 390, `${tab}: ${wide} px wide`);
    assert.deepEqual(over, [], `${tab}: sticks out`);
  }
  await page.locator('#queue .card').first().tap();
  await page.waitForSelector(id('detail'));
  const box = await page.locator(id('detail')).boundingBox();
  assert.ok(box && box.x >= 0 && box.width <= 390);
});

await test('does not move while data streams in', { signed: true }, async (page) => {
  await page.locator('#queue .card').first().waitFor();
  const shift = await page.evaluate(() => new Promise((resolve) => {
    let sum = 0;
    const watch = new PerformanceObserver((entries) => { for (const e of entries.getEntries()) if (!e.hadRecentInput) sum += e.value; });
    watch.observe({ type: 'layout-shift', buffered: false });
    setTimeout(() => { watch.disconnect(); resolve(sum); }, 3000);
  }));
  assert.ok(shift < 0.05, `layout shift ${shift}`);
});

await browser.close();
await mock?.stop();
if (faults.length > 0) {
  failed += 1;
  console.log(`FAILED  no errors in the page\n${[...new Set(faults)].slice(0, 10).join('\n')}`);
}
console.log(`console, end to end: ${failed === 0 ? 'passed' : `${failed} failed`}${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 ? 0 : 1);
