//! A typhoon that passes south-west of the demo city: eighteen hours at five-minute steps.

import { random } from '../generate/random.mjs';
import { localTime, observation, tenths } from './lines.mjs';
import { Bucket } from './rain.mjs';
import { Wire } from './wire.mjs';

const START = Date.parse('2023-09-01T14:00:00+08:00');
const STEPS = 18 * 12;
const CORE = 45; // kilometres from the centre to the strongest wind
const STRONGEST = 44; // metres a second
const DEFICIT = 420; // tenths of a hectopascal at the centre

/** Compass points at 22.5 degrees as unit vectors (sixteenths), clockwise from north: no arc tangent needed. */
const ROSE = [[0, 1], [0.3827, 0.9239], [0.7071, 0.7071], [0.9239, 0.3827]];

/** Writes the passage and gives its figures. */
export function typhoon(registry, file) {
  const draw = random('typhoon');
  const wire = new Wire(file);
  const gauges = registry.stations.filter((station) => station.kind === 'rain_gauge').map((station) => ({ ...station, bucket: new Bucket() }));
  const weather = registry.stations.filter((station) => station.kind === 'weather').map((station) => ({ ...station, shelter: draw.between(0.6, 1) }));
  let strongest = 0;
  let lowest = 20000;
  for (let step = 1; step <= STEPS; step++) {
    const minute = step * 5;
    const time = localTime(START + minute * 60_000);
    const eye = { x: 190 - (step * 420) / STEPS, y: -150 + (step * 230) / STEPS };
    const now = [];
    for (const station of weather) {
      const air = airAt(eye, station, draw);
      strongest = Math.max(strongest, air.gust);
      lowest = Math.min(lowest, air.pressure);
      const say = (parameter, value) => wire.send(draw, minute, observation(station.id, parameter, time, value), now);
      say('wind_speed', tenths(air.speed));
      say('wind_gust', tenths(air.gust));
      say('wind_direction', String(air.direction));
      say('temperature', tenths(262 - Math.floor(step / 12)));
      say('humidity', tenths(900 + draw.below(90)));
      say('pressure', tenths(air.pressure));
    }
    for (const gauge of gauges) {
      const tips = gauge.bucket.tip(rainAt(eye, gauge, step) * 5 * draw.between(0.7, 1.3));
      wire.send(draw, minute, observation(gauge.id, 'rainfall', time, tenths(tips), ',"interval":300'), now);
    }
    wire.flush(minute, now);
    for (let between = 1; between < 5; between++) wire.flush(minute + between, []);
  }
  wire.end();
  return { ...wire.counts, strongest: `${tenths(strongest)} m/s`, lowest: `${tenths(lowest)} hPa` };
}

/** Wind grows to the core and wanes with the square root of the distance outside it; all in tenths. */
function airAt(eye, station, draw) {
  const dx = station.x - eye.x;
  const dy = station.y - eye.y;
  const distance = Math.sqrt(dx * dx + dy * dy);
  const profile = distance < CORE ? distance / CORE : Math.sqrt(CORE / distance) * Math.min(1, 260 / (distance + 60));
  const speed = Math.round(STRONGEST * profile * station.shelter * draw.between(0.85, 1.05) * 10);
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

/** Spiral bands: rings of rain that turn with the storm, strong near the core. Millimetres a minute. */
function rainAt(eye, gauge, step) {
  const dx = gauge.x - eye.x;
  const dy = gauge.y - eye.y;
  const distance = Math.sqrt(dx * dx + dy * dy);
  if (distance > 230) return 0;
  const turn = distance / 38 + (dx + 2 * dy) / 160 + step / 9;
  const phase = turn - Math.floor(turn);
  const band = phase < 0.4 ? 1 - Math.abs(phase - 0.2) / 0.2 : 0;
  return (0.03 + 0.55 * band * band) * (1 - distance / 230);
}
