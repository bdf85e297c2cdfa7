//! Standing water at culverts, underpasses and low road points: rises after the rain, by several centimetres a minute at the worst.

import { random } from '../generate/random.mjs';
import { observation } from './lines.mjs';
import { isOut } from './wire.mjs';

const LAG = 5; // minutes from rain to water
const MEMORY = 15; // minutes of rain that feed it
const SILENT = 5; // sensors that die above their orange tier
const SILLS = 10; // sites whose water runs off at exactly a threshold
const UNIT_EVERY = 10; // each tenth sensor writes centimetres

/** Depth sensors at the registry's sites; `send` gives one minute's readings. */
export function floodDepths(registry, rain) {
  const draw = random('depths');
  const sensors = registry.sites.filter((site) => site.station.startsWith('W')).map((site, index) => ({
    site, index, depth: 0, past: [], silent: Infinity, sill: Infinity, lost: Infinity, back: 11 + draw.below(14), weak: draw.chance(0.35), peak: 0,
    // Most drains carry a heavy storm; one in four is undersized.
    drains: draw.chance(0.3) ? draw.between(0.4, 1.1) : draw.between(1.3, 2.6),
    gathers: draw.between(8, 30), lets: draw.between(4, 11),
  }));
  const low = sensors.filter((sensor) => sensor.drains < 1.1);
  for (let i = 0; i < SILLS; i++) {
    const sensor = low[(i * 7) % low.length];
    sensor.sill = Math.round(Number(sensor.site[['red', 'orange', 'yellow'][i % 3]]) * 1000);
  }
  let silenced = 0;
  return {
    send(wire, minute, time, now) {
      for (const sensor of sensors) {
        sensor.past.push(rain.at(sensor.site.x, sensor.site.y));
        const fed = sensor.past.slice(-(LAG + MEMORY), -LAG);
        const mean = fed.reduce((a, b) => a + b, 0) / MEMORY;
        const excess = mean - sensor.drains;
        // The deeper the water, the wider it spreads and the slower it rises.
        const change = excess > 0 ? (excess * sensor.gathers) / (1 + sensor.depth / 250) : -sensor.lets;
        sensor.depth = Math.min(Math.max(sensor.depth + change, 0), sensor.sill);
        sensor.peak = Math.max(sensor.peak, sensor.depth);
        const blue = 1000 * Number(sensor.site.blue);
        // A weak link fails just as the water has gone: what was not seen does not count as dry.
        if (sensor.weak && sensor.lost === Infinity && sensor.peak > blue && sensor.depth < blue - 32) sensor.lost = minute + 3;
        if (sensor.silent <= minute || isOut(sensor, minute)) continue;
        const ripple = sensor.depth > 30 && sensor.depth < sensor.sill ? draw.below(7) - 3 : 0;
        const millimetres = Math.round(sensor.depth) + ripple;
        if (silenced < SILENT && sensor.sill === Infinity && millimetres > 1000 * Number(sensor.site.orange) + 20 && sensor.index % 3 === 0) {
          silenced += 1;
          sensor.silent = minute + 1;
        }
        const line = sensor.index % UNIT_EVERY === 0
          ? observation(sensor.site.station, 'water_depth', time, (millimetres / 10).toFixed(1), ',"unit":"cm"')
          : observation(sensor.site.station, 'water_depth', time, (millimetres / 1000).toFixed(3));
        wire.send(draw, minute, line, now);
      }
    },
  };
}
