// Commands about one model, quoted for a POSIX shell.
const commands = (() => {
  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);
  const line = (...words) => ["pareto-explorer", ...words.map((word) => quoted(String(word)))].join(" ");
  // Where several runs are together, a trial's name begins with that of its run.
  const located = (parts, trial) => {
    const [name, ...own] = trial.split(parts.member_mark);
    return Object.hasOwn(parts.members, name) && own.length ? [parts.members[name], own.join(parts.member_mark)] : [parts.run, trial];
  };
  const swept = (parts, run) => (Object.hasOwn(parts.swept, run) ? ["--space", parts.swept[run]] : []); // code of the user's own
  return { line, located, swept };
})();
