// Words of area jobs, in both languages.

export const jobsZh = {
  jobs: '区域任务', jobsNote: '由对方按自己的号码名单发送,只回报计数', jobHeads: '人数', jobList: '名单', jobLast: '最后一部手机', jobUnknown: '未读回', jobClean: '读回无误', jobWouldHold: '放行时将被扣住',
  jobState_held: '已扣住', jobState_refused: '对方拒绝', jobState_unreachable: '连不上', jobState_read: '待放行', jobState_running: '发送中', jobState_paused: '已暂停', jobState_done: '已完成', jobState_killed: '已终止', jobState_expired: '超时未发完',
  jobState_submitted: '待平台审核', jobState_checked: '平台已审核', jobState_released: '平台已发布', jobState_finished: '平台发布完成', jobState_rejected: '平台退回', jobState_withdrawn: '已撤回',
  jobReceipt: '平台编号', jobByChannel: '分渠道统计', jobChannel: '渠道', jobWithdraw: '撤回', jobWithdrawNote: '平台尚未发布的不再发布;已发布的收不回,如需更正请发更新或取消。',
  list_resident: '登记用户', list_present: '在场用户', list_subscribed: '订阅用户',
  jobRelease: '仍然放行', jobPause: '暂停', jobResume: '继续', jobKill: '终止', jobReleaseNote: '对方的读回与要求不符。放行后按对方的读回发送,理由入档。', jobPauseNote: '未发的暂不发送;已在途的收不回。', jobResumeNote: '按原顺序继续发送。', jobKillNote: '未发的不再发送;已发的收不回,如需更正请发更新或取消。',
  jobDone: '已提交:{what}', jobNeedsYou: '有 {n} 个区域任务等人处理', jobByDistrict: '按区', jobWaiting: '待发',
  objectUntranslated: '未写 {of} 的文本:这些读者将收到模板文本,其要求可能与您写的不同', asItStands: '按原文发出', asItStandsWhy: '情况紧急,按原文发出', moreLanguages: '其他语种',
  recallTitle: '已取消', recallBack: '已撤回', recallWire: '在途', recallPublished: '已公开发布,收不回', recallJob: '(对方最后回报)', recallGoesOn: '预警在其他地区继续有效,或仍有链路未停:以下为目前的数字。',
};

type JobsKey = keyof typeof jobsZh;

export const jobsEn: Record<JobsKey, string> = {
  jobs: 'Area jobs', jobsNote: 'Sent by the far side from its own numbers; only counts come back', jobHeads: 'Heads', jobList: 'List', jobLast: 'Last phone', jobUnknown: 'not read back', jobClean: 'read as meant', jobWouldHold: 'a release would be held',
  jobState_held: 'Held', jobState_refused: 'Refused', jobState_unreachable: 'Unreachable', jobState_read: 'Read, not released', jobState_running: 'Sending', jobState_paused: 'Paused', jobState_done: 'Done', jobState_killed: 'Ended by us', jobState_expired: 'Out of time',
  jobState_submitted: 'Before the platform', jobState_checked: 'Checked by the platform', jobState_released: 'Released by the platform', jobState_finished: 'Finished by the platform', jobState_rejected: 'Rejected by the platform', jobState_withdrawn: 'Taken back',
  jobReceipt: 'Platform’s number', jobByChannel: 'By channel', jobChannel: 'Channel', jobWithdraw: 'Take back', jobWithdrawNote: 'What the platform has not released never is; what it has cannot be called back. To correct it, send an update or a cancellation.',
  list_resident: 'registered', list_present: 'present', list_subscribed: 'subscribed',
  jobRelease: 'Release anyway', jobPause: 'Pause', jobResume: 'Resume', jobKill: 'End', jobReleaseNote: 'The far side reads it otherwise than was asked. Released, it is sent as it was read; the reason is kept.', jobPauseNote: 'What is unsent waits; what is on its way cannot be called back.', jobResumeNote: 'Sending goes on in the same order.', jobKillNote: 'What is unsent never leaves; what was sent cannot be called back. To correct it, send an update or a cancellation.',
  jobDone: 'Handed in: {what}', jobNeedsYou: '{n} area jobs wait for somebody', jobByDistrict: 'By district', jobWaiting: 'Waiting',
  objectUntranslated: 'Nobody wrote it in {of}: those readers get the template’s words, which may ask for something else', asItStands: 'Send as it stands', asItStandsWhy: 'urgent: sent as it stands', moreLanguages: 'More languages',
  recallTitle: 'Cancelled', recallBack: 'Taken back', recallWire: 'On the wire', recallPublished: 'Published, beyond recall', recallJob: '(as the far side told last)', recallGoesOn: 'The warning stands in other areas, or a link has not stopped yet: these are the figures so far.',
};
