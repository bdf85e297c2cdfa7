//! What a storm needs of a city: its stations and sites with their places.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Stations and sites of a generated city directory; its tables hold no quoted cell. `thin` keeps each such one of a kind. */
export function registry(directory, thin = 1) {
  const sites = table(join(directory, 'sites.csv')).filter((_, index) => index % thin === 0);
  const watched = new Set(sites.map((site) => site.station));
  const stations = table(join(directory, 'stations.csv'))
    .filter((station, index) => (station.kind === 'rain_gauge' || station.kind === 'weather' ? index % thin === 0 : watched.has(station.id)));
  return { stations, sites };
}

function table(path) {
  const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const columns = header.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    const row = Object.fromEntries(columns.map((column, index) => [column, cells[index]]));
    return { ...row, ...kilometres(Number(row.lon), Number(row.lat)) };
  });
}

/** Kilometres east and north of the city's middle. */
export function kilometres(lon, lat) {
  return { x: (lon - 113.29) * 102.4, y: (lat - 23.115) * 110.8 };
}
