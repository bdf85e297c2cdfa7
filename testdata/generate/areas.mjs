//! Areas of the demo city as GeoJSON, and places drawn at random inside them.

import { borders, contains } from './borders.mjs';
import { CITY, DISTRICTS } from './places.mjs';
import { random } from './random.mjs';

const NOTE = '边界为虚构,仅供演示;名称与区划代码为公开信息,人口为约数或虚构。'
  + ' Boundaries are made up, for demonstration only; names and division codes are public; populations are rounded or made up.';

/** The city's areas: `geojson` text, `townships` in code order and `place`, which draws a point inside a township. */
export function areas() {
  const net = borders();
  const townships = DISTRICTS.flatMap((district) => withPopulation(district).map((township) => {
    const geometry = net.geometry((code) => code === township.code);
    return { ...township, district, geometry, cells: net.cells(township.code), reach: reach(net.cells(township.code)) };
  }));
  const features = [
    feature(CITY, 'city', null, DISTRICTS.reduce((sum, district) => sum + district.population, 0), net.geometry((code) => code !== null)),
    ...DISTRICTS.map((district) => {
      const own = new Set(district.townships.map((township) => township.code));
      return feature({ ...district, nameEn: `${district.nameEn} District` }, 'district', CITY.code, district.population, net.geometry((code) => own.has(code)));
    }),
    ...townships.map((township) => feature(township, 'township', township.district.code, township.population, township.geometry)),
  ];
  const lines = features.map((one) => JSON.stringify(one)).join(',\n');
  return {
    geojson: `{"type":"FeatureCollection","note":${JSON.stringify(NOTE)},"features":[\n${lines}\n]}\n`,
    townships,
    place: (township, draw) => place(township, draw),
  };
}

function feature({ code, name, nameEn }, level, parent, population, geometry) {
  return { type: 'Feature', properties: { code, name, name_en: nameEn, level, parent, population }, geometry };
}

/** Shares a district's people out among its townships in whole hundreds; the last one takes the rest. */
function withPopulation(district) {
  const draw = random(`population ${district.code}`);
  const weights = district.townships.map(() => draw.between(0.5, 1.6));
  const total = weights.reduce((a, b) => a + b, 0);
  let left = district.population;
  return district.townships.map((township, index) => {
    const last = index === district.townships.length - 1;
    const population = last ? left : Math.round((district.population * weights[index]) / total / 100) * 100;
    left -= population;
    return { ...township, population };
  });
}

/** Half the spacing of a township's hexagons, in degrees: how far a point may stray from a hexagon's centre. */
function reach(cells) {
  let least = Infinity;
  for (let i = 1; i < cells.length; i++) {
    least = Math.min(least, Math.sqrt((cells[i][0] - cells[0][0]) ** 2 + (cells[i][1] - cells[0][1]) ** 2));
  }
  return least / 2;
}

/** A point inside the township, five decimals. */
function place(township, draw) {
  for (;;) {
    const [lon, lat] = draw.pick(township.cells);
    const x = Math.round((lon + draw.between(-1, 1) * township.reach) * 1e5) / 1e5;
    const y = Math.round((lat + draw.between(-1, 1) * township.reach) * 1e5) / 1e5;
    if (contains(township.geometry, x, y)) return [x, y];
  }
}
