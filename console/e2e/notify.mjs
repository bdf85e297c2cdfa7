// The residents' page: subscribing, and what the service worker shows of pushes that DevTools delivers.

import assert from 'node:assert/strict';
import { accessFaults } from './access.mjs';
import { isMock, list, test, until } from './harness.mjs';

/** No browser of a test reaches a push service: what it would give is given by hand. */
function subscribed() {
  const subscription = {
    endpoint: 'https://push.example.org/send/e2e',
    toJSON() { return { endpoint: this.endpoint, keys: { p256dh: 'key', auth: 'secret' } }; },
    async unsubscribe() { held = null; return true; },
  };
  let held = null;
  PushManager.prototype.subscribe = async (options) => {
    if (!options.userVisibleOnly || !options.applicationServerKey) throw new TypeError('not as browsers want it');
    held = subscription;
    return subscription;
  };
  PushManager.prototype.getSubscription = async () => held;
}

export async function notifyCases() {
  await test('who comes to the page of notifications is told where there are none', { locale: 'en-GB' }, async (page) => {
    if (isMock) await page.route('**/v1/push/key', (route) => route.fulfill({ status: 404, body: '{}' }));
    await page.goto(new URL('/notify.html', page.url()).href);
    await until('a word', async () => (await page.textContent('#said')).includes('pushes no notifications'));
  });
  if (!isMock) return;

  await test('a resident subscribes by an area or by where they are, and leaves', { locale: 'zh-CN' }, async (page, context) => {
    const origin = new URL(page.url()).origin;
    const { features } = await list('/v1/areas');
    const street = features.find((f) => f.properties.level === 'township' && f.geometry.type === 'Polygon');
    const ring = street.geometry.coordinates[0];
    const [longitude, latitude] = [0, 1].map((axis) => ring.slice(1).reduce((sum, point) => sum + point[axis], 0) / (ring.length - 1));
    await context.grantPermissions(['notifications', 'geolocation'], { origin });
    await context.setGeolocation({ longitude, latitude });
    await context.addInitScript(subscribed);
    const sent = [];
    page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`));
    await page.goto(`${origin}/notify.html`);
    await page.waitForSelector('body[data-ready]');
    await page.click('#subscribe');
    await until('a word', async () => (await page.textContent('#said')) === '请先选择地区');
    await page.click('#near');
    await page.waitForSelector('#areas li');
    const near = await page.textContent('#areas li');
    await page.selectOption('#area', street.properties.parent);
    await page.click('#add');
    await page.click('#subscribe');
    await until('a subscription', async () => (await page.textContent('#said')) === '已订阅');
    const left = await list('/v1/push/subscriptions-left');
    assert.equal(left.length, 1);
    assert.equal(left[0].language, 'zh');
    assert.equal(left[0].areas.length, 2);
    assert.ok(near.length > 2 && left[0].areas.includes(street.properties.parent));
    for (const digits of [String(longitude).slice(0, 8), String(latitude).slice(0, 7)]) {
      assert.ok(!sent.some((request) => request.includes(digits)), 'the place leaves the phone');
    }
    await page.selectOption('#language', 'en');
    assert.equal(await page.textContent('#subscribe'), 'Subscribe');
    assert.deepEqual(await accessFaults(page, 'main'), []);
    await page.click('#leave');
    await until('a word', async () => (await page.textContent('#said')) === 'Unsubscribed');
    assert.deepEqual(await list('/v1/push/subscriptions-left'), []);
  });

  await test('who is followed hears of the area they come into, and no place leaves the phone', { locale: 'en-GB' }, async (page, context) => {
    const origin = new URL(page.url()).origin;
    const { features } = await list('/v1/areas');
    const streets = features.filter((f) => f.properties.level === 'township' && f.geometry.type === 'Polygon').slice(0, 2);
    const middle = ({ geometry: { coordinates: [ring] } }) => [0, 1].map((axis) => ring.slice(1).reduce((sum, point) => sum + point[axis], 0) / (ring.length - 1));
    const places = streets.map((street) => { const [longitude, latitude] = middle(street); return { longitude, latitude }; });
    const codes = streets.map((street) => street.properties.code);
    await context.grantPermissions(['notifications', 'geolocation'], { origin });
    await context.setGeolocation(places[0]);
    await context.addInitScript(subscribed);
    const sent = [];
    page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`));
    await page.goto(`${origin}/notify.html`);
    await page.waitForSelector('body[data-ready]');
    await page.check('#follow');
    await until('where they are', async () => (await page.textContent('#areas')).includes('(where you are)'));
    await page.click('#subscribe');
    await until('a subscription', async () => (await page.textContent('#said')) === 'Subscribed');
    const areas = async () => (await list('/v1/push/subscriptions-left'))[0]?.areas;
    assert.deepEqual(await areas(), [codes[0]]);
    await context.setGeolocation(places[1]);
    await until('the next area', async () => (await areas())?.[0] === codes[1]);
    assert.deepEqual(await areas(), [codes[1]]);
    const before = sent.length;
    // Out at sea the last area stays, and nothing is said.
    await context.setGeolocation({ longitude: 0, latitude: 0 });
    await page.waitForTimeout(300);
    assert.equal(sent.slice(before).filter((request) => request.includes('/v1/push/subscriptions')).length, 0);
    for (const { longitude, latitude } of places) {
      for (const digits of [String(longitude).slice(0, 8), String(latitude).slice(0, 7)]) {
        assert.ok(!sent.some((request) => request.includes(digits)), 'the place leaves the phone');
      }
    }
    assert.deepEqual(await accessFaults(page, 'main'), []);
    await page.click('#leave');
    await until('a word', async () => (await page.textContent('#said')) === 'Unsubscribed');
  });

  await test('a push is shown, an update takes its place and so does the all-clear', {}, async (page, context) => {
    const origin = new URL(page.url()).origin;
    await context.grantPermissions(['notifications'], { origin });
    await page.goto(`${origin}/notify.html`);
    const devtools = await context.newCDPSession(page);
    let registrationId;
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => { registrationId = registrations.find((r) => r.scopeURL.startsWith(origin))?.registrationId ?? registrationId; });
    await devtools.send('ServiceWorker.enable');
    await page.evaluate(async () => { await navigator.serviceWorker.register('/push-worker.js'); await navigator.serviceWorker.ready; });
    await until('a worker', () => registrationId);
    const shown = () => page.evaluate(async () => {
      const worker = await navigator.serviceWorker.getRegistration('/');
      return (await worker.getNotifications()).map(({ title, body, tag, lang, requireInteraction }) => ({ title, body, tag, lang, requireInteraction }));
    });
    // Chromium drops a notification that is asked for between its record and its display: nobody asks before the worker has shown it.
    const worker = context.serviceWorkers().find((one) => one.url().endsWith('/push-worker.js')) ?? await context.waitForEvent('serviceworker');
    await worker.evaluate(() => {
      const show = self.registration.showNotification.bind(self.registration);
      self.displayed = 0;
      self.registration.showNotification = async (...said) => { await show(...said); self.displayed += 1; };
    });
    const push = async (said) => {
      const before = await worker.evaluate(() => self.displayed);
      await devtools.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data: typeof said === 'string' ? said : JSON.stringify(said) });
      await until('the worker to show it', async () => (await worker.evaluate(() => self.displayed)) > before);
    };
    const alert = { title: '暴雨红色预警', body: '天河区:请立即撤离', tag: 'w1', language: 'zh-CN', urgent: true, ends: false };
    await push(alert);
    await until('a notification', async () => (await shown()).length === 1);
    assert.deepEqual(await shown(), [{ title: alert.title, body: alert.body, tag: 'w1', lang: 'zh-CN', requireInteraction: true }]);
    await push({ ...alert, title: '暴雨橙色预警', body: '降级' });
    await until('the update', async () => (await shown())[0]?.title === '暴雨橙色预警');
    await push({ ...alert, title: '暴雨预警解除', body: '', urgent: false, ends: true });
    await until('the end', async () => (await shown())[0]?.title === '暴雨预警解除');
    assert.equal((await shown()).length, 1);
    assert.equal((await shown())[0].requireInteraction, false);
    await push({ ...alert, tag: 'w2' });
    await until('another warning beside it', async () => (await shown()).length === 2);
    await push('no JSON');
    await until('something for what cannot be read', async () => (await shown()).some((n) => n.tag === 'unreadable'));
  });
}
