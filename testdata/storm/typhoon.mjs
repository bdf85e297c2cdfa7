//! A typhoon that passes south-west of the demo city: eighteen hours. Wind comes each minute, as stations report it while a
//! typhoon is near; the rest and the rain gauges each fifth.

import { random } from '../generate/random.mjs';
import { localTime, observation, tenths } from './lines.mjs';
import { Bucket } from './rain.mjs';
import { Wire, isOut } from './wire.mjs';

const START = Date.parse('2023-09-01T14:00:00+08:00');
const MINUTES = 18 * 60;
const STEP = 5; // minutes between readings of what is not wind
const CORE = 45; // kilometres from the centre to the strongest wind
const STRONGEST = 36; // metres a second
const DEFICIT = 420; // tenths of a hectopascal at the centre
const EACH_MINUTE = ',"interval":60';

/** Compass points at 22.5 degrees as unit vectors (sixteenths), clockwise from north: no arc tangent needed. */
const ROSE = [[0, 1], [0.3827, 0.9239], [0.7071, 0.7071], [0.9239, 0.3827]];

/** Writes the passage and gives its figures. */
export function typhoon(registry, file) {
  const draw = random('typhoon');
  const wire = new Wire(file);
  const gauges = registry.stations.filter((station) => station.kind === 'rain_gauge').map((station) => ({ ...station, bucket: new Bucket() }));
  const masts = registry.stations.filter((station) => station.kind === 'weather').map((station) => ({ ...station, shelter: draw.between(0.6, 1), lost: Infinity, back: 0 }));
  // Every fourth mast falls silent about the worst hour; every second of these comes back.
  masts.forEach((mast, index) => {
    if (index % 4 === 1) Object.assign(mast, { lost: 560 + draw.below(120), back: index % 8 === 1 ? Infinity : 30 + draw.below(60) });
  });
  let strongest = 0;
  let lowest = 20000;
  for (let minute = 1; minute <= MINUTES; minute++) {
    const time = localTime(START + minute * 60_000);
    const eye = { x: 190 - (minute * 420) / MINUTES, y: -150 + (minute * 230) / MINUTES };
    const now = [];
    for (const mast of masts) {
      const air = airAt(eye, mast, draw);
      if (isOut(mast, minute)) continue;
      strongest = Math.max(strongest, air.gust);
      lowest = Math.min(lowest, air.pressure);
      wire.send(draw, minute, observation(mast.id, 'wind_speed', time, tenths(air.speed), EACH_MINUTE), now);
      sendGust(wire, draw, mast, minute, time, air.gust, now);
      if (minute % STEP !== 0) continue;
      const say = (parameter, value) => wire.send(draw, minute, observation(mast.id, parameter, time, value), now);
      say('wind_direction', String(air.direction));
      say('temperature', tenths(262 - Math.floor(minute / 60)));
      say('humidity', tenths(900 + draw.below(90)));
      say('pressure', tenths(air.pressure));
    }
    if (minute % STEP === 0) {
      for (const gauge of gauges) {
        const tips = gauge.bucket.tip(rainAt(eye, gauge, minute / STEP) * STEP * draw.between(0.7, 1.3));
        wire.send(draw, minute, observation(gauge.id, 'rainfall', time, tenths(tips), ',"interval":300'), now);
      }
    }
    wire.flush(minute, now);
  }
  wire.end();
  return { ...wire.counts, silent: masts.filter((mast) => mast.lost < Infinity).length, strongest: `${tenths(strongest)} m/s`, lowest: `${tenths(lowest)} hPa` };
}

/** Three in a thousand gusts are wrong at first (a bird, a knock, a cut line) and put right within twenty minutes. */
function sendGust(wire, draw, mast, minute, time, gust, now) {
  const line = (value) => observation(mast.id, 'wind_gust', time, tenths(value), EACH_MINUTE);
  if (!draw.chance(0.003)) {
    wire.send(draw, minute, line(gust), now);
    return;
  }
  const wrong = draw.chance(0.7) ? gust + 120 + draw.below(150) : 0;
  wire.counts.corrected += 1;
  now.push(line(wrong));
  wire.arrive(minute + 1 + draw.below(20), line(gust));
}

/** Wind grows to the core and wanes with the square root of the distance outside it; all in tenths. */
function airAt(eye, station, draw) {
  const dx = station.x - eye.x;
  const dy = station.y - eye.y;
  const distance = Math.sqrt(dx * dx + dy * dy);
  const profile = distance < CORE ? distance / CORE : Math.sqrt(CORE / distance) * Math.min(1, 260 / (distance + 60));
  const speed = Math.round(STRONGEST * profile * station.shelter * draw.between(0.9, 1.05) * 10);
  return {
    speed, gust: Math.round(speed * draw.between(1.25, 1.55)), pressure: Math.round(10080 - DEFICIT / (1 + (distance * distance) / (CORE * CORE * 4)) + draw.between(-2, 2)),
    // Anticlockwise and inward: the wind comes from the right of the line to the eye.
    direction: bearing(dy + dx * 0.35, -dx + dy * 0.35),
  };
}

function bearing(east, north) {
  let best = 0;
  let most = -Infinity;
  for (let point = 0; point < 16; point++) {
    const [across, along] = ROSE[point % 4];
    const [x, y] = [[across, along], [along, -across], [-across, -along], [-along, across]][Math.floor(point / 4)];
    const blowing = east * x + north * y;
    if (blowing > most) [best, most] = [point, blowing];
  }
  return Math.round(best * 22.5) % 360;
}

/** Spiral bands: rings of rain that turn with the storm, strong near the core. Millimetres a minute; a step is five. */
function rainAt(eye, gauge, step) {
  const dx = gauge.x - eye.x;
  const dy = gauge.y - eye.y;
  const distance = Math.sqrt(dx * dx + dy * dy);
  if (distance > 230) return 0;
  const turn = distance / 38 + (dx + 2 * dy) / 160 + step / 9;
  const phase = turn - Math.floor(turn);
  const band = phase < 0.4 ? 1 - Math.abs(phase - 0.2) / 0.2 : 0;
  return (0.05 + 1.6 * band * band) * (1 - distance / 230);
}
