// Exercises and the change of shift, against the mock and, where it has what they need, against a real server.

import assert from 'node:assert/strict';
import { id, list, me, test, until } from './harness.mjs';

export async function drillCases() {
  await test('an exercise is begun, stands on every page, is scored and ended', { signed: true }, async (page) => {
    // A service without white lists has no exercises: the page says so.
    const { groups } = await list('/v1/exercises');
    await page.keyboard.press('7');
    await page.waitForSelector(id('drills-page'));
    if (groups.length === 0) {
      await page.waitForSelector('text=[exercise]');
      return;
    }
    await page.click(id('drill-new'));
    const form = page.locator(`${id('drills-page')} form`);
    await form.locator('input[required]').first().fill('汛前演练');
    await form.locator('input[type=search]').fill('街');
    await form.locator('.row.wrap button', { hasText: '＋' }).first().click();
    await form.locator('button[type=submit]').click();
    await page.waitForSelector(id('exercise'));
    await page.waitForSelector(id('drill-runs'));
    await page.click(id('page-warnings'));
    await page.waitForSelector(id('drill-runs'));
    await page.click(id('page-drills'));
    await page.locator(id('drill-score')).first().click();
    await page.waitForSelector(id('score'));
    assert.match(await page.locator(id('score')).innerText(), /演练/);
    const end = page.locator(id('drill-end')).first();
    await end.click();
    await end.click();
    await until('its end', async () => (await list('/v1/exercises')).exercises[0].state === 'over');
    await until('no more on the pages', async () => (await page.locator(id('drill-runs')).count()) === 0);
  });

  await test('a shift is taken over by two keys', { signed: true }, async (page) => {
    await page.keyboard.press('h');
    await page.waitForSelector(`dialog ${id('points')}`);
    // Another point may come while the list is read: it is shown, and Enter asked for again.
    await until('who took over', async () => {
      if ((await page.locator('dialog[open]').count()) > 0) await page.keyboard.press('Enter');
      const { last } = await list('/v1/handover');
      return last?.person === me.id;
    });
  });
}
