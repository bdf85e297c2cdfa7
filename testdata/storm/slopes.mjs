//! Slopes that creep, and a few that gather speed as the water reaches them.

import { random } from '../generate/random.mjs';
import { observation } from './lines.mjs';

/** Millimetres that the moving slopes cover by the end of the storm, from hardly to nearly failing. */
const MOVES = [6.5, 8, 12, 15, 24, 28, 60, 85];
const ONSET = 120; // minutes after the storm's start
const LASTS = 240;

/** Slope sensors; `send` gives the readings of one ten-minute step. */
export function slopeMoves(registry) {
  const draw = random('slopes in the rainstorm');
  const slopes = registry.sites.filter((site) => site.kind === 'slope').map((site) => ({
    site, moved: draw.between(0, 40), creep: draw.between(0, 0.5) / 144, travel: 0, onset: ONSET + draw.below(40),
    second: registry.stations.find((station) => station.id === site.station).parameters.split(';')[1],
  }));
  const spacing = Math.floor(slopes.length / MOVES.length);
  MOVES.forEach((travel, index) => { slopes[(index * spacing + 3) % slopes.length].travel = travel; });
  return {
    send(wire, minute, time, now) {
      for (const slope of slopes) {
        const share = Math.min(Math.max((minute - slope.onset) / LASTS, 0), 1);
        const run = slope.travel * share * share * share; // ever faster until it stops
        const moved = slope.moved + slope.creep * (minute / 10) + run + draw.between(-0.02, 0.02);
        wire.send(draw, minute, observation(slope.site.station, 'displacement', time, moved.toFixed(2)), now);
        const second = slope.second === 'crack' ? (moved * 0.4).toFixed(2) : (0.5 + run * 0.012).toFixed(3);
        wire.send(draw, minute, observation(slope.site.station, slope.second, time, second), now);
      }
    },
  };
}
