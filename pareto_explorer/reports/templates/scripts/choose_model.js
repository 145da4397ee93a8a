// What `select` does: one model, why it, and where one could move from it.
const chooseModel = (payload) => {
  const { fixed, general, whole, count } = numbers;
  const rules = chooseRules;
  const floats = (text) => new Float64Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const { objectives, replicates: r, rows: n } = payload;
  const m = objectives.length;
  const means = floats(payload.means), values = floats(payload.values);
  const unit = (value, { ideal, nadir }) => (value - ideal) / (nadir - ideal) + 0;
  const inMetricUnits = Array.from({ length: n }, (_, i) => objectives.map((_, j) => means[i * m + j]));
  const points = inMetricUnits.map((row) => row.map((value, j) => unit(value, objectives[j])));
  const ofReplicates = (i) => Array.from({ length: r }, (_, k) => objectives.map((_, j) => values[(i * r + k) * m + j]));
  const scoresOf = (i) => ofReplicates(i).map((row) => row.map((value, j) => unit(value, objectives[j])));

  const trialOf = (i) => payload.trial.texts[payload.trial.codes[i]];
  const placeOf = (i) => `step ${payload.step[i]}${payload.position[i] ? `, position ${payload.position[i]}` : ""}`;
  const called = (i) => `${trialOf(i)} at ${placeOf(i)}`;

  const spent = (rows) => (rows.some((i) => payload.samples[i]) ? payload.samples : payload.step);
  const byPreference = (rows) => {
    const keys = [spent(rows), payload.knobs, payload.step, payload.trial.codes, payload.position];
    return sorted(rows, keys.map((key) => (i) => key[i]));
  };
  const sorted = (rows, keys) => [...rows].sort((a, b) => {
    for (const key of keys) if (key(a) !== key(b)) return key(a) - key(b);
    return 0;
  });

  // Bounds are {objective, bound: "max" | "min", value}; the first of each objective's column.
  const columnOf = ({ objective }) => objectives[objective].column;
  const inWords = (bound) => `${columnOf(bound)} at ${bound.bound === "max" ? "most" : "least"} ${general(bound.value)}`;
  const and = (bounds) => bounds.map(inWords).join(" and ");
  const excess = (bound, i) => Math.max((bound.bound === "max" ? 1 : -1) * (inMetricUnits[i][bound.objective] - bound.value), 0);
  const keeps = (bounds, i) => bounds.every((bound) => excess(bound, i) === 0);
  const infeasible = (bounds, rows, models) => {
    const far = (i) => Math.max(...bounds.map((bound) => excess(bound, i) / Math.abs(objectives[bound.objective].nadir - objectives[bound.objective].ideal)));
    const nearest = rows[rules.argmin(rows.map(far))];
    const missed = bounds.filter((bound) => excess(bound, nearest) > 0).map((bound) =>
      `${columnOf(bound)} ${general(inMetricUnits[nearest][bound.objective], 4)} (${general(excess(bound, nearest), 2)} too ${bound.bound === "max" ? "much" : "little"})`);
    const asked = bounds.map((bound) => `\`${bound.bound}imum\` ${objectives[bound.objective].metric}=${general(bound.value)}`);
    return { nearest, problem: `${asked.join(", ")}: none of ${models} models keeps this; the nearest, ${called(nearest)}, has ${missed.join(", ")}: relax the bound or sweep further.` };
  };

  // The answers take rows in the order of preference, and give one of them, why, and by what scores.
  const frontOf = ({ rows, bounds }) => {
    const all = rows.map((i) => points[i]);
    const found = rules.distinct(all, rules.front(all)).map((position) => rows[position]);
    const kept = bounds.length ? ` with ${and(bounds)}` : "";
    const words = found.length === 1 ? `the validation front${kept ? " of the models" : ""}${kept}` : `the validation front of ${whole(found.length)} models${kept}`;
    return { found, units: found.map((i) => points[i]), words };
  };
  const answers = {
    knee: (question) => {
      const { found, units, words } = frontOf(question);
      if (found.length === 1) return { row: found[0], reason: `the only model on ${words}`, scores: scoresOf };
      const knee = rules.knee(units);
      if (!knee) return { ...answers.closest(question), reason: `no knee stands out on ${words}; this is the closest to the ideal` };
      const reason = `the highest trade-off on ${words}: moving to a neighbour loses at least ${general(knee.tradeOff, 3)} times what it gains, in shares of the box`;
      return { row: found[knee.position], reason, scores: scoresOf };
    },
    closest: (question) => {
      const { found, units, words } = frontOf(question);
      const position = rules.closest(units);
      const reason = `the closest to the ideal on ${words}: no objective is further from it than ${general(Math.max(...units[position]), 3)} of the box`;
      return { row: found[position], reason, scores: (i) => scoresOf(i).map((values) => [rules.achievement(values)]) };
    },
    weights: (question) => {
      const { found, units, words } = frontOf(question);
      const wanted = question.weights.map((weight) => weight / rules.inOrder(question.weights));
      if (found.length === 1) return { row: found[0], reason: `the only model on ${words}`, scores: scoresOf };
      const { position, weights } = rules.pseudoWeight(units, wanted);
      const [have, want] = [weights, wanted].map((each) => each.map((weight) => fixed(weight, 2)).join(", "));
      return { row: found[position], reason: `its pseudo-weights (${have}) are the nearest to (${want}) on ${words}`, scores: scoresOf };
    },
    tolerance: ({ rows, bounds }) => {
      const free = objectives.map((_, j) => j).filter((j) => !bounds.some((bound) => bound.objective === j));
      const target = free.length ? free[0] : 0;
      const rest = objectives.map((_, j) => j).filter((j) => j !== target);
      const [row] = sorted(rows, [target, ...rest].map((j) => (i) => points[i][j]));
      const word = objectives[target].direction === "min" ? "smallest" : "largest";
      return { row, reason: `the ${word} ${columnOf({ objective: target })} with ${and(bounds)}`, scores: (i) => scoresOf(i).map((each) => [each[target]]) };
    },
  };

  const simplest = (rows, { row: best, scores }) => {
    const at = rows.indexOf(best);
    const found = rules.compared(rows.map(scores), at);
    const alike = rows.map((_, k) => k).filter((k) => found[k].every((each) => each.alike));
    const worse = (k) => Math.max(...found[k].map(({ mean }) => mean));
    const early = spent(rows);
    const [taken] = sorted(alike, [(k) => early[rows[k]], (k) => payload.knobs[rows[k]], (k) => Number(k !== at), worse]);
    if (alike.length === 1) return [best, "every other model is distinguishable from the best"];
    if (taken === at) return [best, `of ${whole(alike.length)} models that are not distinguishable from the best, it is the earliest with the fewest knobs itself`];
    const cost = (i) => `${called(i)} (${whole(payload.samples[i])} samples, ${count(payload.knobs[i], "knob")})`;
    return [rows[taken], `${whole(alike.length)} models are not distinguishable from the best, ${cost(best)}; the earliest of them with the fewest knobs is taken, ${cost(rows[taken])}`];
  };

  const movesFrom = (chosen, rows, bounds) => {
    const all = rows.map((i) => points[i]);
    const front = rules.front(all).map((position) => rows[position]);
    const change = front.map((i) => points[i].map((value, j) => value - points[chosen][j]));
    const distance = change.map((each) => Math.sqrt(rules.inOrder(each.map((value) => value * value))));
    const targets = objectives.flatMap((_, j) => {
      const better = front.map((_, k) => k).filter((k) => change[k][j] < 0);
      return better.length ? [better[rules.argmin(better.map((k) => distance[k]))]] : [];
    });
    const own = ofReplicates(chosen);
    return [...new Set(targets)].map((k) => {
      const there = ofReplicates(front[k]);
      const parts = objectives.map((_, j) => {
        const [mean, deviation] = rules.meanAndDeviation(there.map((each, i) => each[j] - own[i][j]), rules.inOrder, 1);
        return { gains: change[k][j] < 0, change: mean, error: r > 1 ? deviation / Math.sqrt(r) : null };
      });
      return { row: front[k], parts, samples: payload.samples[front[k]] - payload.samples[chosen], keeps: keeps(bounds, front[k]) };
    });
  };

  const pickedFrom = (families, { rule, bounds, considered, row }) => {
    const models = rules.inOrder(families.map((family) => payload.models[family]));
    const words = `one of ${count(models, "candidate")} from ${count(families.length, "family", "families")}`;
    if (considered === models || considered === null) return words;
    const kept = [...(bounds.length ? ["keep the constraints"] : []), ...(rule === "tolerance" || payload.beyond[row] ? [] : ["lie inside the box"])];
    return `${words}, of which ${whole(considered)} ${kept.join(" and ")}`;
  };

  // A question is {rule, bounds, weights, families (their codes, or null for all), oneStandardError}.
  const choose = ({ rule, bounds = [], weights = [], families = null, oneStandardError = false }) => {
    const among = payload.families.map((_, code) => code).filter((code) => payload.models[code] && (!families || families.includes(code)));
    const candidates = Array.from({ length: n }, (_, i) => i).filter((i) => among.includes(payload.family[i]));
    let rows = candidates.filter((i) => keeps(bounds, i));
    const models = rules.inOrder(among.map((family) => payload.models[family]));
    if (!rows.length) return infeasible(bounds, candidates, models);
    const inside = rows.filter((i) => !payload.beyond[i]);
    const limited = rule !== "tolerance" && inside.length > 0;
    if (limited) rows = inside;
    let considered = rows.length;
    if (models > candidates.length) { // some are not here
      considered = limited ? rules.inOrder(among.map((family) => payload.inside[family])) : models;
      if (bounds.length) considered = null;
    }
    rows = byPreference(rows);
    const answer = answers[rule]({ rows, bounds, weights });
    const [row, simpler] = oneStandardError ? simplest(rows, answer) : [answer.row, ""];
    return { row, reason: answer.reason, simpler, pickedFrom: pickedFrom(among, { rule, bounds, considered, row }), moves: movesFrom(row, candidates, bounds), candidates: frontOf({ rows, bounds }).found };
  };
  return { choose, points, inMetricUnits, trialOf, placeOf, idOf: (i) => `${trialOf(i)}@${payload.step[i]}${payload.position[i] ? `@${payload.position[i]}` : ""}` };
};
