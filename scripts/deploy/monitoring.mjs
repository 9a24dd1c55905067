import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { promtool, run } from './tools.mjs';

/** @param {string} text @throws with what promtool says of these rules */
export function rules(text, work) {
  const file = join(work, 'rules.yaml');
  writeFileSync(file, text);
  run(promtool(), ['check', 'rules', file]);
}

/** Carries the tests out on these rules. @throws with the alerts that came, or did not */
export function testRules(text, tests, work) {
  writeFileSync(join(work, 'rules.yaml'), text);
  const file = join(work, 'rules.test.yaml');
  writeFileSync(file, tests);
  run(promtool(), ['test', 'rules', file]);
}

/**
 * The form of a dashboard: no linter of Grafana can be had as a package, so these are the rules of its own that can go wrong by hand.
 *
 * @throws with all that is wrong
 */
export function dashboard(text, work) {
  const { panels, templating } = JSON.parse(text);
  const wrong = [];
  const ids = panels.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) wrong.push('an id is there twice');
  for (const [index, panel] of panels.entries()) {
    const { x, y, w, h } = panel.gridPos;
    if (x < 0 || x + w > 24) wrong.push(`${panel.title} is wider than the page`);
    for (const other of panels.slice(index + 1)) {
      const { x: ox, y: oy, w: ow, h: oh } = other.gridPos;
      if (x < ox + ow && ox < x + w && y < oy + oh && oy < y + h)
        wrong.push(`${panel.title} and ${other.title} overlap`);
    }
    if (panel.type === 'row') continue;
    if (!panel.title || !panel.fieldConfig?.defaults?.unit) wrong.push(`${panel.title}: no title or no unit`);
    if (panel.datasource === undefined) wrong.push(`${panel.title}: no datasource`);
  }
  for (const [, uid] of text.matchAll(/"type": "prometheus",\s*"uid": "([^"]*)"/g))
    if (uid !== '${datasource}') wrong.push(`the datasource ${uid} is not the variable`);
  const variables = new Set(templating.list.map(({ name }) => name));
  for (const [, name] of text.matchAll(/\$\{?([a-z]\w*)/g)) if (!variables.has(name)) wrong.push(`no variable ${name}`);
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  rules(dump({ groups: [{ name: 'dashboard', rules: recorded(queriesOf(panels)) }] }), work);
}

/** @returns {string[]} the queries of all panels */
export function queriesOf(panels) {
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

/** Each as a rule that records it, with Grafana's variables filled in, so that Prometheus itself reads it. */
function recorded(queries) {
  return queries.map((query, index) => ({
    record: `panel:${index}`,
    expr: query.replaceAll('$__rate_interval', '5m').replaceAll(/\$\{?\w+\}?/g, 'x'),
  }));
}
