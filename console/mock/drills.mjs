// Exercises of the mock: a plan that plays until it is ended, and what the gates kept back.

const GROUPS = [{ id: 'street', name: '街道责任人', people: 12 }, { id: 'district', name: '区值班', people: 4 }];

export class Drills {
  #world;
  #all = [];

  constructor(world) {
    this.#world = world;
  }

  list() {
    const now = this.#world.text(this.#world.time);
    for (const e of this.#all) if (e.state === 'running' && e.ends <= now) Object.assign(e, { state: 'over', over: e.ends, why: 'time' });
    const withheld = this.#all.length > 0 ? [{ world: 'exercise', gate: 'plan', channel: 'sms', count: 2 }, { world: 'exercise', gate: 'plan', channel: 'cap', count: 1 }] : [];
    return { groups: GROUPS, exercises: [...this.#all].reverse(), withheld };
  }

  begin(body, person, refuse) {
    if (!Object.keys(body.areas ?? {}).length) throw refuse(400, 'Bad request', 'areas: name at least one area, each with its tier');
    const group = GROUPS.find((g) => g.id === body.group);
    if (!group) throw refuse(400, 'Bad request', `group: no white list ${body.group}`);
    const now = this.#world.time;
    const e = { id: `e${this.#all.length + 1}`, name: body.name, state: 'running', hazard: body.hazard, areas: body.areas, group: group.id, people: group.people,
      starts: this.#world.text(now), ends: this.#world.text(now + body.minutes * 60), person, begun: this.#world.text(now), over: null, why: null, failed: null, expect: body.expect ?? null };
    this.#all.push(e);
    return e;
  }

  score(id, refuse) {
    const e = this.#all.find((of) => of.id === id);
    if (!e) throw refuse(404, 'Not found', `no exercise ${id}`);
    const { city, townships } = this.#world.answering();
    return { name: e.name, exercise: true, drafted: e.starts, until: e.over ?? e.ends, warnings: [], steps: { signed_s: 80, first_message_s: 12, last_handed_s: 130, last_receipt_s: 140, first_answer_s: 65, last_answer_s: null },
      ways: { sms: { taken: 12, delivered: 11, failed: 1, unknown: 0, receipt_median_s: 4, receipt_max_s: 25 } }, answering: { city, townships },
      people: [{ contact: 'P2', role: 'township_head', area: '440106014000', told_s: 12, delivered_s: 15, answered_s: 65, answer: 'received', is_right: true }], more: 0, silent: ['P4'], wrong: [], withheld: { sms: 1, cap: 1 }, cut: false,
      text: { zh: `【演练】评分:${e.name}\n`, en: `EXERCISE, score of times: ${e.name}\n` } };
  }

  end(id, refuse) {
    const e = this.#all.find((of) => of.id === id);
    if (!e) throw refuse(404, 'Not found', `no exercise ${id}`);
    if (e.state === 'over') throw refuse(409, 'Conflict', `exercise ${id} is over`);
    Object.assign(e, { state: 'over', over: this.#world.text(this.#world.time), why: 'person' });
  }
}
