//! People who subscribed to warnings: clustered where people live, invented throughout.

import { random } from './random.mjs';

const HEADER = 'id,lon,lat,phone,language,audience,email,push\n';

/** Audience beside `public`, with the chance in a thousand of each. */
const AUDIENCES = [
  ['school', 40], ['construction', 30], ['basement', 25], ['outdoor', 40], ['marine', 6], ['elderly', 60], ['transport', 25],
  ['tourism', 10], ['rescue', 4], ['media', 1],
];

/** `count` subscribers as CSV text. */
export function subscribers(land, count) {
  const draw = random('subscribers');
  const people = land.townships.reduce((sum, township) => sum + township.population, 0);
  const lines = [HEADER];
  let due = 0;
  let phones = 0;
  for (const township of land.townships) {
    due += township.population;
    const until = Math.floor((due / people) * count);
    const clusters = Array.from({ length: 4 }, () => draw.pick(township.cells));
    while (lines.length - 1 < until) {
      const number = lines.length;
      const [lon, lat] = spot(township, clusters, draw);
      const reachable = draw.next();
      const hasPhone = reachable < 0.96;
      // Three in a hundred repeat an earlier phone; numbers run through +86 139 01 xxxxx and on, an invented block.
      const repeated = hasPhone && phones > 0 && draw.chance(0.03);
      if (hasPhone && !repeated) phones += 1;
      const phone = !hasPhone ? '' : phoneOf(repeated ? 1 + draw.below(phones) : phones);
      const id = `U${String(number).padStart(6, '0')}`;
      const push = !hasPhone && reachable < 0.985 ? `push-${id}` : draw.chance(0.1) ? `push-${id}` : '';
      const email = !hasPhone && push === '' ? mail(id) : draw.chance(0.05) ? mail(id) : '';
      const language = draw.chance(0.06) ? 'en' : 'zh';
      lines.push(`${id},${lon.toFixed(5)},${lat.toFixed(5)},${phone},${language},${audience(draw)},${email},${push}\n`);
    }
  }
  return lines.join('');
}

const phoneOf = (number) => `+861390${String(1_000_000 + number)}`;
const mail = (id) => `${id.toLowerCase()}@sanfang.example`;

function audience(draw) {
  let chance = draw.below(1000);
  for (const [name, share] of AUDIENCES) {
    chance -= share;
    if (chance < 0) return `public;${name}`;
  }
  return 'public';
}

/** Near one of the township's clusters for most, anywhere in it for the rest; always on one of its hexagons. */
function spot(township, clusters, draw) {
  const [lon, lat] = draw.chance(0.6) ? draw.pick(clusters) : draw.pick(township.cells);
  const reach = township.reach * 0.7;
  return [lon + draw.between(-1, 1) * reach, lat + draw.between(-1, 1) * reach];
}
