// End to end in headless Chromium: `npm run e2e` against the mock, or with BASE_URL, TOKEN and TOKEN2 against a real server.
// Every case holds against both: what it needs it makes through the API, or on the network between.

import assert from 'node:assert/strict';
import { another, base, change, confirm, cut, finish, id, isMock, list, me, mend, post, second, signIn, test, token, until, waitingCard, warningOf } from './harness.mjs';
import { cases } from './desk.mjs';
import { drillCases } from './drills.mjs';
import { notifyCases } from './notify.mjs';
import { prepare, shapes } from './real.mjs';
import { watchCases } from './watch.mjs';

if (!isMock) await prepare();
const other = await list('/v1/me', second);

/** A warning of ours that is in force, signed for by both where none is. */
async function inForce(page, fits = () => true) {
  const found = async () => (await list('/v1/warnings')).find((w) => ['issued', 'updated'].includes(w.event) && !w.request_to && !w.relay && fits(w));
  if (!(await found())) {
    const w = await waitingCard(page, (x) => !x.relay && !x.request_to && fits(x));
    for (const secret of [token, second]) {
      const { event, revision, seen } = await warningOf(w.id);
      if (event === 'proposed') await post(`/v1/warnings/${w.id}/approve`, { revision, seen }, secret).catch(() => undefined);
    }
  }
  await until('a warning in force', found);
  return found();
}

await test('loads, lives and draws the map', { map: true, viewport: { width: 1920, height: 1080 } }, async (page) => {
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
  const w = await waitingCard(page);
  // As a zone answers that is too busy to say who was told.
  await page.route(`**/v1/warnings/${w.id}/preview`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), everybody: true } });
  });
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.waitForSelector(id('everybody'));
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
  // The other of the two signs here, so that the next case has something left to sign.
  await signIn(page, second);
  const w = await waitingCard(page, (x) => !x.relay && x.needs > 1);
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.click(id('sign'));
  await page.waitForSelector(id('confirm-sign'));
  await cut(page);
  await change(w.id);
  // The stream is gone, so the old revision is sent and the server's 409 brings the change to light.
  await page.click(id('confirm-sign'));
  await page.waitForSelector(id('changes'));
  assert.ok((await page.locator(`${id('changes')} li`).count()) > 0);
  assert.equal((await warningOf(w.id)).signed_by.length, 0, 'nothing was signed');
  await page.click(id('look'));
  await page.click(id('confirm-sign'));
  await until('the signature on the new revision', async () => (await warningOf(w.id)).signed_by.includes(other.id));
});

await test('an amendment of one township takes nothing back from the others', { signed: true }, async (page) => {
  const tiers = (w) => Object.fromEntries(Object.entries(w.areas).map(([code, area]) => [code, area.tier]));
  const isWide = (x) => !x.relay && !x.request_to && Object.values(tiers(x)).filter((tier) => tier !== 'none').length > 1;
  const w = await waitingCard(page, isWide);
  const before = tiers(w);
  const first = Object.keys(before).sort()[0];
  const tier = before[first] === 'blue' ? 'yellow' : 'blue';
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.click(id('amend'));
  await until('the amendment', async () => {
    const now = await warningOf(w.id);
    if (tiers(now)[first] === tier) return true;
    const changed = page.locator('dialog .changed button');
    if (await changed.isVisible()) await changed.click();
    await page.locator('dialog select').first().selectOption(tier);
    await page.fill(id('reason'), '现场核实');
    await page.click(id('submit'), { timeout: 1000 }).catch(() => undefined);
    return false;
  });
  const after = tiers(await warningOf(w.id));
  for (const code of Object.keys(before)) if (before[code] !== 'none') assert.notEqual(after[code] ?? 'none', 'none', `${code} stays`);
});

await test('words in one language alone are signed as they stand, by two keystrokes', { signed: true }, async (page) => {
  const w = await waitingCard(page, (x) => !x.relay && !x.request_to && !x.signed_by.includes(me.id));
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.click(id('amend'));
  await until('what is objected to', async () => {
    if (await page.locator(`dialog ${id('objections')}`).isVisible()) return true;
    const changed = page.locator('dialog .changed button');
    if (await changed.isVisible()) await changed.click();
    await page.fill('dialog textarea[lang=zh]', '立即停止户外作业,3点前不要返回');
    await page.fill(id('reason'), '现场情况');
    await page.click(id('submit'), { timeout: 1000 }).catch(() => undefined);
    return false;
  });
  const said = await page.locator(`dialog ${id('objections')}`).innerText();
  assert.match(said, /日文/);
  assert.match(said, /3点/);
  await page.click('dialog header button');
  assert.equal((await warningOf(w.id)).text.zh?.includes('户外作业') ?? false, false, 'nothing was amended');
  // As if it had been; what would be signed is looked at on the network, so that it waits for the next case.
  const objections = { zh: [{ no_half: '3点' }], en: ['untranslated'] };
  await page.route('**/v1/warnings/*/preview', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), objections } });
  });
  let sent = null;
  await page.route('**/v1/warnings/*/approve', async (route) => {
    sent = route.request().postDataJSON();
    await route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify({ title: 'Changed', status: 409, detail: 'looked at' }) });
  });
  await page.reload();
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.waitForSelector(id('preview'));
  await page.click(id('sign'));
  const tick = page.locator(`dialog ${id('as-it-stands')}`);
  await tick.waitFor();
  assert.ok(await page.locator(id('confirm-sign')).isDisabled(), 'nothing is signed unseen');
  assert.equal(await page.evaluate(() => document.activeElement?.dataset?.testid), 'as-it-stands');
  await page.keyboard.press('Space');
  await page.keyboard.press('Enter');
  await until('the signature on the wire', async () => sent !== null);
  assert.equal(sent.as_it_stands, true);
  assert.ok(sent.reason.trim(), 'with a reason');
});

await test('is signed by keyboard alone, and a second person releases it', {}, async (page, context) => {
  await page.locator(id('sign-in')).focus();
  await page.keyboard.press('Enter');
  await page.locator(id('token')).waitFor();
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await page.waitForSelector(id('me'));
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
    const theirs = await another(context);
    await theirs.click(`#queue [data-id="${w.id}"]`);
    await theirs.click(id('sign'));
    await confirm(theirs, () => theirs.click(id('confirm-sign')), async () => (await warningOf(w.id)).event !== 'proposed');
    await theirs.context().close();
  }
  // The first screen hears of it without being touched, and sees who was reached.
  await until('phones that ring', async () => (await list('/v1/deliveries')).some((d) => d.warning === w.id && d.delivered > 0));
  await until('the bars in the detail', async () => (await page.locator(`${id('detail')} .track`).count()) > 0);
  await page.keyboard.press('Escape');
  await until('the detail to close', async () => (await page.locator(id('detail')).count()) === 0);
  await page.waitForSelector(`${id('progress')} .track`);
  await until('the board to count them', async () => (await page.locator(`${id('progress')} .sum b`).allInnerTexts()).some((text) => text !== '0'));
});

await test('a job that a carrier reads otherwise is held, seen, and let go by a person', {}, async (page) => {
  const w = (await list('/v1/warnings')).find((x) => x.event !== 'ended' && x.event !== 'cancelled');
  const job = {
    state: 'held', objections: ['60 heads for 1000 inhabitants, at least 100 are expected'], heads: 60, areas: {}, list: 'resident', last_phone_s: 95,
    counts: { waiting: 60, accepted: 0, delivered: 0, failed: 0, unknown: 0, expired: 0, withdrawn: 0 }, by_district: {}, five_minutes: [], started: null, finished: null,
  };
  const row = {
    warning: w.id, revision: w.revision, intent: 'ab'.repeat(16), channel: 'area', link: 'area/cmcc', instead_of: null, purpose: 'alert', tier: w.tier,
    planned: 60, sent: 0, accepted: 0, delivered: 0, failed: 0, unknown: 0, expired: 0, withdrawn: 0, started: null, finished: null, rate_per_s: 0, job,
  };
  await page.route('**/v1/deliveries', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: [...(await answer.json()), row] });
  });
  const reading = { link: 'area/cmcc', purpose: 'alert', tier: w.tier, areas: Object.keys(w.areas), heads: 60, by_language: { zh: 60 }, list: 'resident', last_phone_s: 95, objections: job.objections };
  await page.route(`**/v1/warnings/${w.id}/preview`, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), jobs: [reading] } });
  });
  let asked = null;
  await page.route('**/v1/area-jobs/*', async (route) => {
    asked = { path: new URL(route.request().url()).pathname, body: route.request().postDataJSON() };
    await route.fulfill({ status: 202, body: '' });
  });
  await page.reload();
  await signIn(page);
  await page.click(id('jobs-waiting'));
  await page.waitForSelector(`${id('readings')} tr.bad`);
  await page.waitForSelector(id('job-held'));
  assert.match(await page.locator(id('job-held')).innerText(), /60 heads for 1000 inhabitants/);
  await page.click(id('job-release'));
  await page.click(id('job-submit'));
  assert.equal(asked, null, 'a reason is asked for');
  await page.fill(id('job-reason'), 'their list is small');
  await page.click(id('job-submit'));
  await until('the act to be handed in', async () => asked !== null);
  assert.deepEqual(asked, { path: `/v1/area-jobs/${row.intent}`, body: { link: 'area/cmcc', act: 'release', reason: 'their list is small' } });
  await until('the dialog to close', async () => (await page.locator(id('job-submit')).count()) === 0);
});

await test('what one person released is reviewed by another, not by the same', {}, async (page, context) => {
  await signIn(page);
  let w;
  await until('a red proposal that one signs', async () => { w = (await list('/v1/warnings')).find((x) => x.event === 'proposed' && !x.request_to && (x.needs === 1 || x.review)); return w ?? (await list('/v1/warnings')).some((x) => x.review && !x.review.reviewed); });
  if (w) {
    await page.click(`#queue [data-id="${w.id}"]`);
    await page.click(id('sign'));
    await confirm(page, () => page.click(id('confirm-sign')), async () => (await warningOf(w.id)).event !== 'proposed');
  }
  const open = (await list('/v1/warnings')).find((x) => x.review && !x.review.reviewed && x.review.signed_by.includes(me.id));
  assert.ok(open, 'a review is asked for');
  const card = `#queue [data-testid=review][data-id="${open.id}"]`;
  await page.click(card);
  assert.ok(await page.locator(`${id('detail')} footer ${id('review')}`).isDisabled(), 'not by who released it');
  const theirs = await another(context);
  await theirs.click(card);
  await theirs.keyboard.press('v');
  await theirs.click(id('submit'));
  await theirs.waitForSelector('dialog [role=alert]');
  await theirs.click(id('sound'));
  await theirs.click(id('submit'));
  await until('the review', async () => (await warningOf(open.id)).review.reviewed?.person === other.id);
  await page.waitForSelector(id('reviewed'));
  await theirs.context().close();
});

await test('a signal is relayed word for word, and signed for all its districts at once', {}, async (page) => {
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
  await until('a signature on each', async () => (await relays()).length === signal.areas.length && (await relays()).every((w) => w.signed_by.includes(me.id)));
});

await test('an act over districts says which of them did not follow', { signed: true }, async (page) => {
  const areas = (await list('/v1/areas')).features.map((f) => f.properties).filter((p) => p.level === 'township');
  let here;
  await until('an open warning', async () => { here = (await list('/v1/warnings')).find((w) => w.event === 'proposed' && !w.relay); return here; });
  const free = (p) => p.code.slice(0, 6) !== here.zone.slice(0, 6);
  const taken = new Set((await list('/v1/warnings')).filter((w) => w.hazard === here.hazard).map((w) => w.zone.slice(0, 6)));
  const there = areas.find((p) => free(p) && !taken.has(p.code.slice(0, 6)));
  assert.ok(there, 'a district without one of that hazard');
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
  await signIn(page);
  const w = (await list('/v1/warnings')).find((x) => x.unconfirmed && !['ended', 'cancelled'].includes(x.event));
  assert.ok(w, 'a suspect rise');
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

await test('a place that nobody spoke for is spoken for, and who did is listed', {}, async (page) => {
  await signIn(page);
  await until('a gap', async () => (await list('/v1/gaps')).gaps.length > 0);
  const gaps = page.locator(id('gaps'));
  await gaps.locator('.bar').click();
  const before = (await list('/v1/gaps')).answered_for.length;
  await gaps.locator('.speak:not([disabled])').first().click();
  await gaps.locator('form input[required]').fill('村主任老李');
  await gaps.locator('form button[type=submit]').click();
  await until('the word', async () => (await list('/v1/gaps')).answered_for.length > before);
  await page.waitForSelector('text=村主任老李');
});

await test('a proposal is rejected with a reason, never without', {}, async (page) => {
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
  const w = await inForce(page);
  await cut(page);
  await page.waitForSelector('.lost[role=alert]');
  await change(w.id);
  await mend(page);
  await page.waitForSelector(`#queue [data-testid=waiting][data-id="${w.id}"]`);
});

await test('what is in force stands beside what would take its place', { signed: true }, async (page) => {
  const w = await inForce(page, (x) => x.tier !== 'red');
  await change(w.id);
  await page.waitForSelector(`#queue [data-testid=waiting][data-id="${w.id}"]`);
  await page.click(`#queue [data-id="${w.id}"]`);
  await page.waitForSelector(id('in-force'));
  assert.ok((await page.locator(`${id('becomes')} li`).count()) > 0, 'and what it would become');
  await page.click(id('sign'));
  await page.waitForSelector(id('standing'));
});

await test('speaks English to an English browser, and the other on a key', { map: true, locale: 'en-GB' }, async (page) => {
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

await test('fits a phone: every panel by its tab, nothing wider than the screen', { map: true, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, signed: true }, async (page) => {
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

await test('does not move while data streams in', { map: true, signed: true }, async (page) => {
  await page.locator('#queue .card').first().waitFor();
  const shift = await page.evaluate(() => new Promise((resolve) => {
    let sum = 0;
    const watch = new PerformanceObserver((entries) => { for (const e of entries.getEntries()) if (!e.hadRecentInput) sum += e.value; });
    watch.observe({ type: 'layout-shift', buffered: false });
    setTimeout(() => { watch.disconnect(); resolve(sum); }, 3000);
  }));
  assert.ok(shift < 0.05, `layout shift ${shift}`);
});

const tried = await cases(inForce);
await drillCases();
await watchCases();
await notifyCases();

if (!isMock) await test('the mock says what the server says', { signed: true }, async () => shapes(tried));

await finish();
