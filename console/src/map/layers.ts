// The map's sources and layers: our tiers as fills, others' signals as hatching, places as lettered points.

import type { ExpressionSpecification, StyleSpecification } from 'maplibre-gl';
import type { Sight } from '../blindness';
import { COLOUR, tierLetter } from '../tier';
import type { Areas, Lang, Tier } from '../types';

export interface Palette {
  ground: string;
  land: string;
  line: string;
  border: string;
  ink: string;
  halo: string;
  point: string;
  accent: string;
}

export const PALETTES: Record<'dark' | 'light', Palette> = {
  dark: { ground: '#0b1119', land: '#16202d', line: '#2c3d52', border: '#7f95b0', ink: '#f1f5fa', halo: '#0b1119', point: '#64788f', accent: '#8cc6ff' },
  light: { ground: '#d4dde7', land: '#f6f8fb', line: '#c3ced9', border: '#5c7089', ink: '#0d1722', halo: '#ffffff', point: '#8798aa', accent: '#0b57c2' },
};

const TIERS: Tier[] = ['white', 'blue', 'yellow', 'orange', 'red'];

function colourOf(value: ExpressionSpecification, other: string): ExpressionSpecification {
  const pairs = TIERS.flatMap((tier) => [tier, COLOUR[tier].fill]);
  return ['match', value, ...pairs, other] as unknown as ExpressionSpecification;
}

const state = (name: string): ExpressionSpecification => ['coalesce', ['feature-state', name], 'none'] as ExpressionSpecification;
const level = (name: string): ExpressionSpecification => ['==', ['get', 'level'], name] as ExpressionSpecification;
/** Neither a tier nor another's signal: what is not seen has a colour of its own. */
const SIGHT_COLOUR: Record<Sight, string> = { alarm: '#ff5cf0', silent: '#b4c2d3', unseen: '#8a9bb0' };
const sightColour = ['match', ['get', 'sight'], 'alarm', SIGHT_COLOUR.alarm, SIGHT_COLOUR.silent] as unknown as ExpressionSpecification;
const empty = { type: 'FeatureCollection', features: [] } as unknown as Areas;

export function style(areas: Areas, lang: Lang, p: Palette): StyleSpecification {
  const label = lang === 'en' ? 'short_en' : 'name';
  return {
    version: 8,
    sources: {
      areas: { type: 'geojson', data: areas as never, promoteId: 'code', tolerance: 0.2 },
      signals: { type: 'geojson', data: empty as never },
      blind: { type: 'geojson', data: empty as never },
      points: { type: 'geojson', data: empty as never },
      raised: { type: 'geojson', data: empty as never },
      labels: { type: 'geojson', data: empty as never },
    },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': p.ground } },
      { id: 'land', type: 'fill', source: 'areas', filter: level('city'), paint: { 'fill-color': p.land } },
      {
        id: 'ours', type: 'fill', source: 'areas', filter: level('township'),
        paint: {
          'fill-color': colourOf(state('shown'), p.land),
          'fill-opacity': ['case', ['==', state('shown'), 'none'], 0, ['boolean', ['feature-state', 'held'], false], 0.72, 0.34],
        },
      },
      { id: 'townships', type: 'line', source: 'areas', filter: level('township'), paint: { 'line-color': p.line, 'line-width': 0.8 } },
      {
        id: 'waiting', type: 'line', source: 'areas', filter: level('township'),
        paint: { 'line-color': colourOf(state('waiting'), p.line), 'line-width': 2.4, 'line-dasharray': [2, 1.6], 'line-opacity': ['case', ['!=', state('waiting'), 'none'], 1, 0] },
      },
      { id: 'hatch', type: 'fill', source: 'signals', paint: { 'fill-pattern': ['concat', 'hatch-', ['get', 'tier']], 'fill-opacity': 0.6 } },
      { id: 'districts', type: 'line', source: 'areas', filter: level('district'), paint: { 'line-color': p.border, 'line-width': 1.3 } },
      { id: 'signal-halo', type: 'line', source: 'signals', paint: { 'line-color': p.halo, 'line-width': 6, 'line-opacity': 0.7 } },
      { id: 'signal-edge', type: 'line', source: 'signals', paint: { 'line-color': colourOf(['get', 'tier'], p.border), 'line-width': 2.6 } },
      { id: 'veil', type: 'fill', source: 'blind', paint: { 'fill-pattern': ['concat', 'veil-', ['get', 'sight']] } },
      { id: 'veil-edge', type: 'line', source: 'blind', filter: ['!=', ['get', 'sight'], 'unseen'], paint: { 'line-color': sightColour, 'line-width': ['match', ['get', 'sight'], 'alarm', 3.2, 1.4] } },
      { id: 'chosen', type: 'line', source: 'areas', paint: { 'line-color': p.ink, 'line-width': 3, 'line-opacity': ['case', ['boolean', ['feature-state', 'chosen'], false], 1, 0] } },
      {
        id: 'points', type: 'circle', source: 'points', minzoom: 9.6,
        paint: { 'circle-color': p.point, 'circle-radius': ['interpolate', ['linear'], ['zoom'], 9.6, 1.4, 13, 4.5], 'circle-stroke-color': p.halo, 'circle-stroke-width': ['interpolate', ['linear'], ['zoom'], 9.6, 0, 13, 1] },
      },
      // Far out the highest tiers win the room; from close by every place with a tier is drawn.
      {
        id: 'raised-far', type: 'symbol', source: 'raised', maxzoom: 10.4,
        layout: {
          'icon-image': ['concat', ['get', 'shape'], '-', ['get', 'tier']], 'icon-size': ['match', ['get', 'shape'], 'site', 0.42, 0.3], 'icon-padding': 5,
          'icon-allow-overlap': false, 'symbol-sort-key': ['-', 0, ['get', 'rank']],
        },
      },
      {
        id: 'raised', type: 'symbol', source: 'raised', minzoom: 10.4,
        layout: {
          'icon-image': ['concat', ['get', 'shape'], '-', ['get', 'tier']],
          'icon-size': ['interpolate', ['linear'], ['zoom'], 10.4, ['match', ['get', 'shape'], 'site', 0.5, 0.3], 13, 0.8],
          'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-sort-key': ['get', 'rank'],
        },
      },
      {
        id: 'township-names', type: 'symbol', source: 'labels', minzoom: 11, filter: level('township'),
        layout: { 'text-field': ['get', label], 'text-font': ['sans'], 'text-size': 12 },
        paint: { 'text-color': p.ink, 'text-halo-color': p.halo, 'text-halo-width': 1.5 },
      },
      {
        id: 'district-names', type: 'symbol', source: 'labels', filter: level('district'),
        layout: { 'text-field': ['get', label], 'text-font': ['sans'], 'text-size': ['interpolate', ['linear'], ['zoom'], 8, 13, 11, 17], 'text-allow-overlap': false, 'text-optional': true, 'text-padding': 2 },
        paint: { 'text-color': p.ink, 'text-halo-color': p.halo, 'text-halo-width': 2 },
      },
    ],
  };
}

/** Pixels of one image at twice the size of the screen's. */
function draw(size: number, paint: (c: CanvasRenderingContext2D) => void): ImageData | null {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const c = canvas.getContext('2d');
  if (!c) return null;
  paint(c);
  return c.getImageData(0, 0, size, size);
}

/** A point's mark: sites square, stations round, the tier's letter inside. */
export function mark(shape: 'site' | 'station', tier: Tier, lang: Lang): ImageData | null {
  const { fill, ink } = COLOUR[tier];
  return draw(64, (c) => {
    c.beginPath();
    if (shape === 'site') c.roundRect(5, 5, 54, 54, 10);
    else c.arc(32, 32, 27, 0, 2 * Math.PI);
    c.fillStyle = fill;
    c.fill();
    c.lineWidth = 5;
    c.strokeStyle = '#05090f';
    c.stroke();
    c.fillStyle = ink;
    c.font = '800 34px "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif';
    c.textAlign = 'center';
    c.textBaseline = 'middle';
    c.fillText(tierLetter(tier, lang), 32, 34);
  });
}

/** Diagonal hatching; it repeats without a seam. */
export function hatch(tier: Tier): ImageData | null {
  const size = 40;
  return draw(size, (c) => {
    for (const [width, colour] of [[6, '#05090f90'], [2.8, COLOUR[tier].fill]] as const) {
      c.lineWidth = width;
      c.strokeStyle = colour;
      for (const shift of [-size, 0, size]) {
        c.beginPath();
        c.moveTo(shift - 4, size + 4);
        c.lineTo(shift + size + 4, -4);
        c.stroke();
      }
    }
  });
}

/** Crossed hatching over what nobody sees, dots where there never was a station; it repeats without a seam. */
export function veil(sight: Sight): ImageData | null {
  const size = sight === 'unseen' ? 20 : 28;
  return draw(size, (c) => {
    c.strokeStyle = c.fillStyle = SIGHT_COLOUR[sight];
    if (sight === 'unseen') {
      c.beginPath();
      c.arc(size / 2, size / 2, 1.8, 0, 2 * Math.PI);
      c.fill();
      return;
    }
    c.lineWidth = sight === 'alarm' ? 3 : 1.5;
    for (const way of [1, -1]) {
      for (const shift of [-size, 0, size]) {
        c.beginPath();
        c.moveTo(shift - 4, way > 0 ? size + 4 : -4);
        c.lineTo(shift + size + 4, way > 0 ? -4 : size + 4);
        c.stroke();
      }
    }
  });
}

export const MARKED = TIERS;
