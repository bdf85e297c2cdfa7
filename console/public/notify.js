// A resident's page: which areas, in which language, and the browser's own consent. Where somebody is
// is found out here and never sent: the service hears the code of an area alone.

const AREAS_MAX = 16;
const KEPT = 'sanfang.notify';
const WORDS = {
  zh: {
    title: '用通知接收预警', what: '发布的预警以通知送到这台设备;更新和解除会替换上一条。随时可以取消。', language: '语言', area: '地区', add: '加入这个地区',
    near: '用我现在的位置', nearNote: '位置只在本机上对照地区,不会发送。', follow: '本页打开时跟随我的位置', followNote: '进入正在预警的地区,马上收到那里的预警;离开时不再打扰,解除仍会通知。发送的只有地区代码。', here: '{name}(现在的位置)', subscribe: '订阅通知', leave: '取消订阅', remove: '去掉',
    none: '请先选择地区', done: '已订阅', left: '已取消订阅', denied: '浏览器不允许通知:请在网站设置里允许后再试', unsupported: '此浏览器不支持通知推送', absent: '本站没有开通通知推送',
    outside: '您的位置不在本市任何地区内', lost: '取不到位置:{why}', failed: '未成功:{why}', full: '最多 16 个地区',
  },
  en: {
    title: 'Warnings by notification', what: 'What is issued comes to this device as a notification; an update and an all-clear take the place of the one before. You may leave at any time.', language: 'Language', area: 'Area', add: 'Add this area',
    near: 'Use where I am', nearNote: 'Your place is compared with the areas on this device and never sent.', follow: 'Follow where I am while this page is open', followNote: 'Whoever comes into an area that is being warned hears of it then. Leaving it says nothing; its all-clear still comes. Only the code of the area is sent.', here: '{name} (where you are)', subscribe: 'Subscribe', leave: 'Unsubscribe', remove: 'Remove',
    none: 'Choose an area first', done: 'Subscribed', left: 'Unsubscribed', denied: 'The browser allows no notifications: allow them in its settings of this site and try again', unsupported: 'This browser takes no pushed notifications', absent: 'This site pushes no notifications',
    outside: 'You are in no area of this city', lost: 'No place found: {why}', failed: 'Not done: {why}', full: '16 areas at most',
  },
};

const of = (name) => document.getElementById(name);
const kept = JSON.parse(localStorage.getItem(KEPT) ?? '{}');
let language = kept.language ?? (navigator.language.startsWith('zh') ? 'zh' : 'en');
let chosen = kept.areas ?? [];
/** The smallest area that holds this device, where it is followed. */
let here = kept.here ?? null;
let follows = kept.follows ?? false;
let watch = null;
let areas = [];
let key = null;

const word = (name, values = {}) => (WORDS[language] ?? WORDS.en)[name].replace(/\{(\w+)\}/g, (_, value) => values[value]);
const say = (name, values) => { of('said').textContent = word(name, values); };
const nameOf = (area) => (language === 'zh' ? area.name : area.name_en || area.name);
const keep = () => localStorage.setItem(KEPT, JSON.stringify({ language, areas: chosen, here, follows }));
const wanted = () => [...new Set([...(here ? [here] : []), ...chosen])].slice(0, AREAS_MAX);

function show() {
  document.documentElement.lang = language;
  for (const e of document.querySelectorAll('[data-word]')) e.textContent = word(e.dataset.word);
  const before = of('area').value;
  of('area').replaceChildren(...areas.map(({ properties }) => new Option(nameOf(properties), properties.code)));
  if (before) of('area').value = before;
  const lines = here && !chosen.includes(here) ? [hereLine()] : [];
  of('follow').checked = follows;
  of('areas').replaceChildren(...lines, ...chosen.map((code) => {
    const line = document.createElement('li');
    const known = areas.find((a) => a.properties.code === code);
    line.textContent = known ? nameOf(known.properties) : code;
    const remove = document.createElement('button');
    remove.type = 'button';
    remove.textContent = word('remove');
    remove.addEventListener('click', () => { chosen = chosen.filter((c) => c !== code); keep(); show(); });
    line.append(remove);
    return line;
  }));
}

function hereLine() {
  const line = document.createElement('li');
  const known = areas.find((a) => a.properties.code === here);
  line.textContent = word('here', { name: known ? nameOf(known.properties) : here });
  return line;
}

function add(code) {
  if (chosen.includes(code)) return;
  if (chosen.length >= AREAS_MAX) return say('full');
  chosen = [...chosen, code];
  keep();
  show();
}

async function ask(method, path, body) {
  const answer = await fetch(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail ?? answer.statusText);
}

/** Whether a point lies in rings of a polygon: by the even-odd rule, holes included. */
function within(lon, lat, rings) {
  let inside = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [x1, y1] = ring[i];
      const [x2, y2] = ring[j];
      if (y1 > lat !== y2 > lat && lon < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) inside = !inside;
    }
  }
  return inside;
}

/** The smallest area that holds a place. */
function smallest({ longitude, latitude }) {
  const levels = ['community', 'township', 'district', 'city'];
  const holding = areas.filter(({ geometry }) => {
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
    return polygons.some((rings) => within(longitude, latitude, rings));
  });
  holding.sort((a, b) => levels.indexOf(a.properties.level) - levels.indexOf(b.properties.level));
  return holding[0]?.properties.code;
}

const lost = (error) => say('lost', { why: error.message });

function near() {
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    const found = smallest(coords);
    if (found) add(found);
    else say('outside');
  }, lost, { timeout: 15_000 });
}

/** Who is in another area than before is told what stands there by the service, once: it knows what
 * this browser was told. Outside of the city the last area stays. */
function moved(coords) {
  const found = smallest(coords);
  if (!found || found === here) return;
  here = found;
  keep();
  show();
  renew();
}

function follow() {
  if (watch !== null) navigator.geolocation.clearWatch(watch);
  watch = follows ? navigator.geolocation.watchPosition(({ coords }) => moved(coords), lost, { maximumAge: 5_000 }) : null;
}

let renewed = Promise.resolve();
/** Leaves the areas that are wanted now in the place of those before, one after the other. */
function renew() {
  renewed = renewed.then(async () => {
    const worker = await navigator.serviceWorker.getRegistration('/');
    const subscription = await worker?.pushManager.getSubscription();
    const areas = wanted();
    if (subscription && areas.length > 0) await ask('POST', '/v1/push/subscriptions', { subscription: subscription.toJSON(), areas, language });
  }).catch((error) => say('failed', { why: error.message }));
}

async function subscribe() {
  if (wanted().length === 0) return say('none');
  try {
    if ((await Notification.requestPermission()) !== 'granted') return say('denied');
    const worker = await navigator.serviceWorker.register('/push-worker.js');
    await navigator.serviceWorker.ready;
    const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    await ask('POST', '/v1/push/subscriptions', { subscription: subscription.toJSON(), areas: wanted(), language });
    of('leave').hidden = false;
    say('done');
  } catch (error) {
    say('failed', { why: error.message });
  }
}

async function leave() {
  try {
    const worker = await navigator.serviceWorker.getRegistration('/');
    const subscription = await worker?.pushManager.getSubscription();
    if (subscription) {
      await ask('DELETE', '/v1/push/subscriptions', { endpoint: subscription.endpoint });
      await subscription.unsubscribe();
    }
    of('leave').hidden = true;
    say('left');
  } catch (error) {
    say('failed', { why: error.message });
  }
}

async function begin() {
  const languages = new Intl.DisplayNames([navigator.language], { type: 'language', fallback: 'code' });
  show();
  const answer = await fetch('/v1/push/key');
  if (!answer.ok) return say('absent');
  if (!('serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window)) return say('unsupported');
  const about = await answer.json();
  key = about.key;
  of('language').replaceChildren(...about.languages.map((tag) => new Option(languages.of(tag) ?? tag, tag)));
  if (!about.languages.includes(language)) language = about.languages[0];
  of('language').value = language;
  areas = (await (await fetch('/v1/areas')).json()).features;
  of('language').addEventListener('change', () => { language = of('language').value; keep(); show(); });
  of('add').addEventListener('click', () => add(of('area').value));
  of('near').addEventListener('click', near);
  of('follow').addEventListener('change', () => {
    follows = of('follow').checked;
    if (!follows) here = null;
    keep();
    show();
    follow();
    if (!follows) renew();
  });
  of('subscribe').addEventListener('click', subscribe);
  of('leave').addEventListener('click', leave);
  show();
  const worker = await navigator.serviceWorker.getRegistration('/');
  const subscription = await worker?.pushManager.getSubscription();
  of('leave').hidden = !subscription;
  follow();
  document.body.dataset.ready = 'true';
}

begin().catch((error) => say('failed', { why: error.message }));
