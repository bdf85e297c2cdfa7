// Words of exercises, in both languages.

export const drillsZh = {
  page_drills: '演练',
  drills: '演练', drillsNone: '没有演练', drillsOff: '本台未配置演练名单(配置文件的 [exercise])', drillBegin: '开始演练', drillName: '名称', drillNameHint: '如:汛前叫应演练', drillGroup: '人员名单', drillPeople: '{n} 人', drillMinutes: '时长(分钟)', drillHazard: '灾种', drillAreas: '地区和等级', drillNoAreas: '请至少选一个地区',
  drillNote: '只通知名单内人员,每条首尾标“演练”;公众渠道一律不发。到时自动结束;当地有真实预警时立即中止。', drillBegun: '已开始:{what}', drillEnd: '结束演练', drillEnded: '已结束:{what}', drillSure: '再按一次确认结束',
  drillState_planned: '待开始', drillState_running: '进行中', drillState_over: '已结束', drillWhy_time: '到时结束', drillWhy_person: '人工结束', drillWhy_interrupted: '因真实预警中止', drillFailed: '未能开始:{why}', drillTimes: '{from} 至 {to}', drillBy: '{who} 安排', drillOpen: '打开演练台', drillRunning: '演练进行中:{what},至 {t}', drillWorld: '演练台:只显示演练,与实战分开', drillReal: '回到实战台',
  score: '评分', step_signed_s: '到签发', step_first_message_s: '到首条发出', step_last_handed_s: '到末条发出', step_last_receipt_s: '到末个回执', step_first_answer_s: '到首个应答', step_last_answer_s: '到末个应答', scoreCalled: '应答/叫应', scoreSilent: '始终未应答:', scoreWrong: '答复不符:', scoreNobody: '无', scoreCopy: '复制全文', scoreCopied: '已复制', drillExpect: '要求答复', drillExpectAny: '不限',
  handover: '交接班', kHandover: '交接班', handoverTake: '接班确认', handoverDone: '已接班', handoverUntil: '值班至 {t},接班 {next}', handoverLast: '上次接班 {who} {t}', handoverNothing: '没有需要移交的事项', handover_in_force: '生效中', handover_to_sign: '待签发', handover_to_review: '待复核', handover_silent: '已叫应、未应答', handover_promised: '已承诺或求援', handover_due: '限时事项',
  drillWithheld: '各闸口拦下', drillGate_plan: '编排', drillGate_gateway: '出口', drillReal_gate: '实战出口',
};

type DrillKey = keyof typeof drillsZh;

export const drillsEn: Record<DrillKey, string> = {
  page_drills: 'Drills',
  drills: 'Exercises', drillsNone: 'No exercise', drillsOff: 'No white list is configured here ([exercise] of the configuration)', drillBegin: 'Begin an exercise', drillName: 'Name', drillNameHint: 'e.g. Calling before the flood season', drillGroup: 'White list', drillPeople: '{n} people', drillMinutes: 'Minutes', drillHazard: 'Hazard', drillAreas: 'Areas and tiers', drillNoAreas: 'Choose at least one area',
  drillNote: 'Tells the people of the white list alone, each text marked first and last; nothing goes to the public. It ends by its time, and at once where something real comes.', drillBegun: 'Begun: {what}', drillEnd: 'End it', drillEnded: 'Ended: {what}', drillSure: 'Press again to end it',
  drillState_planned: 'planned', drillState_running: 'under way', drillState_over: 'over', drillWhy_time: 'by its time', drillWhy_person: 'by a person', drillWhy_interrupted: 'gave way to a real warning', drillFailed: 'Not begun: {why}', drillTimes: '{from} to {to}', drillBy: 'by {who}', drillOpen: 'Open its desk', drillRunning: 'Exercise under way: {what}, until {t}', drillWorld: 'Desk of exercises: nothing real is shown here', drillReal: 'Back to the real desk',
  score: 'Score', step_signed_s: 'to the signature', step_first_message_s: 'to the first message', step_last_handed_s: 'to the last message', step_last_receipt_s: 'to the last receipt', step_first_answer_s: 'to the first answer', step_last_answer_s: 'to the last answer', scoreCalled: 'Answered/called', scoreSilent: 'Never answered:', scoreWrong: 'Answered otherwise than asked:', scoreNobody: 'nobody', scoreCopy: 'Copy the words', scoreCopied: 'Copied', drillExpect: 'Answer asked for', drillExpectAny: 'any',
  handover: 'Shift hand-over', kHandover: 'Shift hand-over', handoverTake: 'Take over', handoverDone: 'Taken over', handoverUntil: 'until {t}, then {next}', handoverLast: 'Taken over last by {who}, {t}', handoverNothing: 'Nothing stands', handover_in_force: 'In force', handover_to_sign: 'To be signed', handover_to_review: 'To be reviewed', handover_silent: 'Called, no answer', handover_promised: 'Promised, or in need of help', handover_due: 'Due',
  drillWithheld: 'Kept back by the gates', drillGate_plan: 'plan', drillGate_gateway: 'gateway', drillReal_gate: 'real gateway',
};
