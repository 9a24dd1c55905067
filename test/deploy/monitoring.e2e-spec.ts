import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { TestApp } from '../support/app.js';

/** What Prometheus itself makes, or a probe of it. */
const OF_PROMETHEUS = new Set(['up', 'probe_success']);
const METRIC = /\b((?:exeunt|nodejs|process)_[a-z0-9_]+|up|probe_success)\b/g;

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

const rules = (
  load(readFileSync('deploy/prometheus/rules.yaml', 'utf8')) as { groups: readonly { rules: readonly Rule[] }[] }
).groups.flatMap((group) => group.rules);

const dashboard = JSON.parse(readFileSync('deploy/grafana/exeunt.json', 'utf8')) as {
  readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
};
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** The metrics that expressions name, without the endings that a histogram's parts have. */
function metricsIn(expressions: readonly string[]): Set<string> {
  const names = expressions.flatMap((text) => [...text.matchAll(METRIC)].map(([, name = '']) => name));
  return new Set(names.map((name) => name.replace(/_(?:bucket|sum|count)$/, '')));
}

/** The rows of the table "What to watch" that say when to alert: their metrics, and what is said. */
function watched(): { readonly metrics: ReadonlySet<string>; readonly alert: string }[] {
  const [, table = ''] = readFileSync('docs/operations.md', 'utf8').split('\n| Metric | Says | Alert when |\n');
  const rows = (table.split('\n\n')[0] ?? '').split('\n').slice(1);
  return rows
    .map((row) => row.split(/(?<!\\)\|/))
    .map(([, metrics = '', , alert = '']) => ({ metrics: metricsIn([metrics]), alert: alert.trim() }))
    .filter(({ alert }) => alert !== '');
}

describe('what operators watch it with', () => {
  let app: TestApp;
  let served: Set<string>;

  beforeAll(async () => {
    app = await TestApp.start();
    const { text } = await app.json('GET', '/metrics');
    served = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name));
  });

  afterAll(() => app.stop());

  it.each([
    ['the alert rules', rules.map(({ expr }) => expr)],
    ['the dashboard', queries],
  ])('%s name only metrics that are served', (_what, expressions) => {
    const named = metricsIn(expressions);
    expect(named.size).toBeGreaterThan(10);
    expect([...named].filter((name) => !OF_PROMETHEUS.has(name) && !served.has(name))).toEqual([]);
  });

  it('each row of the runbook that says when to alert has a rule, with its thresholds', () => {
    const rows = watched();
    expect(rows.length).toBeGreaterThan(20);
    for (const { metrics, alert } of rows) {
      const about = rules.filter(({ expr }) => [...metricsIn([expr])].some((metric) => metrics.has(metric)));
      expect(about, [...metrics].join()).not.toEqual([]);
      for (const [, threshold = ''] of alert.matchAll(/`[^`]*[<>=]=? (\d+(?:\.\d+)?)`/g))
        expect(
          about.some(({ expr }) => expr.includes(`> ${threshold}`)),
          `${[...metrics].join()} > ${threshold}`,
        ).toBe(true);
    }
  });

  it('each rule leads to a place in the runbook that exists', () => {
    const headings = [...readFileSync('docs/operations.md', 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} -]/gu, '')
        .replaceAll(' ', '-'),
    );
    for (const { alert, annotations } of rules) {
      const [path, anchor = ''] = annotations.runbook.split('#');
      expect(path, alert).toBe('docs/operations.md');
      expect(headings, `${alert}: ${anchor}`).toContain(anchor);
    }
  });
});
