// What quality control says of a value, in words. A value that is good or unchecked says nothing.

import type { Lang, LastValue } from './types';

type Words = Record<Lang, string>;

/** Why a person should look, by the server's name of the finding. */
const FINDINGS: Record<string, Words> = {
  sudden_step: { zh: '变化比通常快', en: 'it changed faster than it usually does' },
  impossible_step: { zh: '变化快得不可能', en: 'it changed faster than it can' },
  stuck: { zh: '长时间没有变化,传感器可能卡住', en: 'it has not changed for too long: the sensor may be stuck' },
  gust_below_mean: { zh: '阵风小于同时的平均风速', en: 'the gust is below the mean wind of the same time' },
  rain_in_dry_air: { zh: '空气干燥时有雨', en: 'it rains while the air is dry' },
  high_rain: { zh: '雨量超过本地有记录以来的最大值', en: 'more rain than has been recorded here' },
  counter_reset: { zh: '雨量计数重新开始,之前的雨可能丢失', en: 'the counter began again: rain before that may be lost' },
  counter_wrapped: { zh: '雨量计数翻转', en: 'the counter ran over its end' },
  counter_broken: { zh: '雨量计数回落或跳变,算不出雨量', en: 'the counter fell or leapt: no rain can be told from it' },
};

/** What is done with a value of a flag. */
const FLAGS: Record<number, Words> = {
  1: { zh: '可疑:照常使用,请核实', en: 'suspect: used, please look' },
  2: { zh: '错误:不使用', en: 'wrong: not used' },
  3: { zh: '已订正', en: 'corrected' },
  4: { zh: '已修改', en: 'modified' },
  7: { zh: '无观测任务', en: 'no observation task' },
  8: { zh: '缺测', en: 'missing' },
};

/** The words beside a value; empty where nothing is to be said. */
export function doubtOf(last: Pick<LastValue, 'quality' | 'finding'>, lang: Lang): string {
  const finding = last.finding ? FINDINGS[last.finding]?.[lang] ?? last.finding : '';
  const flag = FLAGS[last.quality]?.[lang] ?? '';
  if (!finding || !flag) return finding || flag;
  return lang === 'zh' ? `${finding}(${flag})` : `${finding} (${flag})`;
}
