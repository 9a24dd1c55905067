const number = (value) => (value < 1 ? value.toFixed(3) : value.toFixed(2));
const parts = ({ server, database, total }) =>
  `${number(server).padStart(7)} + ${number(database).padStart(6)} = ${number(total).padStart(6)}`;

/** How many times cheaper than the peer. */
export function ratioOf({ exeunt, peer }) {
  return peer.total / exeunt.total;
}

/** How many times dearer than the bare request. */
export function timesFloor({ exeunt, floor }) {
  return floor === undefined ? undefined : exeunt.total / floor.total;
}

export function printReport(result) {
  const { date, node, postgres, peer, processors, rounds, requests, load } = result;
  const lines = [
    '',
    `Milliseconds of CPU per operation, server + database; ${peer} on the same Postgres ${postgres}, durable commits.`,
    `${date}, Node ${node}, ${processors}, load ${load.toFixed(1)} at the start; ${rounds} rounds, ${requests} requests; lower quartile.`,
    '',
    `${'path'.padEnd(20)} ${'Exeunt'.padStart(25)}   ${'oidc-provider'.padStart(25)}   cheaper    goal               floor`,
    ...result.paths.map(line),
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function line(path) {
  const ratio = ratioOf(path);
  const goal =
    path.goal === undefined ? '   -                ' : `${path.goal.toFixed(1)}x ${reached(ratio, path.goal)}`;
  const floor = path.floor === undefined ? '' : `${timesFloor(path).toFixed(1)}x of ${path.floor.path}`;
  return `${path.name.padEnd(20)} ${parts(path.exeunt)}   ${parts(path.peer)}   ${`${ratio.toFixed(2)}x`.padStart(7)}   ${goal.padEnd(17)}  ${floor}`;
}

function reached(ratio, goal) {
  return ratio >= goal ? 'reached' : 'not reached';
}

/** The table of the README. */
export function markdown({ paths, peer, date, node, postgres, processors }) {
  const rows = paths.map((path) => {
    const ratio = ratioOf(path);
    const goal = path.goal === undefined ? '' : `${path.goal}x: ${reached(ratio, path.goal)}`;
    const bare = path.floor === undefined ? '' : `${timesFloor(path).toFixed(1)}x`;
    return `| ${path.title} | ${number(path.exeunt.total)} | ${number(path.peer.total)} | ${ratio.toFixed(2)}x | ${goal} | ${bare} |`;
  });
  return [
    `Milliseconds of CPU per operation, server and database. ${date}, Node ${node}, Postgres ${postgres}, ${processors}.`,
    '',
    `| Operation | Exeunt | ${peer} | cheaper by | goal | of the bare floor |`,
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
