/**
 * The instructions of a Dockerfile, by stage: as much of its language as ours uses. Comments and continued lines are understood,
 * parser directives, ONBUILD and here-documents are not.
 *
 * @param {string} text
 * @returns {{ from: string, name: string | undefined, steps: { instruction: string, rest: string }[] }[]}
 */
export function stagesOf(text) {
  const lines = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const stages = [];
  for (const line of lines) {
    const [, instruction = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (instruction.toUpperCase() === 'FROM') {
      const [, from = '', name] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest) ?? [];
      stages.push({ from, name, steps: [] });
    } else stages.at(-1)?.steps.push({ instruction: instruction.toUpperCase(), rest });
  }
  return stages;
}

/**
 * The words of an instruction in its JSON form (`CMD ["node", "main.js"]`).
 *
 * @param {string} rest
 * @returns {string[]}
 */
export function wordsOf(rest) {
  return JSON.parse(rest.slice(rest.indexOf('[')));
}
