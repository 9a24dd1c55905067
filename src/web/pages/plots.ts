import type { LatencyView, NoticeCounts, NoticeState } from './views.js';
import { compactDuration, counted } from './words.js';

/** How a notice can end, from the bottom of a column to its top. */
export const ENDINGS: readonly NoticeState[] = ['delivered', 'rejected', 'abandoned'];

/** Left of the columns, for the words on the scale. */
const SCALE = 14;
const GAP = 0.7;
/** The columns' ground, in percent from the top; below it the words of the hours. */
const GROUND = 86;
const TOP = 8;

interface Column {
  readonly startsAt: Date;
}

/**
 * Plots as SVG without script and without a view box: places are percentages and letters are pixels, so a plot is as
 * readable on a phone as on a wall. All that is in them is a number or a word of our own, so nothing is escaped here.
 */
export function endingsPlot(hours: ReadonlyArray<Column & { readonly counts: NoticeCounts }>): string {
  const totals = hours.map(({ counts }) => ENDINGS.reduce((sum, state) => sum + counts[state], 0));
  const most = roundedUp(Math.max(1, ...totals));
  const height = (count: number): number => (count / most) * (GROUND - TOP);
  const columns = hours.map((hour, index) => {
    let y = GROUND;
    const parts = ENDINGS.filter((state) => hour.counts[state] > 0).map((state) => {
      // A single failure among thousands is the one that matters: it stays visible.
      const tall = Math.max(1, height(hour.counts[state]));
      y -= tall;
      return rect(`s-${state}`, columnX(index, hours.length), y, columnWidth(hours.length), tall);
    });
    const words = ENDINGS.map((state) => `${hour.counts[state]} ${state}`).join(', ');
    return group(`${hourOf(hour.startsAt)}: ${words}`, parts);
  });
  const lines = [most, most / 2].map((count) => scaleLine(GROUND - height(count), String(count)));
  return svg('Notices by the hour in which they ended', [...lines, ...columns, ...ground(hours)]);
}

/** p50 and p95 of each hour. The scale is logarithmic: an application that answers and one that was away for a day. */
export function latencyPlot(hours: ReadonlyArray<Column & { readonly latency: LatencyView | undefined }>): string {
  const slowest = Math.max(1, ...hours.map(({ latency }) => latency?.p95 ?? 0));
  const marks = [0.1, 1, 10, 60, 600, 3600, 21_600, 86_400];
  const last = marks.find((mark) => mark >= slowest) ?? 86_400;
  const height = (seconds: number): number =>
    (Math.max(0, Math.log10(Math.max(seconds, LEAST) / LEAST)) / Math.log10(last / LEAST)) * (GROUND - TOP);
  const columns = hours.map(({ startsAt, latency }, index) => {
    if (latency === undefined) return '';
    const x = columnX(index, hours.length);
    const width = columnWidth(hours.length);
    const bar = (name: 'p95' | 'p50'): string => {
      const tall = Math.min(GROUND - TOP, Math.max(1, height(latency[name])));
      return rect(`s-${name}`, x, GROUND - tall, width, tall);
    };
    const words = `half within ${compactDuration(latency.p50)}, 95 of 100 within ${compactDuration(latency.p95)}`;
    return group(`${hourOf(startsAt)}: ${words}`, [bar('p95'), bar('p50')]);
  });
  const lines = marks
    .filter((mark) => mark <= last)
    .map((mark) => scaleLine(GROUND - height(mark), compactDuration(mark)));
  return svg('Time from the decision to the acceptance, by the hour', [...lines, ...columns, ...ground(hours)]);
}

/** Below it a column would have no height. */
const LEAST = 0.01;

/** The square that a legend shows beside its word. */
export function swatch(name: string): string {
  return `<svg viewBox="0 0 12 12" aria-hidden="true" focusable="false"><rect class="s-${name}" width="12" height="12" rx="3"/></svg>`;
}

function svg(title: string, parts: readonly string[]): string {
  return `<svg class="plot" role="img"><title>${title}</title>${parts.join('')}</svg>`;
}

function group(title: string, parts: readonly string[]): string {
  return `<g><title>${title}</title>${parts.join('')}</g>`;
}

function rect(name: string, x: number, y: number, width: number, height: number): string {
  return `<rect class="${name}" x="${percent(x)}" y="${percent(y)}" width="${percent(width)}" height="${percent(height)}"/>`;
}

function scaleLine(y: number, words: string): string {
  return `<line x1="${percent(SCALE)}" x2="100%" y1="${percent(y)}" y2="${percent(y)}"/><text x="0" y="${percent(y)}" dy=".35em">${words}</text>`;
}

/** The line at the bottom, and a word for every sixth hour. */
function ground(hours: readonly Column[]): string[] {
  const words = hours.map(({ startsAt }, index) =>
    startsAt.getUTCHours() % 6 === 0
      ? `<text x="${percent(columnX(index, hours.length) + columnWidth(hours.length) / 2)}" y="${percent(GROUND)}" dy="1.25em" text-anchor="middle">${hourOf(startsAt)}</text>`
      : '',
  );
  return [`<line x1="${percent(SCALE)}" x2="100%" y1="${percent(GROUND)}" y2="${percent(GROUND)}"/>`, ...words];
}

function columnX(index: number, of: number): number {
  return SCALE + 1 + (index * (100 - SCALE - 1)) / of;
}

function columnWidth(of: number): number {
  return (100 - SCALE - 1) / of - GAP;
}

function percent(value: number): string {
  return `${Math.round(value * 100) / 100}%`;
}

function hourOf(instant: Date): string {
  return `${String(instant.getUTCHours()).padStart(2, '0')}:00`;
}

/** 1, 2, 5, 10, 20, 50 … that is no less, even from 2 on so that its half is whole. */
function roundedUp(count: number): number {
  if (count <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(count));
  const factor = [1, 2, 4, 6, 8, 10].find((candidate) => candidate * power >= count) ?? 10;
  const rounded = factor * power;
  return rounded % 2 === 0 ? rounded : rounded + 1;
}

/** "5 applications more", for what a page leaves out. */
export function leftOut(count: number, one: string, many: string): string | undefined {
  return count > 0 ? `And ${counted(count, `${one} more`, `${many} more`)}.` : undefined;
}
