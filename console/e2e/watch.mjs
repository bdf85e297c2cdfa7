// Products by lead time, the evening product, blind areas and silenced rules, against the mock and against a real server.

import assert from 'node:assert/strict';
import { another, id, isMock, list, me, post, test, until } from './harness.mjs';

const GALE = '11B20';
const turn = async (page, name) => {
  await page.click(id(`page-${name}`));
  await page.waitForSelector(id(`${name}-page`));
};
const services = () => list('/v1/services');
const processOf = async (wanted) => (await services()).processes.find((p) => p.id === wanted);
const card = (wanted) => `[data-testid=process][data-id="${wanted}"]`;
/** Record time so many minutes ahead, as a field for date and time takes it. */
const ahead = async (minutes) => {
  const { time } = await list('/v1/state');
  return new Date(Date.parse(time) + (minutes + 8 * 60) * 60_000).toISOString().slice(0, 16);
};
const districts = async () => (await list('/v1/areas')).features.map((f) => f.properties).filter((p) => p.level === 'district');

export async function watchCases() {
  await test('a process is opened, its product counts down and is filed, it is moved and ended', { signed: true }, async (page) => {
    const taken = new Set((await services()).processes.filter((p) => p.hazard === GALE && p.state !== 'ended').flatMap((p) => p.areas));
    const here = (await districts()).find((d) => !taken.has(d.code));
    await page.keyboard.press('5');
    await page.waitForSelector(id('services-page'));
    await page.click(id('process-open'));
    await page.selectOption(id('process-hazard'), GALE);
    await page.locator(`dialog input[value="${here.code}"]`).check();
    await page.fill(id('onset'), await ahead(3 * 60 + 20));
    await page.click(`dialog ${id('submit')}`);
    assert.match(await page.locator(`dialog ${id('refused')}`).innerText(), /理由/);
    await page.fill(id('reason'), '会商决定');
    await page.click(`dialog ${id('submit')}`);
    let opened;
    await until('the process', async () => { opened = (await services()).processes.find((p) => p.hazard === GALE && p.state === 'open' && p.areas.includes(here.code)); return opened; });
    assert.equal(opened.by, me.id);
    let due;
    await until('a product that is due', async () => { due = (await processOf(opened.id)).slots.find((s) => s.state === 'due'); return due; });
    const row = page.locator(`[data-testid=owed][data-id="${opened.id}/${due.id}/${due.round}"]`);
    await row.waitFor();
    const counted = await row.locator(id('countdown')).innerText();
    assert.match(counted, /^(\d+:)?\d\d:\d\d$/);
    await until('it counts down', async () => (await row.locator(id('countdown')).innerText()) !== counted);
    const shown = await page.locator(card(opened.id)).innerText();
    for (const what of [due.product.zh, due.grain_name.zh, ...due.audience]) assert.ok(shown.includes(what), `${what} in ${shown}`);

    await row.locator(id('owed-file')).click();
    await page.click(`dialog ${id('submit')}`);
    assert.match(await page.locator(`dialog ${id('refused')}`).innerText(), /至少填一项/);
    await page.fill(id('reference'), '大风专报 7');
    await page.keyboard.press('Enter');
    await until('it is filed', async () => (await processOf(opened.id)).slots.find((s) => s.id === due.id).filed?.reference === '大风专报 7');
    await until('the list without it', async () => (await row.count()) === 0);
    await page.locator(`${card(opened.id)} [data-testid=slot][data-slot="${due.id}"]`).click();
    await until('who filed it', async () => (await page.locator(`${card(opened.id)} ${id('slot-filed')}`).innerText()).includes(me.id));

    await page.locator(`${card(opened.id)} ${id('process-move')}`).click();
    await page.fill(id('onset'), await ahead(9 * 60));
    await page.fill(id('process-until'), await ahead(15 * 60));
    await page.fill(id('reason'), '系统移动偏慢');
    await page.click(`dialog ${id('submit')}`);
    await until('the move', async () => (await processOf(opened.id)).reason === '系统移动偏慢');
    assert.equal((await processOf(opened.id)).slots.find((s) => s.id === due.id).state, 'done', 'what is done stays done');
    await page.locator(`${card(opened.id)} ${id('process-end')}`).click();
    await page.fill(id('reason'), '过程结束');
    await page.keyboard.press('Enter');
    await until('its end', async () => (await processOf(opened.id)).state === 'ended');
    await page.waitForSelector(`${card(opened.id)}[data-state=ended]`);

    await turn(page, 'timeline');
    const said = async () => (await page.locator(`${id('entry')}[data-kind=slot]`).allInnerTexts()).join('\n');
    await until('it is on the timeline', async () => (await said()).includes('大风专报 7'));
    assert.match((await page.locator(`${id('entry')}[data-kind=process]`).allInnerTexts()).join('\n'), /过程结束/);
  });

  await test('a process that the service proposed is taken up', { signed: true }, async (page) => {
    let proposed;
    await until('a proposal', async () => { proposed = (await services()).processes.find((p) => p.state === 'proposed'); return proposed; });
    await turn(page, 'services');
    assert.match(await page.locator(card(proposed.id)).innerText(), /系统提出[\s\S]*依据/);
    await page.locator(`${card(proposed.id)} ${id('process-take')}`).click();
    await page.fill(id('reason'), '会商决定');
    await page.keyboard.press('Enter');
    await until('it is open', async () => (await processOf(proposed.id)).state === 'open');
    assert.equal((await processOf(proposed.id)).by, me.id);
    await page.waitForSelector(`${card(proposed.id)}[data-state=open]`);
  });

  await test('a missed product is an alarm on every page, also of a round before', { signed: true }, async (page) => {
    let of;
    await page.route('**/v1/services', async (route) => {
      const response = await route.fetch();
      const said = await response.json();
      of = said.processes.find((p) => p.state !== 'ended');
      const before = await ahead(-90).then((local) => `${local}:00+08:00`);
      Object.assign(of.slots[0], { state: 'missed', opens: before, moment: before, due: before, round: 1, behind: [{ round: 0, state: 'missed', state_name: {}, since: before, moment: before, due: before, filed: null }] });
      await route.fulfill({ response, json: said });
    });
    await page.reload();
    await page.waitForSelector(id('alarm-services'));
    await turn(page, 'services');
    const rows = page.locator(`[data-testid=owed][data-state=missed][data-id^="${of.id}/${of.slots[0].id}/"]`);
    await until('both rounds', async () => (await rows.count()) === 2);
    assert.match(await rows.first().innerText(), /已超 1 小时/);
    await page.waitForSelector(id('missed-count'));
    await rows.first().locator(id('owed-file')).click();
    assert.equal(await page.locator(`${id('round')} option`).count(), 2, 'which of them is asked');
  });

  await test('the evening product is read, filed as it is worded, and printed', { signed: true }, async (page) => {
    await turn(page, 'services');
    await page.waitForSelector(id('evening'));
    const drafted = await list('/v1/evening');
    assert.ok(drafted.risks.length > 0, 'a risk tonight');
    const shown = await page.locator(id('evening')).innerText();
    const named = (await list('/v1/areas')).features.map((f) => f.properties).find((p) => p.code === `${drafted.risks[0].area.slice(0, 6)}000000`);
    for (const what of ['今夜风险', '天黑前完成的转移', '责任人联络', named.name]) assert.ok(shown.includes(what), `${what} in ${shown}`);
    assert.doesNotMatch(shown, /[a-z]+_[a-z]+/, 'no code of a role');
    assert.doesNotMatch(shown, /1[39]\d{9}/, 'no telephone number');

    await page.click(id('file-evening'));
    await until('the draft', async () => (await page.inputValue(id('evening-zh'))).includes('今夜风险'));
    await page.fill(id('evening-zh'), `${await page.inputValue(id('evening-zh'))}请各区连夜值守。`);
    await page.click(`dialog ${id('submit')}`);
    await until('it is filed', async () => (await list('/v1/evening')).filed?.by === me.id);
    await until('its words', async () => (await page.locator(id('evening-filed')).innerText().catch(() => '')).includes('请各区连夜值守'));
    assert.match(await page.locator(id('evening-state')).innerText(), new RegExp(`(已报送|补报).*${me.id}`));
    assert.equal(await page.locator(id('file-evening')).count(), 0, 'not twice');
    await page.click(id('evening-draft'));
    await page.locator(id('risk')).first().waitFor();

    await page.emulateMedia({ media: 'print' });
    assert.deepEqual(await Promise.all(['page-services', 'print', 'process-open'].map((name) => page.locator(id(name)).isVisible())), [false, false, false], 'the page alone is on paper');
    assert.ok(await page.locator(id('evening')).isVisible());
    const [paper, inner] = await page.evaluate(() => [document.documentElement.scrollHeight, document.querySelector('[data-testid=evening]').scrollHeight]);
    assert.ok(paper >= inner, 'all of it, not what fits the screen');
    await page.emulateMedia({ media: null });

    if (!isMock) return;
    const before = drafted.days.find((d) => d.day !== drafted.day);
    await page.selectOption(id('evening-day'), before.day);
    await until('the evening before', async () => (await page.locator(id('evening-filed')).innerText()).includes(before.day));
    assert.equal(await page.locator(id('evening')).getAttribute('data-running'), 'false');
  });

  await test('what nobody sees is listed by hazard, and in a storm before all else', { signed: true }, async (page) => {
    const known = await list('/v1/blindness');
    const unseen = known.hazards.find((h) => h.areas.some((b) => b.why === 'unseen'));
    const lost = { ...unseen.areas.find((b) => b.why === 'unseen'), why: 'silent', since: (await list('/v1/state')).time, in_force: 'red', alarm: true, count: 2, stations: ['X1', 'X2'], text: { zh: '失联', en: 'lost' } };
    await page.route('**/v1/blindness*', async (route) => {
      const response = await route.fetch();
      const said = await response.json();
      said.hazards.find((h) => h.hazard === unseen.hazard).areas.unshift(lost);
      await route.fulfill({ response, json: said });
    });
    await page.reload();
    await page.waitForSelector(id('blind'));
    await page.waitForSelector(id('alarm-blindness'));
    await page.click(id('show-blind'));
    const row = page.locator(`[data-testid=blind-area][data-id="${lost.hazard}/${lost.area}"][data-alarm=true]`);
    await row.waitFor();
    assert.match(await row.innerText(), /红色生效[\s\S]*X1, X2/);
    const first = await page.locator(id('blind-area')).first().getAttribute('data-alarm');
    assert.equal(first, 'true', 'alarms stand first');
    const silent = known.hazards.flatMap((h) => h.areas).filter((b) => b.why === 'silent' && !b.alarm).length;
    assert.equal(await page.locator(`${id('blind-area')}[data-alarm=false]`).count(), silent);
    assert.equal(await page.locator(id('cluster')).count(), known.clusters.length);
    await page.selectOption(id('blind-hazard'), unseen.hazard);
    const count = unseen.areas.filter((b) => b.why === 'unseen').length;
    assert.match(await page.locator(`[data-testid=unseen][data-hazard="${unseen.hazard}"]`).innerText(), new RegExp(`${count} 个镇街`));
    await row.getByRole('button').click();
    await page.waitForSelector(id('place'));
  });

  await test('blind areas are drawn on the map', { map: true, signed: true }, async (page) => {
    await page.keyboard.press('6');
    await page.waitForSelector(`${id('map')}[data-loaded=true]`);
    await page.waitForSelector(id('unseen'));
    await until('the legend', async () => /无站点/.test(await page.locator('#map .legend').innerText()));
  });

  await test('a rule is silenced with a reason, stands on the main screen, and speaks again', { signed: true }, async (page, context) => {
    const [rule] = (await list('/v1/rules')).filter((r) => r.level === 'township' && r.muted.length === 0);
    const muted = async () => (await list('/v1/rules')).find((r) => r.id === rule.id).muted;
    const town = (await list('/v1/areas')).features.map((f) => f.properties).find((p) => p.level === 'township');
    const theirs = await another(context);
    await turn(page, 'rulebooks');
    await page.fill(id('find-rule'), rule.id);
    await page.locator(`[data-testid=rule][data-id="${rule.id}"] ${id('mute')}`).click();
    await page.check(id('mute-area'));
    await page.selectOption(`dialog ${id('district')}`, town.parent);
    await page.selectOption(`dialog ${id('township')}`, town.code);
    await page.click(`dialog ${id('submit')}`);
    assert.match(await page.locator(`dialog ${id('refused')}`).innerText(), /理由/);
    await page.fill(id('reason'), '传感器在泥里');
    await page.fill(id('mute-until'), await ahead(60 * 24 * 3));
    await page.click(`dialog ${id('submit')}`);
    await until('it is too long', async () => /1d at most/.test(await page.locator(`dialog ${id('refused')}`).innerText().catch(() => '')));
    assert.deepEqual(await muted(), []);
    await page.fill(id('mute-until'), await ahead(90));
    await page.click(`dialog ${id('submit')}`);
    await until('it is silenced', async () => (await muted()).length === 1);
    const [mute] = await muted();
    assert.deepEqual([mute.area, mute.person, mute.reason], [town.code, me.id, '传感器在泥里']);

    // The other's screen hears of it by itself.
    const line = theirs.locator(`${id('muted-rules')} [data-testid=silence][data-rule="${rule.id}"]`).filter({ hasText: '传感器在泥里' });
    await line.waitFor();
    const said = await line.innerText();
    const here = new RegExp(`${town.name}|${town.name_en.replace(/ (Subdistrict|Town)$/, '')}`);
    for (const what of [here, new RegExp(me.id), new RegExp(mute.until.slice(11, 16)), /1 (小时|h)/]) assert.match(said, what);
    await line.locator(id('unmute')).click();
    await theirs.click(`dialog ${id('submit')}`);
    await until('it speaks', async () => (await muted()).length === 0);
    await line.waitFor({ state: 'detached' });
    await until('the first screen knows', async () => (await page.locator(`[data-testid=silence][data-rule="${rule.id}"]`).count()) === 0);
    await theirs.context().close();
  });

  await test('a rule is silenced in the whole city', { signed: true }, async (page) => {
    const [rule] = (await list('/v1/rules')).filter((r) => r.level === 'township' && r.muted.length === 0);
    const muted = async () => (await list('/v1/rules')).find((r) => r.id === rule.id).muted;
    await turn(page, 'rulebooks');
    await page.fill(id('find-rule'), rule.id);
    await page.locator(`[data-testid=rule][data-id="${rule.id}"] ${id('mute')}`).click();
    await page.fill(id('reason'), '阈值有误');
    await page.click(`dialog ${id('submit')}`);
    const zones = (await districts()).length;
    await until('it is silenced in every district', async () => (await muted()).filter((m) => m.area === null).length >= zones);
    await page.waitForSelector('dialog', { state: 'detached' });
    await post(`/v1/rules/${rule.id}/unmute`, {});
    await until('it speaks', async () => (await muted()).length === 0);
  });

  await test('a declined proposal says who sent it away and why', { signed: true }, async (page) => {
    let of;
    await until('a proposal', async () => { of = (await list('/v1/responses')).find((r) => r.plan === 'waterlogging-district' && r.proposal?.level); return of; });
    await turn(page, 'responses');
    await page.locator(`[data-testid=response][data-id="${of.plan}/${of.area}"] ${id('respond-decline')}`).click();
    await page.fill(id('reason'), '本区雨已停');
    await page.keyboard.press('Enter');
    await until('it is declined', async () => (await list('/v1/responses')).find((r) => r.plan === of.plan && r.area === of.area).declined?.by === me.id);
    await until('its card says so', async () => (await page.locator(`[data-testid=response][data-id="${of.plan}/${of.area}"]`).innerText().catch(() => '')).includes('本区雨已停') || (await page.locator(`[data-testid=response][data-id="${of.plan}/${of.area}"]`).count()) === 0);
    await turn(page, 'timeline');
    const entry = page.locator(id('entry')).filter({ hasText: '驳回建议' }).filter({ hasText: '本区雨已停' });
    await entry.first().waitFor();
    assert.ok((await entry.first().innerText()).includes(me.id));
  });
}
