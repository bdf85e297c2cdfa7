// The pages for emergency responses, the timeline and rulebooks, against the mock and against a real server.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { accessFaults } from './access.mjs';
import { another, cut, id, list, me, mend, post, second, test, token, until, warningOf } from './harness.mjs';

const RULES = fileURLToPath(new URL('../../testdata/city/rules/', import.meta.url));
/** The panels of a page on a phone. */
const TABS = { responses: ['tasks', 'incidents', 'consequences', 'responses'], services: ['processes', 'evening', 'agenda'], blindness: ['blindness'] };
/** A dry run of 72 h over the whole city, in a build for tests. */
const TRIAL_MS = 180_000;
const other = await list('/v1/me', second);

const responseOf = async (plan, area) => (await list('/v1/responses')).find((r) => r.plan === plan && r.area === area);
const incidentOf = async (area) => (await list('/v1/incidents')).find((i) => i.area === area);
const card = (r) => `[data-testid=response][data-id="${r.plan}/${r.area}"]`;
const turn = async (page, name) => {
  await page.click(id(`page-${name}`));
  await page.waitForSelector(id(`${name}-page`));
};
/** A level of the city's flood plan, whatever stands. */
async function flood(level, secret = token) {
  const city = (await list('/v1/state')).city.code;
  const seen = (await responseOf('flood', city))?.level ?? null;
  if (seen !== level) await post('/v1/responses', { plan: 'flood', area: city, level, seen, reason: '会商决定' }, secret);
  return city;
}
/** A district whose response was started from a proposal by the first case. */
let district;
/** A rulebook put forward and tried, before anybody signed it. */
let tried;

/** The cases; `inForce` gives a warning of ours that stands. Gives a rulebook that waits for signatures. */
export async function cases(inForce) {
  await test('a proposed response is signed by keyboard, its reasons before the eyes', { signed: true }, async (page) => {
    let proposed;
    // By a signal of another authority, which stands when all else is over.
    const bySignal = (r) => r.plan === 'waterlogging-district' && !r.level && r.proposal?.level && r.proposal.level !== 'attention' && r.proposal.reasons.some((reason) => reason.signals.some((key) => key.includes(' ')));
    await until('a district with a proposal', async () => { proposed = (await list('/v1/responses')).find(bySignal); return proposed; });
    await page.keyboard.press('2');
    await page.waitForSelector(card(proposed));
    const shown = await page.locator(card(proposed)).innerText();
    for (const reason of proposed.proposal.reasons) assert.match(shown, new RegExp(reason.text.zh.slice(0, 8)), 'each reason is readable');
    assert.match(shown, new RegExp(proposed.proposal.post.zh), 'and who signs');
    assert.match(shown, /您任此岗/);
    assert.match(shown, /来自 .*穗城气象台/, 'and which signal is behind it');
    await page.keyboard.press('q');
    for (let n = 0; n < 40; n += 1) {
      await page.keyboard.press('ArrowDown');
      if ((await page.evaluate(() => document.activeElement?.dataset?.id)) === `${proposed.plan}/${proposed.area}`) break;
    }
    await page.keyboard.press('s');
    await page.waitForSelector(id('submit'));
    await page.keyboard.press('Enter');
    await page.waitForSelector(`dialog ${id('refused')}`);
    assert.equal((await responseOf(proposed.plan, proposed.area)).level, null, 'never without a reason');
    await page.keyboard.type('雨带停留');
    await page.keyboard.press('Enter');
    await until('the response', async () => (await responseOf(proposed.plan, proposed.area)).level === proposed.proposal.level);
    const stands = await responseOf(proposed.plan, proposed.area);
    assert.deepEqual([stands.by, stands.reason], [me.id, '雨带停留']);
    await until('the screen to show it', async () => /雨带停留/.test(await page.locator(card(proposed)).innerText()));
    district = proposed.area;
  });

  await test('another post’s step is refused with that post', { signed: true }, async (page) => {
    await turn(page, 'responses');
    await page.keyboard.press('n');
    await page.selectOption(id('plan'), 'flood');
    await page.locator('dialog input[type=radio][value=II]').check();
    assert.match(await page.locator(id('post')).innerText(), /不任此岗.*总指挥/);
    await page.fill(id('reason'), '水位上涨');
    await page.click(id('submit'));
    await page.waitForSelector(`dialog ${id('refused')}`);
    assert.match(await page.locator(`dialog ${id('refused')}`).innerText(), /另一岗位.*总指挥/);
  });

  await test('what changed meanwhile is shown and nothing is signed over it', { signed: true }, async (page) => {
    const city = await flood('III');
    await turn(page, 'responses');
    const flooding = card({ plan: 'flood', area: city });
    await page.locator(`${flooding} ${id('respond-change')}`).click();
    await page.locator('dialog input[type=radio][value=IV]').check();
    await page.fill(id('reason'), '水位回落');
    await cut(page);
    await flood('II', second);
    await page.click(id('submit'));
    await page.waitForSelector(id('respond-changed'));
    const said = await page.locator(id('respond-changed')).innerText();
    assert.match(said, /Ⅲ级/);
    assert.match(said, /Ⅱ级/);
    assert.match(said, new RegExp(other.id));
    assert.equal((await responseOf('flood', city)).level, 'II', 'nothing was signed');
    await page.click(id('read-it'));
    await page.click(id('submit'));
    await until('the change from what is now', async () => (await responseOf('flood', city)).level === 'IV');
    await mend(page);
  });

  await test('an end says what remains', { signed: true }, async (page) => {
    const city = await flood('IV');
    await turn(page, 'responses');
    const flooding = page.locator(card({ plan: 'flood', area: city }));
    await flooding.waitFor();
    await flooding.focus();
    await page.keyboard.press('e');
    await page.fill(id('reason'), '水位回落');
    await page.keyboard.press('Enter');
    await page.waitForSelector(`dialog ${id('remains')}`);
    const said = await page.locator(`dialog ${id('remains')}`).innerText();
    for (const what of ['信号', '响应', '任务', '事件']) assert.match(said, new RegExp(what));
    assert.equal((await responseOf('flood', city)).level, null);
    await page.click(id('understood'));
    await until('the list to close', async () => (await page.locator('dialog').count()) === 0);
  });

  await test('a district below its city is marked', { signed: true }, async (page) => {
    let below;
    const city = (await list('/v1/state')).city.code;
    if (!(await responseOf('waterlogging', city))?.level) await post('/v1/responses', { plan: 'waterlogging', area: city, level: 'IV', seen: null, reason: '会商决定' });
    await until('one below', async () => { below = (await list('/v1/responses')).find((r) => r.below && !r.level); return below; });
    await turn(page, 'responses');
    await page.waitForSelector(`${card(below)} ${id('below')}`);
    assert.match(await page.locator(`${card(below)} ${id('below')}`).innerText(), /低于全市/);
  });

  await test('a task is found by district and owner and reported done', { signed: true }, async (page) => {
    await turn(page, 'responses');
    const tasks = (await list('/v1/responses')).flatMap((r) => r.tasks);
    const mine = tasks.find((x) => x.state === 'open' && x.place === district);
    assert.ok(mine, 'the response opened tasks');
    await page.selectOption(id('task-district'), district);
    await page.selectOption(id('task-owner'), mine.owner);
    const row = page.locator(`[data-testid=task][data-id="${mine.id}"]`);
    await row.locator(id('task-done')).click();
    await page.keyboard.type('已布防');
    await page.keyboard.press('Enter');
    await until('the report', async () => (await list('/v1/responses')).flatMap((r) => r.tasks).some((x) => x.id === mine.id && x.state === 'done' && x.note === '已布防'));
    await until('the list without it', async () => (await row.count()) === 0);
    await page.selectOption(id('task-state'), 'done');
    await row.waitFor();
  });

  await test('four ends, each by itself', { signed: true }, async (page, context) => {
    const end = (name) => `[data-testid=incident][data-id="${district}"] [data-testid=end-${name}]`;
    const state = async (name) => page.locator(end(name)).getAttribute('data-state');
    await turn(page, 'responses');
    await page.click(id('report-transfer'));
    await page.selectOption(id('district'), district);
    await page.fill(id('planned'), '50');
    await page.fill(id('moved'), '60');
    await page.fill(id('sheltered'), '20');
    await page.click(id('submit'));
    assert.match(await page.locator(`dialog ${id('refused')}`).innerText(), /不能多于/);
    await page.fill(id('moved'), '30');
    await page.click(id('submit'));
    await until('the transfer', async () => (await incidentOf(district))?.transfer?.left === 20);
    await page.waitForSelector(`[data-testid=incident][data-id="${district}"] ${id('transfer')}`);
    assert.deepEqual([await state('signal'), await state('response'), await state('return'), await state('incident')], ['open', 'open', 'open', 'open']);

    // People may return: the commander says so, and nothing else ends with it.
    const theirs = await another(context);
    await theirs.click(id('page-responses'));
    await theirs.locator(end('return')).locator(id('may-return')).click();
    await theirs.fill(id('reason'), '积水已退');
    await theirs.keyboard.press('Enter');
    await theirs.waitForSelector(`dialog ${id('remains')}`);
    await theirs.context().close();
    await until('the return', async () => (await state('return')) === 'over');
    assert.deepEqual([await state('response'), await state('incident')], ['open', 'open']);

    const own = await responseOf('waterlogging-district', district);
    await page.locator(`${card(own)} ${id('respond-end')}`).click();
    await page.fill(id('reason'), '处置完毕');
    await page.click(id('submit'));
    await page.click(id('understood'));
    await page.locator(end('incident')).locator(id('close-incident')).click();
    await page.fill(id('reason'), '处置完毕');
    await page.click(id('submit'));
    await page.waitForSelector(`dialog ${id('remains')}`);
    await page.click(id('understood'));
    await until('the incident to close', async () => (await state('incident')) === 'over');
    assert.equal(await state('signal'), 'open', 'the signal is another’s to lift');
  });

  await test('damage is reported where it is', { signed: true }, async (page) => {
    const kind = (await list('/v1/plans')).damage[1];
    await turn(page, 'responses');
    await page.click(id('report-damage'));
    await page.selectOption(id('damage-kind'), kind.id);
    await page.selectOption(id('district'), district);
    await page.fill(id('reason'), '桥下有人被困');
    await page.keyboard.press('Enter');
    await until('the report', async () => (await incidentOf(district))?.damage.some((d) => d.kind === kind.id && d.by === me.id));
    const row = page.locator(`[data-testid=incident][data-id="${district}"] ${id('damage')}`).filter({ hasText: kind.name.zh });
    await row.getByText('险情解除').click();
    await page.fill(id('reason'), '已救出');
    await page.keyboard.press('Enter');
    await until('its end', async () => !(await incidentOf(district))?.damage.some((d) => d.kind === kind.id));
  });

  await test('a cancelled warning says what remains', { signed: true }, async (page) => {
    // The wind response stands over the whole city.
    const city = (await list('/v1/state')).city.code;
    if (!(await responseOf('wind', city))?.level) await post('/v1/responses', { plan: 'wind', area: city, level: 'IV', seen: null, reason: '会商决定' });
    const w = await inForce(page);
    await page.click(`#queue [data-id="${w.id}"]`);
    // The screen may hear later than we that it is in force.
    await page.locator(`${id('detail')} button`).filter({ has: page.locator('kbd', { hasText: /^X$/ }) }).waitFor();
    await page.keyboard.press('x');
    await page.fill(id('reason'), '水已退');
    await page.click(id('submit'));
    await page.waitForSelector(`dialog ${id('remains')}`);
    assert.match(await page.locator(`dialog ${id('remains')}`).innerText(), /防风应急响应/);
    const said = await page.locator(`dialog ${id('recall')}`).innerText();
    assert.match(said, /已撤回[\s\S]*在途[\s\S]*合计/, said);
    await page.click(id('understood'));
    assert.equal((await warningOf(w.id)).event, 'cancelled');
  });

  await test('the timeline follows, newest first, and is filtered', { signed: true }, async (page) => {
    await page.keyboard.press('3');
    await page.waitForSelector(id('entry'));
    const kind = (await list('/v1/plans')).damage[1];
    await post('/v1/responses/damage', { kind: kind.id, area: district, holds: true, note: '时间线上见' });
    await until('it comes by itself', async () => (await page.locator(id('entry')).allInnerTexts()).some((text) => text.includes('时间线上见')));
    const numbers = await page.locator(id('entry')).evaluateAll((all) => all.map((e) => Number(e.dataset.number)));
    assert.deepEqual(numbers, [...numbers].sort((a, b) => b - a), 'newest first');
    const elsewhere = (await list('/v1/areas')).features.map((f) => f.properties).find((p) => p.level === 'district' && p.code !== district);
    await page.selectOption(id('timeline-district'), elsewhere.code);
    await until('another district without it', async () => !(await page.locator(id('entries')).innerText()).includes('时间线上见'));
    await page.selectOption(id('timeline-district'), district);
    await until('its own with it', async () => (await page.locator(id('entries')).innerText()).includes('时间线上见'));
    await page.click(id('kind-damage'));
    await until('nothing of a kind that is off', async () => (await page.locator('[data-testid=entry][data-kind=damage]').count()) === 0);
    await post('/v1/responses/damage', { kind: kind.id, area: district, holds: false, note: '已处置' });
  });

  await test('without a token there is what is in force, and nobody’s name', {}, async (page) => {
    await page.click(id('page-responses'));
    await page.waitForSelector(id('response'));
    assert.equal(await page.locator(id('proposal')).count(), 0);
    assert.equal(await page.locator(`${id('response')} button`).count(), 0);
    assert.doesNotMatch(await page.locator('#responses').innerText(), new RegExp(`${me.id}|${other.id}`));
  });

  await test('the new pages fit phone and wall in both languages, named and legible', { signed: true }, async (page, context) => {
    for (const [viewport, locale] of [[{ width: 390, height: 844 }, 'zh-CN'], [{ width: 390, height: 844 }, 'en-GB'], [{ width: 1920, height: 1080 }, 'en-GB'], [{ width: 1920, height: 1080 }, 'zh-CN']]) {
      await page.setViewportSize(viewport);
      if ((await page.getAttribute('html', 'lang')) !== (locale === 'zh-CN' ? 'zh-CN' : 'en')) await page.click(id('language'));
      for (const name of ['responses', 'timeline', 'rulebooks', 'services', 'blindness', 'drills']) {
        await turn(page, name);
        const tabs = viewport.width < 800 ? (TABS[name] ?? [null]) : [null];
        for (const tab of tabs) {
          if (tab) {
            await page.click(id(`tab-${tab}`));
            await page.locator(`#${tab}`).waitFor({ state: 'visible' });
          }
          if (name === 'services') await page.waitForSelector(id('evening'), { state: 'attached' });
          if (name === 'blindness') await page.waitForSelector(id('unseen'), { state: 'attached' });
          const [wide, over] = await page.evaluate(() => [document.documentElement.scrollWidth, [...document.querySelectorAll('.page *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.visually-hidden, .cut, pre')).map((e) => `${e.tagName}.${e.className}`)]);
          const where = `${name} ${tab ?? ''} ${locale} at ${viewport.width}`;
          assert.ok(wide <= viewport.width, `${where}: ${wide} px wide`);
          assert.deepEqual(over, [], `${where}: sticks out`);
          for (const theme of ['dark', 'light']) {
            await page.evaluate((to) => { document.documentElement.dataset.theme = to; }, theme);
            assert.deepEqual(await accessFaults(page, '.page'), [], `${where} ${theme}`);
          }
          await page.evaluate(() => { document.documentElement.dataset.theme = 'dark'; });
        }
      }
    }
    assert.ok(context);
  });

  await test('a rulebook is refused with its faults, tried, signed by two, and gone back from', { signed: true }, async (page, context) => {
    const read = (folder) => readdirSync(RULES + folder).filter((name) => name.endsWith('.toml')).map((name) => ({ name, mimeType: 'text/plain', buffer: readFileSync(RULES + folder + name) }));
    const files = [...read(''), ...read('tests/')];
    const with_ = (change) => files.map((file) => (file.name === 'rainstorm.toml' ? { ...file, buffer: Buffer.from(change(file.buffer.toString())) } : file));
    await turn(page, 'rulebooks');
    const before = (await list('/v1/rulebooks')).find((r) => r.state === 'in_force');
    await page.click(id('put-forward'));
    await page.setInputFiles(id('put-files'), with_((text) => text.replace(/\brainfall\./, 'rainfal.')));
    await page.locator('dialog').getByText('rainstorm.toml').waitFor();
    await page.click(`dialog ${id('submit')}`);
    await page.waitForSelector(id('faults'));
    const faults = await page.locator(id('faults')).innerText();
    assert.match(faults, /rainstorm\.toml 第 \d+ 行/);
    assert.match(faults, /\^\^\^/);
    assert.match(faults, /rainfall/);
    await page.setInputFiles(id('put-files'), with_((text) => `# the same in other words\n${text}`));
    await page.click(`dialog ${id('submit')}`);
    const candidates = async () => (await list('/v1/rulebooks')).filter((r) => r.state === 'candidate' && r.by === me.id);
    await until('it is put forward', async () => (await candidates()).length === 1);
    const [{ hash }] = await candidates();
    await page.waitForSelector(`${id('trial')}[data-state=done]`, { timeout: TRIAL_MS });
    await page.waitForSelector(id('heads'));
    [tried] = await candidates();

    const stateOf = async () => (await list('/v1/rulebooks')).find((r) => r.hash === hash)?.state;
    const sign = async (screen) => {
      await screen.click(id('rb-sign'));
      await screen.click(`dialog ${id('submit')}`);
      await until('the window to close', async () => (await screen.locator('dialog').count()) === 0);
    };
    await sign(page);
    assert.equal(await stateOf(), 'candidate', 'one is not enough');
    assert.ok(await page.locator(id('rb-sign')).isDisabled(), 'and not twice the same');
    const theirs = await another(context);
    const choose = async (screen, state, version) => {
      await screen.click(id('page-rulebooks'));
      const row = screen.locator(`[data-testid=rulebook][data-state=${state}]`).filter({ hasText: version });
      await row.first().click();
    };
    const { version } = (await list('/v1/rulebooks')).find((r) => r.hash === hash);
    await choose(theirs, 'candidate', version);
    await sign(theirs);
    await until('it is in force', async () => (await stateOf()) === 'in_force');

    // Back to the one before, by the same act.
    await choose(page, 'former', before.version);
    await page.click(id('rb-back'));
    await page.fill(id('reason'), '试过了');
    await page.click(`dialog ${id('submit')}`);
    // What it found so far is enough: it is the rulebook that everybody knows.
    await page.click(id('rb-stop'));
    await page.waitForSelector(`${id('trial')}[data-state=cancelled]`);
    await sign(page);
    await choose(theirs, 'candidate', before.version);
    await sign(theirs);
    await until('the one before is in force', async () => (await list('/v1/rulebooks')).find((r) => r.hash === before.hash).state === 'in_force');
    await theirs.context().close();
  });

  await test('a dry run that came to no end says why, and is put forward again instead of signed', { signed: true }, async (page) => {
    // As a restart in the middle of a dry run leaves it.
    await page.route('**/v1/rulebooks', async (route) => {
      if (route.request().method() !== 'GET') return route.continue();
      const answer = await route.fetch();
      const broken = { ...tried, state: 'candidate', trial: { ...tried.trial, state: 'failed', reason: 'the process ended in the middle of it' } };
      await route.fulfill({ response: answer, json: [broken, ...(await answer.json()).filter((r) => r.hash !== broken.hash)] });
    });
    await page.reload();
    await turn(page, 'rulebooks');
    await page.locator('[data-testid=rulebook][data-state=candidate]').filter({ hasText: tried.version }).first().click();
    await page.waitForSelector(`${id('trial')}[data-state=failed]`);
    assert.match(await page.locator(id('rb-failed')).innerText(), /the process ended in the middle of it/);
    assert.equal(await page.locator(id('rb-sign')).count(), 0, 'nothing to sign');
    assert.ok(await page.locator(id('rb-back')).isEnabled(), 'it can be put forward again');
  });
  return tried;
}
