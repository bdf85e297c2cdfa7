//! Tasks of the response plans: 一点一策 for each culvert and underpass, 一区一单 for each district.
//! Wording and minutes are made up (design-default).

import { csv } from './csv.mjs';
import { DISTRICTS } from './places.mjs';

const COLUMNS = ['id', 'site', 'area', 'family', 'level', 'task', 'task_en', 'owner', 'minutes'];

/** What every district does, from which level on. */
const DISTRICT = [
  {
    family: 'waterlogging', level: 'IV', minutes: 30, owner: 'district_duty',
    task: '值班领导到岗，通知镇街三防责任人上岗', task_en: 'Leader on duty at the post; township heads called to theirs',
  },
  {
    family: 'waterlogging', level: 'III', minutes: 60, owner: 'district_duty',
    task: '排水抢险队到易涝点布防，检查泵站', task_en: 'Drainage crews at waterlogging points; pumping stations checked',
  },
  {
    family: 'waterlogging', level: 'II', minutes: 120, owner: 'district_duty',
    task: '转移低洼地带、危房人员，开放避难场所', task_en: 'People moved out of low ground and unsafe houses; shelters opened',
  },
  {
    family: 'wind', level: 'III', minutes: 120, owner: 'district_duty',
    task: '检查工棚、塔吊、广告牌，停止户外高空作业', task_en: 'Sheds, cranes and hoardings checked; work at height stopped',
  },
];

/** `plans.csv` for the districts and these sites. */
export function plans(sites) {
  const lists = DISTRICTS.flatMap((district) => DISTRICT.map((row, at) => ({
    ...row, id: `T-${district.code.slice(0, 6)}-${at + 1}`, area: district.code,
  })));
  const roads = sites.filter((site) => ['culvert', 'underpass'].includes(site.kind));
  const points = roads.map((site) => ({
    id: `T-${site.id}`, site: site.id, area: site.area, family: 'waterlogging', level: 'III', minutes: 30, owner: 'site_owner',
    task: '专人到点值守，备好挡水板和警示牌，积水达关闭水深即封闭', task_en: 'Somebody at the site with boards and signs; closed at its closing depth',
  }));
  return csv(COLUMNS, [...lists, ...points]);
}
