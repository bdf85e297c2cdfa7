//! What a storm needs of a city: its stations and sites with their places.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Stations and sites of a generated city directory; its tables hold no quoted cell. */
export function registry(directory) {
  return { stations: table(join(directory, 'stations.csv')), sites: table(join(directory, 'sites.csv')) };
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
