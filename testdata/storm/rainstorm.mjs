//! A 200-year rainstorm over the demo city: six hours of it from 2023-09-07T18:00+08:00, then three that dry up.

import { random } from '../generate/random.mjs';
import { floodDepths } from './depths.mjs';
import { localTime, observation, tenths } from './lines.mjs';
import { Bucket, Rain, train } from './rain.mjs';
import { slopeMoves } from './slopes.mjs';
import { Wire, isOut, outage } from './wire.mjs';

const START = Date.parse('2023-09-07T18:00:00+08:00');
const MINUTES = 9 * 60;
const DYING = 14;

/** The storm's rain field: three trains of cells, and steady rain that thins out before midnight. */
export function rainOverCity(draw) {
  const cells = [
    ...train(draw, { from: -10, until: 45, count: 8, x: 18, y: -31, vx: 0.35, vy: 0.25, spread: 6, radius: 10, peak: 0.95 }),
    ...train(draw, { from: 10, until: 165, count: 17, x: 10, y: -1, vx: 0.3, vy: 0.15, spread: 5, radius: 9, peak: 1.65 }),
    ...train(draw, { from: 50, until: 190, count: 11, x: 36, y: 20, vx: 0.35, vy: 0.3, spread: 9, radius: 10, peak: 1.5 }),
    ...train(draw, { from: 70, until: 200, count: 9, x: -4, y: 20, vx: 0.2, vy: 0.4, spread: 9, radius: 10, peak: 1.05 }),
    ...train(draw, { from: 120, until: 260, count: 7, x: 42, y: 56, vx: 0.25, vy: 0.35, spread: 7, radius: 11, peak: 1.4 }),
  ];
  const sheet = (minute) => {
    if (minute < 30) return 0.001 * minute;
    if (minute < 240) return 0.03;
    if (minute < 390) return 0.03 * ((390 - minute) / 150);
    return 0;
  };
  return new Rain(cells, sheet);
}

/** Writes the storm and gives its figures. */
export function rainstorm(registry, file) {
  const draw = random('rainstorm');
  const rain = rainOverCity(random('rainstorm cells'));
  const wire = new Wire(file);
  const gauges = registry.stations.filter((station) => station.kind === 'rain_gauge')
    .map((station) => ({ ...station, bucket: new Bucket(), bias: draw.between(0.9, 1.1), dies: Infinity, stuck: Infinity, ...outage(draw, 0.05), total: 0 }));
  const weather = registry.stations.filter((station) => station.kind === 'weather');
  for (let i = 0; i < DYING; i++) draw.pick(gauges).dies = 45 + draw.below(160);
  draw.pick(gauges.filter((gauge) => gauge.x < -15)).stuck = 70;
  const depths = floodDepths(registry, rain);
  const slopes = slopeMoves(registry);
  for (let minute = 1; minute <= MINUTES; minute++) {
    const time = localTime(START + minute * 60_000);
    const now = [];
    rain.advance(minute);
    for (const gauge of gauges) {
      if (minute >= gauge.dies || isOut(gauge, minute)) continue;
      const fallen = rain.at(gauge.x, gauge.y) * gauge.bias * draw.between(0.75, 1.25);
      const tips = minute >= gauge.stuck ? 2 : gauge.bucket.tip(fallen);
      gauge.total += tips;
      sendRain(wire, draw, gauge, minute, time, tips, now);
    }
    depths.send(wire, minute, time, now);
    if (minute % 10 === 0) slopes.send(wire, minute, time, now);
    if (minute % 5 === 0) for (const station of weather) sendAir(draw, station, minute, time, now);
    mangle(wire, draw, minute, time, now);
    wire.flush(minute, now);
  }
  wire.end();
  return { ...wire.counts, dying: gauges.filter((gauge) => gauge.dies < Infinity).length, wettest: `${tenths(Math.max(...gauges.map((gauge) => gauge.total)))} mm` };
}

/** Two in a thousand readings are wrong at first and put right within twenty minutes, once in a while grossly wrong. */
function sendRain(wire, draw, gauge, minute, time, tips, now) {
  const unit = draw.chance(0.1) ? ',"unit":"mm"' : '';
  if (!draw.chance(0.002)) {
    wire.send(draw, minute, observation(gauge.id, 'rainfall', time, tenths(tips), unit), now);
    return;
  }
  const wrong = draw.chance(0.06) ? tips + 100 + draw.below(250) : draw.chance(0.5) ? 0 : tips + 1 + draw.below(30);
  wire.counts.corrected += wrong === tips ? 0 : 1;
  now.push(observation(gauge.id, 'rainfall', time, tenths(wrong), unit));
  wire.arrive(minute + draw.below(21), observation(gauge.id, 'rainfall', time, tenths(tips), unit));
}

function sendAir(draw, station, minute, time, now) {
  const gusty = minute > 20 && minute < 220 ? 60 : 15;
  const speed = 15 + draw.below(gusty);
  const say = (parameter, value) => now.push(observation(station.id, parameter, time, value));
  say('wind_speed', tenths(speed));
  say('wind_gust', tenths(speed + 10 + draw.below(gusty)));
  say('wind_direction', String(draw.below(360)));
  say('temperature', tenths(245 + draw.below(20)));
  say('humidity', tenths(920 + draw.below(70)));
  say('pressure', tenths(10035 + draw.below(15)));
}

/** A few lines that must each be refused, alone and with a reason. */
function mangle(wire, draw, minute, time, now) {
  if (minute % 9 === 4) {
    wire.counts.unknown += 1;
    now.push(observation(`X${String(draw.below(40)).padStart(4, '0')}`, 'rainfall', time, '1.0'));
  }
  if (minute % 20 !== 7) return;
  const station = 'G00100';
  const broken = [
    `{"station":"${station}","parameter":"rainfall","time":"${time}","value":\n`,
    observation(station, 'rainfall', time, '0.4', ',"unit":"hPa"'),
    observation(station, 'rainfall', time, '-5.0'),
    observation(station, 'rainfall', time, '9999.0'),
    observation(station, 'rainfal', time, '0.4'),
    observation(station, 'rainfall', '2023-09-31T18:00:00+08:00', '0.4'),
    observation(station, 'rainfall', time, '"much"'),
    `{"station":"${station}","time":"${time}","value":0.4}\n`,
  ];
  wire.counts.malformed += 1;
  now.push(broken[Math.floor(minute / 20) % broken.length]);
}
