// The mock's city and weather: the demo city where it is present, else four made-up townships.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CITY = fileURLToPath(new URL('../../testdata/city/', import.meta.url));

/** Rows of a CSV without quoted line breaks, as objects. */
function rows(name) {
  const [head, ...lines] = readFileSync(CITY + name, 'utf8').trim().split('\n');
  const columns = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
  });
}

export function city() {
  return existsSync(CITY + 'areas.geojson') ? demoCity() : tinyCity();
}

function demoCity() {
  const areas = JSON.parse(readFileSync(CITY + 'areas.geojson', 'utf8'));
  const stations = rows('stations.csv').map((r) => ({
    id: r.id, name: r.name, name_en: r.name_en, kind: r.kind, lon: Number(r.lon), lat: Number(r.lat), area: r.area, parameters: r.parameters.split(';'), last: {},
  }));
  const sites = rows('sites.csv').map((r) => ({
    id: r.id, name: r.name, name_en: r.name_en, kind: r.kind, lon: Number(r.lon), lat: Number(r.lat), area: r.area, station: r.station || null, tier: 'none',
    thresholds: Object.fromEntries(['blue', 'yellow', 'orange', 'red', 'close', 'height'].filter((k) => r[k]).map((k) => [k, Number(r[k])])),
  }));
  const contacts = rows('contacts.csv');
  return { code: '440100000000', name: { zh: '穗城（演示）', en: 'Suicheng (demo)' }, areas, stations, sites, contacts };
}

function tinyCity() {
  const square = (w, s, size) => [[[w, s], [w + size, s], [w + size, s + size], [w, s + size], [w, s]]];
  const area = (code, name, name_en, level, parent, population, ring) => ({
    type: 'Feature', properties: { code, name, name_en, level, parent, population }, geometry: { type: 'Polygon', coordinates: ring },
  });
  const features = [
    area('990100000000', '小城', 'Smalltown', 'city', null, 400000, square(113, 23, 0.4)),
    area('990101000000', '东区', 'East District', 'district', '990100000000', 400000, square(113, 23, 0.4)),
  ];
  const stations = [], sites = [], contacts = [];
  for (let n = 0; n < 4; n += 1) {
    const code = `99010100${n + 1}000`;
    const w = 113 + 0.2 * (n % 2), s = 23 + 0.2 * Math.floor(n / 2);
    features.push(area(code, `第${n + 1}街道`, `No. ${n + 1} Subdistrict`, 'township', '990101000000', 100000, square(w, s, 0.2)));
    stations.push({ id: `G${n}`, name: `雨量站${n}`, name_en: `Rain gauge ${n}`, kind: 'rain_gauge', lon: w + 0.1, lat: s + 0.1, area: code, parameters: ['rainfall'], last: {} });
    stations.push({ id: `W${n}`, name: `水深计${n}`, name_en: `Depth sensor ${n}`, kind: 'depth_sensor', lon: w + 0.05, lat: s + 0.05, area: code, parameters: ['water_depth'], last: {} });
    sites.push({ id: `C${n}`, name: `涵洞${n}`, name_en: `Culvert ${n}`, kind: 'culvert', lon: w + 0.05, lat: s + 0.05, area: code, station: `W${n}`, tier: 'none', thresholds: { blue: 0.05, yellow: 0.15, orange: 0.27, red: 0.5 } });
    contacts.push({ id: `P${n}`, name: `责任人${n}`, role: 'township_head', area: code, phone: '+8613900000000', site: '' });
    contacts.push({ id: `Q${n}`, name: `点位责任人${n}`, role: 'site_owner', area: code, phone: '+8613900000001', site: `C${n}` });
  }
  return { code: '990100000000', name: { zh: '小城', en: 'Smalltown' }, areas: { type: 'FeatureCollection', features }, stations, sites, contacts };
}

/** Rain of each minute in mm: two cells that cross the middle of the city, the second one harder. */
export function rain(city, minute, lon, lat) {
  const [w, s, e, n] = bbox(city);
  const cells = [
    { x: 0.3, y: 0.35, vx: 0.0022, vy: 0.0005, start: 0, peak: 1.0, width: 0.085 },
    { x: 0.2, y: 0.25, vx: 0.0016, vy: 0.0009, start: 50, peak: 1.75, width: 0.075 },
  ];
  let sum = 0;
  for (const cell of cells) {
    const at = minute - cell.start;
    if (at < 0) continue;
    const dx = (lon - w) / (e - w) - (cell.x + cell.vx * at);
    const dy = (lat - s) / (n - s) - (cell.y + cell.vy * at);
    const grown = Math.min(1, at / 30) * Math.max(0, 1 - Math.max(0, at - 240) / 90);
    sum += cell.peak * grown * Math.exp(-(dx * dx + dy * dy) / (2 * cell.width * cell.width));
  }
  return sum < 0.05 ? 0 : Math.round(sum * 10) / 10;
}

export function bbox(city) {
  if (city.bbox) return city.bbox;
  let [w, s, e, n] = [180, 90, -180, -90];
  for (const station of city.stations) {
    w = Math.min(w, station.lon); e = Math.max(e, station.lon);
    s = Math.min(s, station.lat); n = Math.max(n, station.lat);
  }
  city.bbox = [w - 0.03, s - 0.03, e + 0.03, n + 0.03];
  return city.bbox;
}
