const short = (count) => {
  if (count >= 1e6) return `${(count / 1e6).toFixed(count >= 1e7 ? 0 : 1)} M`;
  if (count >= 1e4) return `${(count / 1e3).toFixed(0)} k`;
  return count < 10 && count % 1 !== 0 ? count.toFixed(1) : count.toFixed(0);
};
const size = (count) => (count % 1e6 === 0 ? `${count / 1e6} M` : `${count / 1e3} k`);

/** More than an index's further level, or a page that was split, explains. */
export function grows(few, many) {
  return many > few * 2 + 20;
}

function rowsOf({ sizes }) {
  return sizes[0].paths.map(({ name }, n) => {
    const each = sizes.map(({ paths }) => paths[n]);
    const pages = each.map(({ perOperation }) => perOperation.pages);
    const notes = each.map(
      ({ outcome, status }) => outcome ?? (status === undefined ? undefined : `answered ${status}`),
    );
    return {
      name,
      statements: each.at(-1).perOperation.calls,
      pages: pages.map(short),
      wal: each.map(({ perOperation }) => short(perOperation.wal)),
      images: each.map(({ perOperation }) => short(perOperation.images)),
      ms: each.map(({ perOperation }) => short(perOperation.ms)),
      rows: each.map(({ perOperation }) => short(perOperation.rows)),
      note: [...new Set(notes.filter((text) => text !== undefined))].join('; '),
      grows: grows(pages[0], pages.at(-1)),
    };
  });
}

export function print(result) {
  const heads = result.sizes.map(({ sessions }) => size(sessions)).join(' / ');
  const lines = rowsOf(result).map(
    (row) =>
      `${row.name.padEnd(50)} ${row.pages.join(' / ').padStart(20)} ${row.wal.join(' / ').padStart(18)} ${row.ms.join(' / ').padStart(18)} ${row.rows.join(' / ').padStart(14)}  ${row.grows ? 'grows' : ''} ${row.note}`,
  );
  process.stdout.write(
    `\nPer operation, with ${heads} sessions, in Postgres\n${'path'.padEnd(50)} ${'pages'.padStart(20)} ${'WAL bytes'.padStart(18)} ${'ms'.padStart(18)} ${'rows'.padStart(14)}\n${lines.join('\n')}\n`,
  );
}

/** The same as a table for docs/performance.md, and the statements that read most where a path grows. */
export function markdown(result) {
  const heads = result.sizes.map(({ sessions }) => size(sessions)).join(' / ');
  const table = rowsOf(result).map(
    (row) =>
      `| ${row.grows ? `**${row.name}**` : row.name} | ${row.statements.toFixed(row.statements % 1 === 0 ? 0 : 1)} | ${row.pages.join(' / ')} | ${row.wal.join(' / ')} | ${row.ms.join(' / ')} | ${row.rows.join(' / ')} | ${row.note} |`,
  );
  return [
    `| path, with ${heads} sessions | statements | pages | WAL bytes | ms | rows | |`,
    '|---|---|---|---|---|---|---|',
    ...table,
    '',
    ...growingStatements(result),
    '',
  ].join('\n');
}

function growingStatements(result) {
  const [few, many] = [result.sizes[0], result.sizes.at(-1)];
  const found = new Map();
  for (const [n, path] of many.paths.entries())
    for (const { name, pages, calls } of path.statements) {
      const before = few.paths[n].statements.find((statement) => statement.name === name);
      const [less, more] = [(before?.pages ?? 0) / (before?.calls ?? 1), pages / calls];
      if (before !== undefined && grows(less, more) && more > (found.get(name)?.more ?? 0))
        found.set(name, { less, more });
    }
  if (found.size === 0) return ['No statement grows.'];
  const lines = [...found]
    .toSorted((a, b) => b[1].more - a[1].more)
    .map(([name, { less, more }]) => `| \`${name}\` | ${short(less)} | ${short(more)} |`);
  return [
    `| statement that grows | pages a call, ${size(few.sessions)} | ${size(many.sessions)} |`,
    '|---|---|---|',
    ...lines,
  ];
}
