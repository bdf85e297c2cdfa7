// Every word of the screen in both languages, and the names of codes the server sends.

import type { Lang, NotPassed, Preview, Remark } from './types';
import { deskEn, deskZh } from './words.desk';
import { drillsEn, drillsZh } from './words.drills';
import { jobsEn, jobsZh } from './words.jobs';
import { servicesEn, servicesZh } from './words.services';

const zh = {
  ...deskZh,
  ...servicesZh,
  ...jobsZh,
  ...drillsZh,
  title: '三防预警值班台',
  exercise: '演习', exerciseNote: '当前为演习,信息不对公众发布', test: '测试', testNote: '测试环境,信息不外发',
  live: '实时', connecting: '连接中', lost: '连接中断', lostNote: '画面停在 {time},可能已过时;正在重连(第 {n} 次)。', recordTime: '记录时间', quiet: '{n} 无新数据',
  signIn: '登录', signOut: '退出', token: '口令(令牌)', tokenNote: '令牌只保存在本窗口,关闭即失效。', signInFailed: '令牌无效:{why}', signedInAs: '{name}', signInFirst: '请先登录', publicNote: '未登录,只显示已发布的预警、他方信号和测站读数。',
  help: '快捷键', theme: '明暗', language: 'English', close: '关闭', newWarning: '新建预警',
  queue: '预警队列', waiting: '待签发', inForce: '生效中', inForceNow: '现行(生效中)', wouldBecome: '签发后变为:', over: '已结束', nothingWaiting: '没有待签发的预警', nothingInForce: '没有生效中的预警', ready: '正在读取…',
  waitedFor: '已等待', oldest: '最久 {t}', firstRise: '首次达标', ago: '{t}前', clockEnds: '签发时限', overdue: '已超时限', signatures: '签名', signedBy: '已签:{who}', needsNone: '无需签名', noneYet: '尚无人签',
  lapsedInForce: '有效期已过', lapsedInForceNote: '有效期已过而未续发:接收方已视为失效,请续发或解除',
  unconfirmed: '待核实', unconfirmedNote: '依据含可疑数据,需第二个读数、邻站或人工确认', past: '过时', pastNote: '发现时已过 15 分钟,只显示不发送', requestTo: '提请发布', requested: '已提请',
  townships: '{n} 个镇街', sites: '{n} 个点位', areasTitle: '地区与等级', onset: '起始', onsetStated: '预计影响时间(留空则不变)', reached: '最高曾达', district: '全区', more: '再显示 {n} 项', less: '收起',
  evidence: '依据', rule: '规则', whoTold: '将通知', people: '人', total: '合计', unreachable: '无法送达', missed_landline: '固定电话', missed_foreign: '境外号码', missed_data_only: '物联网卡', missed_no_carrier: '号段不明', missed_no_telephone: '无电话', missed_other_channel: '短信未放行', segments: '短信条数', unsendable: '没有运营商账号放行此短信({of}),短信不会发给任何人。勾选表示:不发短信,只经其他渠道发布。', byTownship: '人数最多的镇街', everybodyCounted: '该区正忙,暂不知谁已收到:按全部人员统计', previewing: '正在统计人数…', previewFailed: '统计失败:{why}', none: '无',
  text: '发布文本', chinese: '中文', english: '英文', received: '谁已收到', noDeliveries: '还没有发送',
  sign: '签发', amend: '修改', reject: '驳回', cancel: '取消', cancelAll: '全部取消', alreadySigned: '您已签,等待另一人', notAllowed: '您没有“{scope}”权限',
  confirmTitle: '确认签发', confirmNth: '您是第 {n} 位签名人,共需 {of} 位', confirmReleases: '签名后立即发布', confirmWaits: '签名后还需 {n} 人', confirmKey: '按 Enter 签发,Esc 返回', signing: '正在签发…', signed: '已签发:{what}', rejected: '已驳回:{what}', amended: '已修改:{what}', cancelled: '已取消:{what}', issued: '已提交新预警', noted: '已记录 {who} 的回复',
  changedTitle: '您看过之后内容有变化', changedNote: '请看清下列变化,再签发第 {n} 版。', changedAgain: '已看清变化', changedNow: '内容已更新到第 {n} 版', nothingVisible: '可见内容无差别(依据或签名变化)', failed: '未成功:{why}', gone: '该预警已不再待签',
  zonesPartly: '{of} 个区中只有 {n} 个已执行', zonesNone: '没有一个区执行', zoneRefused: '未执行:', zoneWaits: '已存,待补齐后执行:',
  reason: '理由', reasonHint: '用几个字说明原因', reasonNeeded: '必须填写理由', rejectTitle: '驳回提议', rejectNote: '被驳回的等级只有升级、或回落后再次上升才会重新提议。', amendTitle: '修改等级与文本', amendNote: '修改会使已有签名失效。', cancelTitle: '取消预警', cancelNote: '已收到的人会收到取消通知;勾选地区为部分取消。', wholly: '全部地区', partly: '所选地区', choose: '请选择地区', textKeep: '留空则用自动文本', send: '提交', back: '返回', newTitle: '新建预警', newNote: '按所选地区和等级发起,仍按流程签发。', hazard: '灾种', filter: '筛选地区', tierFor: '{area}的等级', setAll: '全部设为', unchanged: '不变', openIssue: '发起',
  toReview: '待复核', review: '复核', reviewTitle: '事后复核', reviewNote: '由一人(或到时自动)发布,须由另一人事后复核。撤回是另一项操作。', reviewSound: '发布得当', reviewUnsound: '发布不当', reviewOpen: '待另一人复核', reviewUntil: '复核期限', reviewDone: '{who} 于 {time} 复核:{what}', reviewOwn: '签发人不能复核自己的发布', reviewed: '已复核:{what}', chooseFinding: '请选择复核结论', noteNeeded: '请说明何处不当', releasedBy: '由 {who} 发布', byClock: '到时自动发布(事先双签文本)',
  askedNow: '现由', onDuty: '当班签发人', turnNote: '第 {n} 位副手', everybody: '全部签发人', endsAt: '全部时限止于 {time}', endHold: '到时不自动发布', endPresigned: '到时自动发布事先双签的文本',
  requestedOf: '已提请他方', requestWaits: '已提请 {who};由其决定是否发布,本单位不签发',
  relay: '转发', relayed: '已转发', relayWaiting: '转发待签', relayTitle: '转发原文', relayNote: '原文、发布单位和时间不改动;须按流程签发后才发出。', relayDone: '已提交转发,待签发', relayOf: '转发 {who} {time} 发布', verbatim: '原文转发,不可修改', relayAll: '同时签发本信号另外 {n} 个区的转发:{zones}', inZones: '{n} 个区',
  confirmRise: '核实', confirmRiseTitle: '核实达标', confirmRiseNote: '确认该读数属实;此后按已核实处理,可自动通知责任人和现场设备。', confirmRiseDone: '已核实 {what}', endTier: '解除等级', endTierTitle: '解除数据中断点位的等级', endTierNote: '数据已中断,等级一直保留。确认现场已安全后,由人解除。', endTierDone: '已解除 {what}', silentFor: '已 {t} 无数据',
  answeredShare: '应答率', withinMin: '{n}分钟内', median: '过半应答用时', noMedian: '未过半', needHelp: '{n} 处求援', waitLongest: '等待最久:', gaps: '无人回报 {n} 处', gapCounts: '脆弱点 {site} · 通信中断 {channel} · 未应答 {answer}', speakFor: '代为回报…', whoSaid: '谁说的(姓名或职务)', spokenFor: '已代报:', quotaOf: '已应答 {n}/{of} 人', recallAt: '{time} 临灾复叫',
  calls: '叫应', unconfirmedDevice: '{device} 未确认', unlit: '闪光灯未确认:{strobes}', unanswered: '未应答', answered: '已应答', allAnswered: '全部已应答', noCalls: '还没有叫应', toldAt: '通知于', next: '下一步', nextTo: '转 {role}', due: '正在升级', escalated: '已升级', showAnswered: '显示已应答', answer: '记录回复', step1: '① 他说了什么', step2: '② 何时、谁说的', said: '通话时间', note: '备注', noteHint: '如:我打电话给他,他说人已到场', save: '保存', hidden: '登录后显示姓名', redOpen: '红色未应答 {n} 处', answeredAt: '{time} {what}', notedBy: '{who} 记录',
  deliveries: '发送进度', planned: '计划', sent: '在途', accepted: '已受理', delivered: '已送达', failedN: '失败', unknown: '不明', expired: '过期', withdrawn: '撤回', handed: '其他账号代发', rate: '每秒', lastPhone: '最后一部手机', interrupted: '近 24 小时已打扰公众最多 {n} 次（{where}）', doneIn: '用时 {t}', done: '完成', estimating: '估算中', noRate: '暂停', messages: '消息已送达', of: '共 {n}', paused: '暂停发送',
  signals: '他方信号', noSignals: '没有生效的他方信号', sentAgo: '发布 {t}', expires: '有效至', lapsed: '本条已过有效期,尚未解除', by: '{who}',
  map: '地图', ours: '我方预警(填色)', proposedFill: '待签或已提请(浅色虚线)', signalHatch: '他方信号(斜线)', legend: '图例', stations: '测站', sitesLegend: '点位', stationPoint: '测站(有读数)', raisedPoint: '达标点', wholeCity: '全市', zoomIn: '放大', zoomOut: '缩小', mapFailed: '地图无法显示:{why}。列表照常可用。',
  place: '地点', values: '读数', noValues: '尚无读数', thresholds: '阈值', lastHours: '最近 6 小时', population: '人口', since: '起', stale: '数据中断', muted: '规则静默至 {t}', mutedNote: '{person}:{reason}。只显示,不提请、不通知;到期或解除后仍达标即提请', staleNote: '数据已中断,等级保留至新数据或人工解除', noneHere: '此处无预警', hereNow: '此处',
  keysTitle: '快捷键', keysOn: '启用单键快捷键', kMove: '在队列中上下移动', kOpen: '打开所选预警', kSign: '签发', kAmend: '修改', kReject: '驳回', kCancel: '取消', kCalls: '到叫应', kMap: '到地图', kQueue: '到队列', kProgress: '到发送进度', kLang: '切换语言', kHelp: '本页', kClose: '关闭、返回',
  level_city: '市', level_district: '区', level_township: '镇街', level_community: '社区', all: '全部', revision: '第 {n} 版', detail: '预警详情', skip: '跳到预警队列', unread: '新', lastSeen: '更新于', peopleReached: '条已送达', dismiss: '关闭提示', rows: '{n} 行',
};

type Key = keyof typeof zh;

const en: Record<Key, string> = {
  ...deskEn,
  ...servicesEn,
  ...jobsEn,
  ...drillsEn,
  title: 'Warning desk',
  exercise: 'EXERCISE', exerciseNote: 'An exercise is running: nothing goes to the public', test: 'TEST', testNote: 'Test installation: nothing is sent',
  live: 'Live', connecting: 'Connecting', lost: 'Connection lost', lostNote: 'The screen stands at {time} and may be out of date; reconnecting (attempt {n}).', recordTime: 'Record time', quiet: 'quiet for {n}',
  signIn: 'Sign in', signOut: 'Sign out', token: 'Token', tokenNote: 'The token is kept for this window only.', signInFailed: 'Token refused: {why}', signedInAs: '{name}', signInFirst: 'Sign in first', publicNote: 'Not signed in: issued warnings, signals of others and readings only.',
  help: 'Shortcuts', theme: 'Light or dark', language: '中文', close: 'Close', newWarning: 'New warning',
  queue: 'Warnings', waiting: 'Waiting for signature', inForce: 'In force', inForceNow: 'In force now', wouldBecome: 'Signing makes of it:', over: 'Over', nothingWaiting: 'Nothing waits for a signature', nothingInForce: 'No warning in force', ready: 'Loading…',
  waitedFor: 'waiting', oldest: 'oldest {t}', firstRise: 'First rise', ago: '{t} ago', clockEnds: 'Sign within', overdue: 'clock ended', signatures: 'Signatures', signedBy: 'signed: {who}', needsNone: 'no signature needed', noneYet: 'nobody yet',
  lapsedInForce: 'Validity ran out', lapsedInForceNote: 'Not renewed in time: whoever follows the feed has let go of it. Renew it or end it',
  unconfirmed: 'Unconfirmed', unconfirmedNote: 'Rests on suspect values: a second reading, a neighbour or a person must confirm', past: 'Late', pastNote: 'Found more than 15 minutes after: shown, never sent', requestTo: 'Request to', requested: 'Requested',
  townships: '{n} townships', sites: '{n} sites', areasTitle: 'Areas and tiers', onset: 'onset', onsetStated: 'Expected to arrive (empty: as it is)', reached: 'reached', district: 'whole district', more: '{n} more', less: 'Show less',
  evidence: 'Evidence', rule: 'Rule', whoTold: 'Who will be told', people: 'people', total: 'Total', unreachable: 'Unreachable', missed_landline: 'landline', missed_foreign: 'abroad', missed_data_only: 'card in a machine', missed_no_carrier: 'no known carrier', missed_no_telephone: 'no telephone', missed_other_channel: 'SMS not released', segments: 'SMS parts', unsendable: 'No account at a carrier passes this SMS ({of}): it would reach nobody. Tick to sign without SMS; what goes out otherwise goes out.', byTownship: 'Most people in', everybodyCounted: 'All heads: the zone is too busy to say who was told already', previewing: 'Counting heads…', previewFailed: 'Could not count: {why}', none: 'none',
  text: 'Text', chinese: 'Chinese', english: 'English', received: 'Who has received it', noDeliveries: 'Nothing sent yet',
  sign: 'Sign', amend: 'Amend', reject: 'Reject', cancel: 'Cancel', cancelAll: 'Cancel all', alreadySigned: 'You have signed; one more person', notAllowed: 'You lack the scope “{scope}”',
  confirmTitle: 'Confirm signature', confirmNth: 'Yours is signature {n} of {of}', confirmReleases: 'Your signature releases it at once', confirmWaits: '{n} more needed after yours', confirmKey: 'Enter signs, Esc goes back', signing: 'Signing…', signed: 'Signed: {what}', rejected: 'Rejected: {what}', amended: 'Amended: {what}', cancelled: 'Cancelled: {what}', issued: 'New warning submitted', noted: 'Answer of {who} noted',
  changedTitle: 'It changed since you saw it', changedNote: 'Read what changed, then sign revision {n}.', changedAgain: 'I have read the changes', changedNow: 'Updated to revision {n}', nothingVisible: 'Nothing visible differs (evidence or signatures)', failed: 'Not done: {why}', gone: 'No longer waiting for a signature',
  zonesPartly: 'Done in {n} of {of} zones only', zonesNone: 'Done in no zone', zoneRefused: 'not done:', zoneWaits: 'stored, done once it has caught up:',
  reason: 'Reason', reasonHint: 'Say why in a few words', reasonNeeded: 'A reason is needed', rejectTitle: 'Reject proposal', rejectNote: 'A rejected tier is proposed again only when it rises, or falls and rises again.', amendTitle: 'Amend tiers and text', amendNote: 'An amendment voids signatures already given.', cancelTitle: 'Cancel warning', cancelNote: 'Whoever was told hears of it. Tick areas to cancel in part.', wholly: 'all areas', partly: 'ticked areas', choose: 'Choose at least one area', textKeep: 'Left empty: the automatic text', send: 'Submit', back: 'Back', newTitle: 'New warning', newNote: 'Opened for these areas and tiers; release follows the usual flow.', hazard: 'Hazard', filter: 'Filter areas', tierFor: 'Tier for {area}', setAll: 'Set all to', unchanged: 'unchanged', openIssue: 'Open',
  toReview: 'To review', review: 'Review', reviewTitle: 'Review afterwards', reviewNote: 'One person (or the clock) released this; another has to look at it afterwards. Taking it back is an act of its own.', reviewSound: 'The release was right', reviewUnsound: 'It was not right', reviewOpen: 'waits for a second person', reviewUntil: 'review by', reviewDone: 'reviewed by {who} at {time}: {what}', reviewOwn: 'You released it: another person must review it', reviewed: 'Reviewed: {what}', chooseFinding: 'Choose what you found', noteNeeded: 'Say what was not right', releasedBy: 'released by {who}', byClock: 'released by clock (text signed beforehand by two)',
  askedNow: 'Asked now', onDuty: 'those on duty', turnNote: 'deputy {n}', everybody: 'everybody who signs', endsAt: 'clock ends {time}', endHold: 'then nothing goes out by itself', endPresigned: 'then the text signed beforehand goes out',
  requestedOf: 'Requested of others', requestWaits: 'Requested of {who}: theirs to issue, nothing to sign here',
  relay: 'Relay', relayed: 'relayed', relayWaiting: 'relay to sign', relayTitle: 'Relay word for word', relayNote: 'Words, name and time stay as they are; it goes out once it is signed.', relayDone: 'Relay submitted: it waits for signatures', relayOf: 'Relays {who}, issued {time}', verbatim: 'Relayed word for word: cannot be amended', relayAll: 'Sign the relays of this signal in {n} more districts too: {zones}', inZones: '{n} districts',
  confirmRise: 'Confirm', confirmRiseTitle: 'Confirm the rise', confirmRiseNote: 'Says that the reading is real: from then on it counts as confirmed and may tell responsible persons and site devices.', confirmRiseDone: 'Confirmed: {what}', endTier: 'End tier', endTierTitle: 'End the tier of a silent place', endTierNote: 'Its data fell silent and the tier stays. A person ends it once the place is known to be safe.', endTierDone: 'Ended: {what}', silentFor: 'silent for {t}',
  answeredShare: 'Answered', withinMin: 'in {n} min', median: 'half within', noMedian: 'not yet', needHelp: '{n} need help', waitLongest: 'Waiting longest:', gaps: '{n} places nobody has spoken for', gapCounts: 'sites {site} · no channel {channel} · no answer {answer}', speakFor: 'Speak for…', whoSaid: 'Who said it (name or post)', spokenFor: 'Spoken for:', quotaOf: '{n} of {of} answered', recallAt: 'asked anew at {time}',
  calls: 'Calls', unconfirmedDevice: '{device} not confirmed', unlit: 'strobe not confirmed: {strobes}', unanswered: 'unanswered', answered: 'answered', allAnswered: 'Everybody has answered', noCalls: 'Nobody called yet', toldAt: 'told', next: 'Next', nextTo: 'to {role}', due: 'escalating', escalated: 'escalated', showAnswered: 'Show answered', answer: 'Answered…', step1: '① What was said', step2: '② When, in what words', said: 'Said at', note: 'Note', noteHint: 'e.g. I phoned him, he said all are out', save: 'Save', hidden: 'sign in to see names', redOpen: '{n} red places unanswered', answeredAt: '{time} {what}', notedBy: 'noted by {who}',
  deliveries: 'Delivery', planned: 'Planned', sent: 'Under way', accepted: 'Accepted', delivered: 'Delivered', failedN: 'Failed', unknown: 'Unknown', expired: 'Expired', withdrawn: 'Withdrawn', handed: 'By another account', rate: '/s', lastPhone: 'Last phone rings', interrupted: 'The public was rung up {n} times in 24 h at most ({where})', doneIn: 'took {t}', done: 'Done', estimating: 'estimating', noRate: 'paused', messages: 'Messages delivered', of: 'of {n}', paused: 'Paused',
  signals: 'Signals of others', noSignals: 'No signal of others in force', sentAgo: 'sent {t}', expires: 'valid until', lapsed: 'this message lapsed, not lifted', by: '{who}',
  map: 'Map', ours: 'Our warnings (fill)', proposedFill: 'Waiting or requested (pale, dashed)', signalHatch: 'Signals of others (hatched)', legend: 'Legend', stations: 'Stations', sitesLegend: 'Sites', stationPoint: 'Station', raisedPoint: 'Place with a tier', wholeCity: 'Whole city', zoomIn: 'Zoom in', zoomOut: 'Zoom out', mapFailed: 'The map cannot be shown: {why}. The lists work as usual.',
  place: 'Place', values: 'Readings', noValues: 'No reading yet', thresholds: 'Thresholds', lastHours: 'Last 6 hours', population: 'Population', since: 'since', stale: 'Silent', muted: 'Rule muted until {t}', mutedNote: '{person}: {reason}. Shown only, nobody is told; what still stands when it ends is proposed at once', staleNote: 'Data fell silent: the tier stays until new data or a person ends it', noneHere: 'No warning here', hereNow: 'Here',
  keysTitle: 'Keyboard shortcuts', keysOn: 'Single-key shortcuts on', kMove: 'Move in the queue', kOpen: 'Open the warning', kSign: 'Sign', kAmend: 'Amend', kReject: 'Reject', kCancel: 'Cancel', kCalls: 'To the calls', kMap: 'To the map', kQueue: 'To the queue', kProgress: 'To delivery', kLang: 'Language', kHelp: 'This list', kClose: 'Close, go back',
  level_city: 'City', level_district: 'District', level_township: 'Township', level_community: 'Community', all: 'All', revision: 'Revision {n}', detail: 'Warning', skip: 'Skip to the warnings', unread: 'new', lastSeen: 'updated', peopleReached: 'delivered', dismiss: 'Dismiss', rows: '{n} rows',
};

const TABLE: Record<Lang, Record<Key, string>> = { zh, en };

export type WordKey = Key;

/** A phrase with `{name}` places filled. */
export function phrase(lang: Lang, key: Key, fill: Record<string, string | number> = {}): string {
  return TABLE[lang][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(fill[name] ?? whole));
}

/** Keys that a language lacks or leaves empty: none, and a test holds it. */
export function missing(): string[] {
  return (Object.keys(zh) as Key[]).filter((key) => !zh[key] || !en[key]);
}

type Pair = readonly [zh: string, en: string];

const HAZARDS: Record<string, Pair> = {
  '11A01': ['洪水', 'River flood'], '11A02': ['内涝', 'Waterlogging'], '11A51': ['山洪', 'Flash flood'], '11B01': ['台风', 'Typhoon'],
  '11B03': ['暴雨', 'Rainstorm'], '11B04': ['暴雪', 'Snowstorm'], '11B05': ['寒潮', 'Cold wave'], '11B06': ['大风', 'Gale'], '11B08': ['寒冷', 'Cold'],
  '11B09': ['高温', 'Heat'], '11B14': ['雷电', 'Lightning'], '11B15': ['冰雹', 'Hail'], '11B17': ['大雾', 'Fog'], '11B19': ['霾', 'Haze'],
  '11B20': ['雷雨大风', 'Thunder-gale'], '11B21': ['道路结冰', 'Road icing'], '11B22': ['干旱', 'Drought'], '11B25': ['森林火险', 'Forest-fire danger'],
  '11B37': ['地质灾害风险', 'Geological risk'], '11D01': ['滑坡', 'Landslide'], '11D02': ['泥石流', 'Debris flow'], '11E02': ['风暴潮', 'Storm surge'],
};
const CODES: Record<string, Pair> = {
  sms: ['短信', 'SMS'], push: ['App 推送', 'App push'], email: ['邮件', 'E-mail'], cap: ['CAP 广播', 'CAP feed'], webhook: ['对接平台', 'Webhook'], device: ['现场设备', 'Site device'], voice: ['语音呼叫', 'Voice call'], area: ['区域任务', 'Area job'], cell: ['小区广播', 'Cell broadcast'], broadcast: ['应急广播', 'Broadcast'],
  alert: ['首报', 'Alert'], relay: ['转发', 'Relay'], signature: ['催签', 'Call to sign'], request: ['提请', 'Request'], withdraw: ['撤回', 'Withdraw'], site_alarm: ['现场告警', 'Site alarm'], strobe: ['闪光灯亮', 'Strobe on'], strobe_over: ['闪光灯灭', 'Strobe off'], rise: ['升级', 'Rise'], fall: ['降级', 'Fall'], ended: ['解除', 'Ended'], cancelled: ['取消', 'Cancelled'], reminder: ['责任人提醒', 'Duty reminder'], stand_down: ['责任人解除', 'Stand-down'], digest: ['汇总', 'Digest'], drill: ['演练', 'Drill'],
  'zh-Hant': ['繁体中文', 'Traditional Chinese'], ja: ['日文', 'Japanese'], ko: ['韩文', 'Korean'], fr: ['法文', 'French'],
  proposed: ['待签', 'Proposed'], issued: ['已发布', 'Issued'], updated: ['已更新', 'Updated'],
  received: ['已收到', 'Received'], at_post: ['已到岗', 'At post'], moved: ['已转移', 'People moved'], needs_help: ['需支援', 'Needs help'],
  city_duty: ['市值班', 'City duty'], city_duty_deputy: ['市副班', 'City deputy'], district_duty: ['区值班', 'District duty'], district_duty_deputy: ['区副班', 'District deputy'],
  township_head: ['镇街责任人', 'Township head'], township_head_deputy: ['镇街副职', 'Township deputy'], site_owner: ['点位责任人', 'Site owner'], site_owner_deputy: ['点位副职', 'Site deputy'],
  primary: ['本人', 'Primary'], deputy: ['副职', 'Deputy'], district: ['区值班', 'District duty'], city: ['市值班', 'City duty'], everyone: ['全部人员', 'Everyone'],
  rain_gauge: ['雨量站', 'Rain gauge'], depth_sensor: ['水深计', 'Depth sensor'], slope: ['边坡', 'Slope'], weather: ['气象站', 'Weather station'], culvert: ['涵洞', 'Culvert'], underpass: ['下穿隧道', 'Underpass'],
  waterlogging: ['易涝点', 'Waterlogging point'], school: ['学校', 'School'], nursing_home: ['养老院', 'Nursing home'], village: ['村', 'Village'], reservoir: ['水库', 'Reservoir'], river_gauge: ['水位站', 'River gauge'],
  rainstorm: ['暴雨', 'Rainstorm'], zh: ['中文', 'Chinese'], en: ['英文', 'English'], close: ['封闭', 'Close'], height: ['限高', 'Height'],
  approve: ['签发', 'approve'], issue: ['发布取消', 'issue'], answer: ['叫应记录', 'answer'], read: ['查看', 'read'],
};

const pick = (pair: Pair | undefined, lang: Lang, code: string): string => (pair ? pair[lang === 'zh' ? 0 : 1] : code);

const ELEMENTS: Record<string, Pair> = {
  issuer: ['发布单位', 'who issues it'], issue_time: ['发布时间', 'when it was issued'], hazard: ['灾种', 'the hazard'], tier: ['等级', 'the tier'],
  start: ['起始时间', 'from when'], area: ['地区', 'where'], action: ['防御措施', 'what to do'], verify: ['查证方式', 'where to verify'],
};

const join = (list: string[], lang: Lang): string => list.join(lang === 'zh' ? '、' : ', ');

/** Why an account at a carrier does not pass a text. */
function notPassed(account: string, why: NotPassed, lang: Lang): string {
  const zh = lang === 'zh';
  const words =
    why === 'signature' ? (zh ? '短信签名未报备' : 'the signature is not registered')
    : why === 'template' ? (zh ? '与已审核模板不符' : 'no approved template is this text')
    : 'expired' in why ? (zh ? `账号已于 ${why.expired} 到期` : `the account expired on ${why.expired}`)
    : why.daily_max.left === 0 ? (zh ? '当日条数已用完' : 'the messages of today are used up')
    : zh ? `当日仅剩 ${why.daily_max.left} 条,需 ${why.daily_max.needed} 条` : `${why.daily_max.left} messages are left today, ${why.daily_max.needed} needed`;
  return zh ? `通道“${account}”不予放行:${words}` : `the account ${account} does not pass it: ${words}`;
}

/** What a text leaves out or does wrong, in words; elements left out stand together. */
export function remarksOf(remarks: Remark[], lang: Lang): string[] {
  const missing = remarks.flatMap((remark) => (typeof remark === 'object' && 'missing' in remark ? [pick(ELEMENTS[remark.missing], lang, remark.missing)] : []));
  const others = remarks.flatMap((remark) => {
    if (remark === 'no_signature') return [lang === 'zh' ? '缺短信签名' : 'the SMS signature is missing'];
    if (remark === 'placeholder') return [lang === 'zh' ? '留有模板占位符' : 'a placeholder of the template is left'];
    if (remark === 'empty') return [lang === 'zh' ? '正文为空' : 'the text is empty'];
    if (remark === 'link') return [lang === 'zh' ? '含链接' : 'it has a link'];
    if (remark === 'no_mark') return [lang === 'zh' ? '首尾缺演练标识' : 'an exercise is not marked first and last'];
    if (remark === 'stray_mark') return [lang === 'zh' ? '正式文本带演练标识' : 'it carries the mark of an exercise'];
    if (remark === 'untranslated') return [lang === 'zh' ? '未写该语种,读者将收到模板文本' : 'nobody wrote it: its readers get the template’s words'];
    if (remark === 'not_verbatim') return [lang === 'zh' ? '转发原文有改动' : 'relayed words are not as they came'];
    if ('not_passed' in remark) return [notPassed(remark.not_passed.account, remark.not_passed.why, lang)];
    if ('no_half' in remark) return [lang === 'zh' ? `“${remark.no_half}”未写明上下午` : `“${remark.no_half}” may be by night or by day`];
    if ('which_night' in remark) return [lang === 'zh' ? `“${remark.which_night}”在零点后含义不明` : `“${remark.which_night}” after midnight is unclear`];
    if ('no_month' in remark) return [lang === 'zh' ? `“${remark.no_month}”未写月份` : `“${remark.no_month}” has no month`];
    if ('action_late' in remark) return [lang === 'zh' ? `行动在第 ${remark.action_late.units} 字后,应在前 ${remark.action_late.units_max} 字` : `what to do ends at unit ${remark.action_late.units}, after ${remark.action_late.units_max}`];
    if ('too_many_pages' in remark) return [lang === 'zh' ? `小区广播 ${remark.too_many_pages.pages} 页,超过 ${remark.too_many_pages.pages_max} 页` : `${remark.too_many_pages.pages} cell-broadcast pages, more than ${remark.too_many_pages.pages_max}`];
    if ('too_slow' in remark) return [lang === 'zh' ? `播报 ${remark.too_slow.seconds} 秒,超过 ${remark.too_slow.seconds_max} 秒` : `${remark.too_slow.seconds} s, more than ${remark.too_slow.seconds_max}`];
    if ('too_long' in remark) return [lang === 'zh' ? `短信 ${remark.too_long.parts} 条,超过 ${remark.too_long.parts_max} 条` : `${remark.too_long.parts} SMS parts, more than ${remark.too_long.parts_max}`];
    return [];
  });
  return missing.length > 0 ? [`${lang === 'zh' ? '未写明' : 'does not say'} ${join(missing, lang)}`, ...others] : others;
}

/** The name of a code in the reader's language; an unknown code stands for itself. */
export const codeName = (code: string | null | undefined, lang: Lang): string => (code ? pick(CODES[code], lang, code.replaceAll('_', ' ')) : '');
/** A word whose key is put together; the key itself where there is none. */
export const say = (key: string, lang: Lang): string => (key in TABLE[lang] ? TABLE[lang][key as Key] : key.replaceAll('_', ' '));
/** Why none of the channels reaches them: `(landline 3, abroad 1)`; nothing where all are reached. */
export function missed(preview: Pick<Preview, 'unreachable_by'>, lang: Lang): string {
  const list = Object.entries(preview.unreachable_by).map(([why, n]) => `${say(`missed_${why}`, lang)} ${n.toLocaleString('en-US')}`);
  if (list.length === 0) return '';
  return lang === 'zh' ? `(${join(list, lang)})` : ` (${join(list, lang)})`;
}
export const hazardName = (code: string | null | undefined, lang: Lang): string => (code ? pick(HAZARDS[code], lang, code) : '');
export const HAZARD_CODES = Object.keys(HAZARDS);
