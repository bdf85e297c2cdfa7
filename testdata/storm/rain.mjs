//! A rain field: convective cells that are born, move, and die over a thin sheet of steady rain.
//!
//! Only sums, products and square roots: the same field on every machine.

/** Rain in millimetres a minute: `at(x, y)` for the minute given to `advance`. */
export class Rain {
  #cells;
  #sheet;
  #active = [];
  #steady = 0;

  /** `cells` as from `train`; `sheet(minute)` is the steady rain. */
  constructor(cells, sheet) {
    this.#cells = cells;
    this.#sheet = sheet;
  }

  advance(minute) {
    this.#steady = this.#sheet(minute);
    this.#active = this.#cells.filter((cell) => minute >= cell.birth && minute <= cell.birth + cell.life).map((cell) => {
      const age = (minute - cell.birth) / cell.life;
      const strength = age < 0.35 ? age / 0.35 : (1 - age) / 0.65;
      return {
        x: cell.x + cell.vx * (minute - cell.birth), y: cell.y + cell.vy * (minute - cell.birth),
        radius2: cell.radius * cell.radius, peak: cell.peak * strength * (2 - strength),
      };
    });
  }

  at(x, y) {
    let rain = this.#steady;
    for (const cell of this.#active) {
      const near = 1 - ((x - cell.x) * (x - cell.x) + (y - cell.y) * (y - cell.y)) / cell.radius2;
      if (near > 0) rain += cell.peak * near * near;
    }
    return rain;
  }
}

/** Cells that follow one another over the same ground: what makes an ordinary storm a rare one. */
export function train(draw, { from, until, count, x, y, vx, vy, spread, radius, peak }) {
  return Array.from({ length: count }, (_, index) => {
    const life = 35 + draw.below(45);
    return {
      birth: from + Math.floor(((until - from) * index) / count) + draw.below(8), life,
      x: x - vx * life * 0.5 + spread * draw.bell(), y: y - vy * life * 0.5 + spread * draw.bell(),
      vx: vx * draw.between(0.7, 1.3), vy: vy * draw.between(0.7, 1.3),
      radius: radius * draw.between(0.7, 1.4), peak: peak * draw.between(0.6, 1.3),
    };
  });
}

/** A tipping bucket: whole tenths of a millimetre, the rest stays in the bucket. */
export class Bucket {
  #held = 0;

  tip(millimetres) {
    this.#held += millimetres;
    const tips = Math.floor(this.#held * 10);
    this.#held -= tips / 10;
    return tips;
  }
}
