// Evidence in words: `rainfall.sum("3h")` = `104.2` reads "rain over 3 h 104.2 mm".

import type { Lang } from './types';

interface Parameter {
  zh: string;
  en: string;
  unit: string;
}

const PARAMETERS: Record<string, Parameter> = {
  rainfall: { zh: '雨量', en: 'rain', unit: 'mm' },
  water_depth: { zh: '积水', en: 'water depth', unit: 'm' },
  water_level: { zh: '水位', en: 'water level', unit: 'm' },
  flow: { zh: '流量', en: 'flow', unit: 'm³/s' },
  wind_speed: { zh: '风速', en: 'wind', unit: 'm/s' },
  wind_gust: { zh: '阵风', en: 'gust', unit: 'm/s' },
  wind_direction: { zh: '风向', en: 'wind direction', unit: '°' },
  temperature: { zh: '气温', en: 'temperature', unit: '°C' },
  humidity: { zh: '湿度', en: 'humidity', unit: '%' },
  pressure: { zh: '气压', en: 'pressure', unit: 'hPa' },
  visibility: { zh: '能见度', en: 'visibility', unit: 'm' },
  soil_moisture: { zh: '土壤含水', en: 'soil moisture', unit: '%' },
  displacement: { zh: '位移', en: 'displacement', unit: 'mm' },
  tilt: { zh: '倾角', en: 'tilt', unit: '°' },
  crack: { zh: '裂缝', en: 'crack', unit: 'mm' },
  pore_pressure: { zh: '孔压', en: 'pore pressure', unit: 'kPa' },
  groundwater_level: { zh: '地下水位', en: 'groundwater', unit: 'm' },
  snowfall: { zh: '降雪', en: 'snow', unit: 'mm' },
  lightning: { zh: '雷电次数', en: 'lightning strokes', unit: '' },
  hail: { zh: '冰雹直径', en: 'hail diameter', unit: 'mm' },
  road_temperature: { zh: '路面温度', en: 'road temperature', unit: '°C' },
  fire_danger: { zh: '森林火险等级', en: 'fire danger grade', unit: '' },
  storage: { zh: '可用库容', en: 'usable storage', unit: '%' },
};

export const parameterName = (name: string, lang: Lang): string => PARAMETERS[name]?.[lang] ?? name;
export const parameterUnit = (name: string): string => PARAMETERS[name]?.unit ?? '';

function window(text: string, lang: Lang): string {
  const found = text.match(/^(\d+)(m|h|d|s)(@.*)?$/);
  if (!found) return text;
  const units: Record<string, [string, string]> = { s: [' 秒', ' s'], m: [' 分钟', ' min'], h: [' 小时', ' h'], d: [' 天', ' d'] };
  const unit = units[found[2] ?? '']?.[lang === 'zh' ? 0 : 1] ?? '';
  return `${found[1]}${unit}${found[3] ?? ''}`;
}

/** One call of a rule with its value, in words; a call of unknown form is shown as written. */
export function inWords(call: string, value: string, lang: Lang): string {
  const found = call.match(/^(?:site\.station\("\w+"\)\.|area\.)?(\w+)\.(last|sum|max|min|mean|delta|rate|count|age)\((?:"([^"]*)")?\)$/);
  const parameter = found ? PARAMETERS[found[1] ?? ''] : undefined;
  if (!found || !parameter) return `${call} = ${value}`;
  const name = parameter[lang];
  const over = found[3] ? window(found[3], lang) : '';
  const unit = parameter.unit === '°' || parameter.unit === '' ? parameter.unit : ` ${parameter.unit}`;
  if (lang === 'zh') {
    switch (found[2]) {
      case 'last': return `${name} ${value}${unit}`;
      case 'sum': return `${over}${name} ${value}${unit}`;
      case 'max': return `${over}最大${name} ${value}${unit}`;
      case 'min': return `${over}最小${name} ${value}${unit}`;
      case 'mean': return `${over}平均${name} ${value}${unit}`;
      case 'delta': return `${over}${name}变化 ${value}${unit}`;
      case 'rate': return `${over}${name}变率 ${value}${unit}/小时`;
      case 'count': return `${over}${name}读数 ${value} 个`;
      default: return `${name}距今 ${value}`;
    }
  }
  switch (found[2]) {
    case 'last': return `${name} ${value}${unit}`;
    case 'sum': return `${name} over ${over} ${value}${unit}`;
    case 'max': return `highest ${name} in ${over} ${value}${unit}`;
    case 'min': return `lowest ${name} in ${over} ${value}${unit}`;
    case 'mean': return `mean ${name} over ${over} ${value}${unit}`;
    case 'delta': return `${name} change in ${over} ${value}${unit}`;
    case 'rate': return `${name} changing ${value}${unit}/h over ${over}`;
    case 'count': return `${value} readings of ${name} in ${over}`;
    default: return `age of ${name} ${value}`;
  }
}
