// Areas by code: names, districts, and lists of areas said shortly.

import { rank } from './tier';
import type { AreaFeature, AreaProperties, Areas, Lang, Tier } from './types';

export class Places {
  readonly byCode = new Map<string, AreaFeature>();

  constructor(areas?: Areas) {
    for (const feature of areas?.features ?? []) this.byCode.set(feature.properties.code, feature);
  }

  properties(code: string): AreaProperties | undefined {
    return this.byCode.get(code)?.properties;
  }

  name(code: string, lang: Lang): string {
    const found = this.properties(code);
    if (!found) return code;
    return (lang === 'en' && found.name_en ? found.name_en.replace(/ (Subdistrict|District|Town)$/, '') : found.name) || code;
  }

  /** The district an area lies in, or the area itself when it is larger. */
  district(code: string): string {
    let at = this.properties(code);
    for (let steps = 0; at && steps < 5; steps += 1) {
      if (at.level === 'district' || at.level === 'city' || !at.parent) return at.code;
      at = this.properties(at.parent);
    }
    return code;
  }

  /** `Tianhe › Longdong`. */
  path(code: string, lang: Lang): string {
    const district = this.district(code);
    return district === code ? this.name(code, lang) : `${this.name(district, lang)} › ${this.name(code, lang)}`;
  }

  /** Codes grouped by district, the most in number first, each group's areas by tier. */
  grouped(codes: Record<string, { tier: Tier }>): { district: string; codes: string[] }[] {
    const groups = new Map<string, string[]>();
    for (const code of Object.keys(codes)) {
      const district = this.district(code);
      groups.set(district, [...(groups.get(district) ?? []), code]);
    }
    return [...groups]
      .map(([district, list]) => ({
        district,
        codes: list.sort((a, b) => rank(codes[b]?.tier) - rank(codes[a]?.tier) || a.localeCompare(b)),
      }))
      .sort((a, b) => b.codes.length - a.codes.length || a.district.localeCompare(b.district));
  }

  /** Townships of a district or of the city, by code. */
  townships(): AreaProperties[] {
    return [...this.byCode.values()].map((f) => f.properties).filter((p) => p.level === 'township').sort((a, b) => a.code.localeCompare(b.code));
  }

  /** [west, south, east, north] around areas, or nothing when none is known. */
  bounds(codes: Iterable<string>): [number, number, number, number] | null {
    let box: [number, number, number, number] | null = null;
    for (const code of codes) {
      const geometry = this.byCode.get(code)?.geometry;
      const rings = !geometry ? [] : geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat();
      for (const ring of rings) {
        for (const [lon, lat] of ring) {
          if (lon === undefined || lat === undefined) continue;
          box = box ? [Math.min(box[0], lon), Math.min(box[1], lat), Math.max(box[2], lon), Math.max(box[3], lat)] : [lon, lat, lon, lat];
        }
      }
    }
    return box;
  }

  /** A point to write at: the centroid of the largest ring. */
  centre(code: string): [number, number] | null {
    const geometry = this.byCode.get(code)?.geometry;
    const outer = !geometry ? [] : geometry.type === 'Polygon' ? geometry.coordinates.slice(0, 1) : geometry.coordinates.map((p) => p[0] ?? []);
    let best: { area: number; at: [number, number] } | null = null;
    for (const ring of outer) {
      let doubled = 0, x = 0, y = 0;
      for (let i = 0; i + 1 < ring.length; i += 1) {
        const [x0 = 0, y0 = 0] = ring[i] ?? [];
        const [x1 = 0, y1 = 0] = ring[i + 1] ?? [];
        const cross = x0 * y1 - x1 * y0;
        doubled += cross;
        x += (x0 + x1) * cross;
        y += (y0 + y1) * cross;
      }
      if (doubled !== 0 && (!best || Math.abs(doubled) > best.area)) best = { area: Math.abs(doubled), at: [x / (3 * doubled), y / (3 * doubled)] };
    }
    return best?.at ?? null;
  }
}
