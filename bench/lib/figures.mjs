/** The value below which a quarter of the slices are: what others do on the machine only adds. */
export function lowerQuartile(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 4)];
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** Milliseconds of CPU per operation, of the slice at the lower quartile of the sum, split as it was there. */
export function summary(slices) {
  const sums = slices.map(({ server, database }) => server + database);
  const total = lowerQuartile(sums);
  const { server, database } = slices[sums.indexOf(total)];
  return { server, database, total, median: median(sums), slices };
}
