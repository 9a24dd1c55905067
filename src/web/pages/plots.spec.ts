import { endingsPlot, latencyPlot, leftOut } from './plots.js';
import type { LatencyView, NoticeCounts } from './views.js';

const NONE: NoticeCounts = { pending: 0, delivered: 0, rejected: 0, abandoned: 0 };

function hours<T>(...values: readonly T[]): (T & { readonly startsAt: Date })[] {
  return values.map((value, index) => ({ ...value, startsAt: new Date(Date.UTC(2026, 2, 1, index)) }));
}
const heights = (svg: string, name: string): number[] =>
  [...svg.matchAll(new RegExp(`class="s-${name}"[^>]*height="([\\d.]+)%"`, 'g'))].map(([, height]) => Number(height));

describe('the plot of endings', () => {
  const plot = (...counts: Partial<NoticeCounts>[]): string =>
    endingsPlot(hours(...counts.map((count) => ({ counts: { ...NONE, ...count } }))));

  it('has a column for each hour, as tall as what ended in it', () => {
    const [first = 0, second = 0] = heights(plot({ delivered: 100 }, { delivered: 50 }, {}), 'delivered');
    expect(first).toBe(2 * second);
    expect(first).toBe(78);
  });

  it('leaves one failure among thousands to be seen', () => {
    expect(heights(plot({ delivered: 9999, abandoned: 1 }), 'abandoned')).toEqual([1]);
  });

  it('says each column in words', () => {
    expect(plot({ delivered: 3, rejected: 1 })).toContain('<title>00:00: 3 delivered, 1 rejected, 0 abandoned</title>');
  });

  it('has whole numbers on its scale, even when nothing happened', () => {
    for (const count of [0, 1, 3, 7, 11, 99, 101, 12_345]) {
      const marks = [...plot({ delivered: count }).matchAll(/dy="\.35em">([^<]+)</g)].map(([, mark]) => Number(mark));
      expect(marks.length).toBeGreaterThan(0);
      for (const mark of marks) expect([mark, Number.isInteger(mark) && mark > 0]).toEqual([mark, true]);
      expect(marks[0]).toBeGreaterThanOrEqual(count);
    }
  });

  it('stays within its frame and without a style or a script, which the policy would refuse', () => {
    const svg = plot({ delivered: 10, rejected: 10, abandoned: 10 }, {});
    const bars = [...svg.matchAll(/<rect[^>]* y="([-\d.]+)%"[^>]* height="([-\d.]+)%"/g)];
    expect(bars.length).toBeGreaterThanOrEqual(3);
    for (const [bar, y, height] of bars) {
      expect([bar, Number(y) >= 0]).toEqual([bar, true]);
      expect([bar, Number(y) + Number(height) <= 100]).toEqual([bar, true]);
    }
    expect(svg).not.toMatch(/style=|<script|NaN|undefined/);
  });
});

describe('the plot of latencies', () => {
  const plot = (...latencies: (LatencyView | undefined)[]): string =>
    latencyPlot(hours(...latencies.map((latency) => ({ latency }))));

  it('grows by the same for each power of ten', () => {
    const svg = plot({ p50: 0.1, p95: 1 }, { p50: 1, p95: 10 }, undefined);
    const [first = 0, second = 0] = heights(svg, 'p50');
    expect(second - first).toBeCloseTo((heights(svg, 'p95')[1] ?? 0) - second, 1);
  });

  it('holds what is faster than its scale and what took longer than a day', () => {
    const svg = plot({ p50: 0, p95: 10 * 86_400 });
    expect(heights(svg, 'p50')).toEqual([1]);
    expect(heights(svg, 'p95')).toEqual([78]);
    expect(svg).not.toContain('NaN');
  });

  it('says each column in words', () => {
    expect(plot({ p50: 0.05, p95: 65 })).toContain('half within 50 ms, 95 of 100 within 1 min 5 s');
  });
});

it('what is left out is counted, or not spoken of', () => {
  expect([leftOut(0, 'notice', 'notices'), leftOut(1, 'notice', 'notices'), leftOut(2, 'notice', 'notices')]).toEqual([
    undefined,
    'And 1 notice more.',
    'And 2 notices more.',
  ]);
});
