//! Responsible persons: of each township, of each site, and the duty rooms above them. All invented, and recognisably so.

import { csv, numbered } from './csv.mjs';
import { CITY, DISTRICTS } from './places.mjs';
import { random } from './random.mjs';

const SURNAMES = [...'赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜'];
const STEMS = [...'甲乙丙丁戊己庚辛壬癸'];
const BRANCHES = [...'子丑寅卯辰巳午未申酉戌亥'];
const COLUMNS = ['id', 'name', 'role', 'area', 'phone', 'site', 'email', 'language', 'deputy', 'level'];

/** The whole table as text. `level` orders the ladder: who is asked first, second, third. */
export function contacts(land, sites) {
  const draw = random('contacts');
  const rows = [];
  const person = (role, area, site, level, named) => {
    const number = rows.length + 1;
    const id = numbered('P', number, 5);
    const name = named ?? draw.pick(SURNAMES) + draw.pick(STEMS) + draw.pick(BRANCHES);
    const english = named === undefined && draw.chance(0.02);
    // 139 000 nnnnn: an unassigned block, numbered through, so that nobody real is ever meant.
    const row = {
      id, name, role, area, phone: `+86139000${String(number).padStart(5, '0')}`, site, email: `${id.toLowerCase()}@sanfang.example`,
      language: english ? 'en' : 'zh', deputy: '', level,
    };
    rows.push(row);
    return row;
  };
  const pair = (role, area, site, level, names = []) => {
    const head = person(role, area, site, level, names[0]);
    const deputy = person(`${role}_deputy`, area, site, level + 1, names[1]);
    head.deputy = deputy.id;
  };
  pair('city_duty', CITY.code, '', 1, ['市三防值班室', '市三防值班室(副班)']);
  for (const district of DISTRICTS) pair('district_duty', district.code, '', 1, [`${district.name}三防值班室`, `${district.name}三防值班室(副班)`]);
  for (const township of land.townships) pair('township_head', township.code, '', 1);
  for (const site of sites) pair('site_owner', site.area, site.id, 1);
  // Those who sign: the contact has the id of the person in the configuration, and is asked by that id alone.
  for (const [id, name] of [['deputy-duty', '值班副主任'], ['chief', '值班主任']]) Object.assign(person('signer', CITY.code, '', 1, name), { id, email: `${id}@sanfang.example` });
  return csv(COLUMNS, rows);
}
