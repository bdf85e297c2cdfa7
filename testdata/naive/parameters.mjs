//! Parameters: unit, decimal places of the quantum, plausible range, default interval, staleness, and units that convert.

const MINUTE = 60_000;

/** `decimals`: the quantum is ten to the minus that. `interval`, `stale`: milliseconds. `counts`: a value covers its interval. */
export const PARAMETERS = {
  rainfall: row('mm', 2, 0, 500, 1, 10),
  rainfall_total: row('mm', 2, 0, 100000, 1, 10),
  water_level: row('m', 4, -500, 9000, 60, 60),
  water_depth: row('m', 4, -1, 100, 1, 10),
  flow: row('m3/s', 3, -100000, 200000, 60, 60),
  wind_speed: row('m/s', 1, 0, 120, 5, 60),
  wind_gust: row('m/s', 1, 0, 150, 5, 60),
  wind_direction: row('deg', 0, 0, 360, 5, 60),
  temperature: row('Cel', 1, -80, 60, 5, 60),
  humidity: row('%', 1, 0, 100, 5, 60),
  pressure: row('hPa', 1, 500, 1100, 5, 60),
  visibility: row('m', 0, 0, 100000, 5, 60),
  soil_moisture: row('%', 1, 0, 100, 60, 60),
  displacement: row('mm', 2, -100000, 100000, 10, 60),
  tilt: row('deg', 3, -180, 180, 10, 60),
  crack: row('mm', 2, -10000, 10000, 10, 60),
  pore_pressure: row('kPa', 2, -1000, 10000, 10, 60),
  groundwater_level: row('m', 4, -1000, 9000, 60, 60),
  snowfall: row('mm', 2, 0, 500, 1, 60),
  lightning: row('1', 0, 0, 1000000, 1, 60),
  hail: row('mm', 1, 0, 300, 1, 60),
  road_temperature: row('Cel', 1, -80, 100, 5, 60),
  fire_danger: row('1', 0, 1, 5, 24 * 60, 26 * 60),
  storage: row('%', 1, 0, 200, 24 * 60, 26 * 60),
};

/** How a written unit becomes another: multiply by ten to the power, or by a factor. */
const LENGTH = { mm: 0.001, cm: 0.01, m: 1, in: 0.0254, ft: 0.3048 };
const SPEED = { 'm/s': 1, 'km/h': 1 / 3.6, kn: 1852 / 3600 };
const SYNONYMS = { '°': 'deg', '℃': 'Cel', '°C': 'Cel', C: 'Cel', 'm³/s': 'm3/s', mbar: 'hPa', kt: 'kn', inch: 'in' };

/** The factor from a written unit to the parameter's own; undefined where they do not fit. */
export function factor(parameter, written) {
  const own = PARAMETERS[parameter].unit;
  const unit = SYNONYMS[written] ?? written;
  if (unit === own) return 1;
  for (const scale of [LENGTH, SPEED]) if (unit in scale && own in scale) return scale[unit] / scale[own];
  return undefined;
}

/** A value in the parameter's unit as whole quanta, rounded half to even on its decimal text. */
export function quanta(parameter, value) {
  const scaled = Number((value * 10 ** PARAMETERS[parameter].decimals).toPrecision(15));
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  if (rest !== 0.5) return Math.round(scaled);
  return floor % 2 === 0 ? floor : floor + 1;
}

function row(unit, decimals, low, high, intervalMinutes, staleMinutes) {
  return { unit, decimals, low, high, interval: intervalMinutes * MINUTE, stale: staleMinutes * MINUTE };
}
