//! A city directory round stations that somebody else runs: boxes for areas, one site a station, nobody in it.

const MARGIN = 0.02; // degrees round the outermost stations

/** Files of the directory. `places`: `{id, name, kind, lon, lat, region, thresholds}`; `regions` by name to district code. */
export function directory({ code, name, timeZone, parameter, interval, regions, places, rule }) {
  const features = [
    box({ code, name, name_en: name, level: 'city', parent: null }, places),
    ...[...regions].map(([region, regionCode]) => box({ code: regionCode, name: region, name_en: region, level: 'district', parent: code }, places.filter((place) => place.region === region))),
  ];
  const columns = [...new Set(places.flatMap((place) => Object.keys(place.thresholds)))];
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const stations = places.map((place) => [place.id, quoted(place.name), place.kind, place.lon, place.lat, regions.get(place.region), parameter, interval].join(','));
  const sites = places.map((place) => [`site-${place.id}`, quoted(place.name), place.kind, place.lon, place.lat, regions.get(place.region), place.id, ...columns.map((column) => place.thresholds[column] ?? '')].join(','));
  return {
    'city.toml': cityToml({ code, name, timeZone }),
    'areas.geojson': `{"type":"FeatureCollection","note":"boxes round the stations, not borders","features":[\n${features.map((feature) => JSON.stringify(feature)).join(',\n')}\n]}\n`,
    'stations.csv': ['id,name,kind,lon,lat,area,parameters,interval', ...stations, ''].join('\n'),
    'sites.csv': [['id', 'name', 'kind', 'lon', 'lat', 'area', 'station', ...columns].join(','), ...sites, ''].join('\n'),
    'contacts.csv': 'id,name,role,area,phone,site,email,language,deputy,level\n',
    'subscribers.csv': 'id,lon,lat,phone,language,audience,email,push\n',
    'rules/recorded.toml': rule,
  };
}

function cityToml({ code, name, timeZone }) {
  return `schema = 1
name = { zh = "${name}", en = "${name}" }
code = "${code}"
time_zone = "${timeZone}"

[[authority]]
id = "${code.slice(0, 6)}00000000"
name = { zh = "${name}", en = "${name}" }
signature = { zh = "${name}", en = "${name}" }
own = true
`;
}

function box(properties, places) {
  const [lons, lats] = [places.map(({ lon }) => lon), places.map(({ lat }) => lat)];
  const [west, east] = [Math.min(...lons) - MARGIN, Math.max(...lons) + MARGIN].map(fiveDecimals);
  const [south, north] = [Math.min(...lats) - MARGIN, Math.max(...lats) + MARGIN].map(fiveDecimals);
  const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]];
  return { type: 'Feature', properties: { ...properties, population: 0 }, geometry: { type: 'Polygon', coordinates: [ring] } };
}

const fiveDecimals = (degrees) => Math.round(degrees * 1e5) / 1e5;

/** Observation lines in time order; those of one time stay in the order given. */
export function ndjson(readings) {
  return readings.sort((a, b) => a.time - b.time).map(({ station, parameter, time, value }) => `{"station":${JSON.stringify(station)},"parameter":"${parameter}","time":"${new Date(time).toISOString().slice(0, 19)}Z","value":${value}}\n`).join('');
}

/** Names in order to district codes under a city code. */
export function districts(code, names) {
  return new Map([...new Set(names)].sort().map((name, index) => [name, `${code.slice(0, 4)}${String(index + 1).padStart(2, '0')}000000`]));
}
