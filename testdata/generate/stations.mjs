//! Stations that do not belong to a site: rain gauges and weather stations.

import { numbered } from './csv.mjs';
import { random } from './random.mjs';

const GAUGES = 2000;
const GAUGES_LEAST = 6; // in a township, however small
const WEATHER_STATIONS = 24;

export const STATION_COLUMNS = ['id', 'name', 'name_en', 'kind', 'lon', 'lat', 'area', 'parameters', 'owner', 'class', 'interval'];

/** Rows of rain gauges (dense in the centre and the hills alike) and weather stations. */
export function stations(land) {
  return [...gauges(land), ...weather(land)];
}

function gauges(land) {
  const draw = random('gauges');
  const wanted = land.townships.map((township) => GAUGES_LEAST + draw.below(9));
  let surplus = wanted.reduce((a, b) => a + b, 0) - GAUGES;
  while (surplus !== 0) {
    const index = draw.below(wanted.length);
    if (surplus > 0 && wanted[index] === GAUGES_LEAST) continue;
    wanted[index] -= Math.sign(surplus);
    surplus -= Math.sign(surplus);
  }
  const rows = [];
  land.townships.forEach((township, index) => {
    for (let i = 1; i <= wanted[index]; i++) {
      const [lon, lat] = land.place(township, draw);
      const official = draw.chance(0.7);
      rows.push({
        id: numbered('G', rows.length + 1, 5), name: `${township.stem}雨量站${i}`, name_en: `${township.nameEn} rain gauge ${i}`,
        kind: 'rain_gauge', lon, lat, area: township.code, parameters: 'rainfall',
        owner: official ? '市气象局' : '市水务局', class: official ? 'official' : 'reference', interval: 60,
      });
    }
  });
  return rows;
}

function weather(land) {
  const draw = random('weather');
  const step = Math.floor(land.townships.length / WEATHER_STATIONS);
  return Array.from({ length: WEATHER_STATIONS }, (_, index) => {
    const township = land.townships[index * step + Math.floor(step / 2)];
    const [lon, lat] = land.place(township, draw);
    return {
      id: numbered('A', index + 1, 3), name: `${township.stem}气象站`, name_en: `${township.nameEn} weather station`,
      kind: 'weather', lon, lat, area: township.code, parameters: 'wind_speed;wind_gust;wind_direction;temperature;humidity;pressure',
      owner: '市气象局', class: 'official', interval: 300,
    };
  });
}
