//! Sites with their own thresholds, and the sensors that stand at them.

import { csv, numbered } from './csv.mjs';
import { random } from './random.mjs';
import { STATION_COLUMNS } from './stations.mjs';

const FLOOD_POINTS = 400;
const SLOPES = 200;
const SCHOOLS = 60;
const NURSING_HOMES = 30;

const HILLY = new Set(['440111000000', '440112000000', '440114000000', '440117000000', '440118000000']);
const COLUMNS = ['id', 'name', 'name_en', 'kind', 'lon', 'lat', 'area', 'station', 'actuator', 'plan', 'owner', 'blue', 'yellow', 'orange', 'red', 'close', 'height'];

/** Defaults in centimetres: a road point by lane, exhaust and kerb heights; an underpass far lower, closed before a car stalls. */
const FLOOD_KINDS = {
  culvert: { zh: '涵洞', en: 'culvert', tiers: [5, 15, 27, 50], close: 20 },
  underpass: { zh: '下穿隧道', en: 'underpass', tiers: [5, 15, 27, 50], close: 20 },
  waterlogging: { zh: '易涝点', en: 'waterlogging point', tiers: [15, 27, 40, 50], close: null },
};

/** `rows` of sites, `csv` of them, and `stationsCsv`: the given stations followed by the sites' own sensors. */
export function sites(land, gauges) {
  const flood = floodPoints(land);
  const slope = slopes(land);
  const rows = [...flood.rows, ...slope.rows, ...buildings(land, 'school', SCHOOLS, 'E', '小学', 'primary school'), ...buildings(land, 'nursing_home', NURSING_HOMES, 'N', '养老院', 'nursing home')];
  return { rows, csv: csv(COLUMNS, rows), stationsCsv: csv(STATION_COLUMNS, [...gauges, ...flood.sensors, ...slope.sensors]) };
}

function floodPoints(land) {
  const draw = random('flood points');
  const rows = [];
  const sensors = [];
  for (let i = 1; i <= FLOOD_POINTS; i++) {
    const township = byPopulation(land, draw);
    const [lon, lat] = land.place(township, draw);
    const chance = draw.next();
    const kind = chance < 0.4 ? 'culvert' : chance < 0.7 ? 'underpass' : 'waterlogging';
    const { zh, en, tiers, close } = FLOOD_KINDS[kind];
    const shift = draw.below(5) - 2;
    const [blue, yellow, orange, red] = tiers.map((cm, tier) => metres(cm + (tier === 0 ? 0 : shift)));
    const barrier = close !== null && draw.chance(0.8);
    const id = numbered('C', i, 4);
    const station = numbered('W', i, 4);
    const actuators = [barrier && `barrier-${id}`, draw.chance(0.7) && `siren-${id}`, draw.chance(0.6) && `sign-${id}`].filter(Boolean);
    rows.push({
      id, name: `${township.stem}${zh}${i}`, name_en: `${township.nameEn} ${en} ${i}`, kind, lon, lat, area: township.code, station,
      actuator: actuators.join(';'), plan: `plan-${id}`, owner: draw.pick(['市排水公司', '区住建局', '区交通局', '市道路养护中心']),
      blue, yellow, orange, red, close: close === null ? '' : metres(close + shift),
    });
    sensors.push({
      id: station, name: `${township.stem}${zh}${i}水深`, name_en: `${township.nameEn} ${en} ${i} depth`, kind: 'depth_sensor', lon, lat,
      area: township.code, parameters: 'water_depth', owner: '市排水公司', class: 'official', interval: 60,
    });
  }
  return { rows, sensors };
}

function slopes(land) {
  const draw = random('slopes');
  const hills = land.townships.filter((township) => HILLY.has(township.district.code));
  const rows = [];
  const sensors = [];
  for (let i = 1; i <= SLOPES; i++) {
    const township = draw.chance(0.85) ? draw.pick(hills) : draw.pick(land.townships);
    const [lon, lat] = land.place(township, draw);
    const id = numbered('P', i, 4);
    const station = numbered('S', i, 4);
    const share = 8 + draw.below(5); // tenths
    const [blue, yellow, orange, red] = [5, 10, 20, 50].map((rate) => tenths(rate * share));
    rows.push({
      id, name: `${township.stem}边坡${i}`, name_en: `${township.nameEn} slope ${i}`, kind: 'slope', lon, lat, area: township.code, station,
      actuator: draw.chance(0.3) ? `siren-${id}` : '', plan: `plan-${id}`, owner: draw.pick(['区规划和自然资源局', '镇街应急办', '物业公司']),
      blue, yellow, orange, red, height: 8 + draw.below(40),
    });
    sensors.push({
      id: station, name: `${township.stem}边坡${i}位移`, name_en: `${township.nameEn} slope ${i} sensor`, kind: 'slope', lon, lat,
      area: township.code, parameters: `displacement;${draw.chance(0.6) ? 'crack' : 'tilt'}`, owner: '市规划和自然资源局', class: 'official', interval: 600,
    });
  }
  return { rows, sensors };
}

function buildings(land, kind, count, letter, zh, en) {
  const draw = random(kind);
  return Array.from({ length: count }, (_, index) => {
    const township = byPopulation(land, draw);
    const [lon, lat] = land.place(township, draw);
    const id = numbered(letter, index + 1, 4);
    return {
      id, name: `${township.stem}第${index + 1}${zh}`, name_en: `${township.nameEn} ${en} ${index + 1}`, kind, lon, lat, area: township.code,
      station: '', actuator: '', plan: `plan-${id}`, owner: kind === 'school' ? '区教育局' : '区民政局',
    };
  });
}

/** A township drawn with a chance in proportion to its people. */
export function byPopulation(land, draw) {
  const total = land.townships.reduce((sum, township) => sum + township.population, 0);
  let left = draw.below(total);
  for (const township of land.townships) {
    left -= township.population;
    if (left < 0) return township;
  }
  return land.townships.at(-1);
}

const metres = (centimetres) => (centimetres / 100).toFixed(2);
const tenths = (count) => `${Math.floor(count / 10)}${count % 10 ? `.${count % 10}` : ''}`;
