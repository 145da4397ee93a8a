// The decision rules of `select` on minimised points of one front without duplicates; every sum in NumPy's order, so that ties fall alike.
const chooseRules = (() => {
  const radius = 0.125, augmentation = 1e-4, utopian = -1e-10, rounding = 1e-9, level = 1e-12;
  const argmin = (values) => values.reduce((best, value, i) => (value < values[best] ? i : best), 0);
  const argmax = (values) => values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
  const inOrder = (values) => values.reduce((sum, value) => sum + value, 0);
  const pairwise = (values, from = 0, n = values.length) => {
    if (n < 8) { let sum = 0; for (let i = from; i < from + n; i++) sum += values[i]; return sum; }
    if (n <= 128) {
      const r = Array.from(values.slice(from, from + 8));
      let i = 8;
      for (; i < n - (n % 8); i += 8) for (let j = 0; j < 8; j++) r[j] += values[from + i + j];
      let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
      for (; i < n; i++) sum += values[from + i];
      return sum;
    }
    const half = Math.floor(n / 2), first = half - (half % 8);
    return pairwise(values, from, first) + pairwise(values, from + first, n - first);
  };
  const meanAndDeviation = (values, sum, freedom) => {
    const mean = sum(values) / values.length;
    return [mean, Math.sqrt(sum(values.map((value) => (value - mean) * (value - mean))) / (values.length - freedom))];
  };
  const same = (a, b) => a.every((value, j) => value === b[j]);
  const dominates = (a, b) => a.every((value, j) => value <= b[j]) && !same(a, b);

  // Positions of the points that no other beats, in their order; equal ones all stay.
  const front = (points) => {
    const lexical = (a, b) => { for (let j = 0; j < points[a].length; j++) if (points[a][j] !== points[b][j]) return points[a][j] - points[b][j]; return 0; };
    const found = [];
    for (const i of points.map((_, i) => i).sort(lexical)) { // what dominates a point comes before it
      if (!found.some((other) => dominates(points[other], points[i]))) found.push(i);
    }
    return found.sort((a, b) => a - b);
  };
  const distinct = (points, positions) => {
    const seen = new Set();
    return positions.filter((i) => { const key = points[i].join(); return !seen.has(key) && seen.add(key); });
  };

  // The least that a move to a neighbour loses for what it gains.
  const tradeOffs = (points) => {
    const n = points.length, m = points[0].length, least = Math.min(2 * m, n - 1);
    const away = new Float64Array(n);
    return points.map((point) => {
      let near = 0, limit = radius * radius;
      for (let i = 0; i < n; i++) {
        away[i] = 0;
        for (let j = 0; j < m; j++) away[i] += (points[i][j] - point[j]) * (points[i][j] - point[j]);
        if (away[i] <= limit) near++;
      }
      if (near < least) {
        const reach = Math.sqrt(away.slice().sort()[least]) * (1 + level);
        limit = reach * reach;
      }
      let ratio = Infinity;
      for (let i = 0; i < n; i++) {
        if (away[i] > limit) continue;
        let gain = 0, loss = 0;
        for (let j = 0; j < m; j++) {
          const change = points[i][j] - point[j];
          if (change < 0) gain -= change; else loss += change;
        }
        if (gain > 0) ratio = Math.min(ratio, loss / gain);
      }
      return ratio;
    });
  };
  const knee = (points) => {
    if (points.length < 3) return null;
    const found = tradeOffs(points);
    const highest = found[argmax(found)];
    if (highest - found[argmin(found)] <= rounding * highest) return null;
    const [mean, deviation] = meanAndDeviation(found, pairwise, 0);
    return (highest - mean) / deviation > 1 ? { position: argmax(found), tradeOff: highest } : null;
  };
  const achievement = (point) => {
    const beyond = point.map((value) => value - utopian);
    return Math.max(...beyond) + augmentation * inOrder(beyond);
  };
  const closest = (points) => argmin(points.map(achievement));
  const pseudoWeight = (points, wanted) => {
    const ends = wanted.map((_, j) => [Math.min(...points.map((p) => p[j])), Math.max(...points.map((p) => p[j]))]);
    const varies = wanted.flatMap((_, j) => (ends[j][1] - ends[j][0] > 0 ? [j] : []));
    const own = wanted.map(() => 0);
    if (!varies.length) return { position: 0, weights: own };
    const total = inOrder(varies.map((j) => wanted[j]));
    const shares = varies.map((j) => (total ? wanted[j] / total : 1 / varies.length));
    const weights = points.map((point) => {
      const parts = varies.map((j) => (ends[j][1] - point[j]) / (ends[j][1] - ends[j][0]));
      const sum = inOrder(parts);
      return parts.map((part) => part / sum);
    });
    const position = argmin(weights.map((each) => inOrder(each.map((weight, k) => Math.abs(weight - shares[k])))));
    varies.forEach((j, k) => { own[j] = weights[position][k]; });
    return { position, weights: own };
  };

  // Which points are not distinguishable from the best: a list of replicates for each, and of scores for each replicate.
  const compared = (scores, best) => scores.map((replicates, i) => replicates[0].map((_, k) => {
    const differences = replicates.map((values, r) => values[k] - scores[best][r][k]);
    const [mean, deviation] = meanAndDeviation(differences, replicates[0].length === 1 ? pairwise : inOrder, 1);
    return { mean, alike: mean <= (deviation / Math.sqrt(replicates.length)) * (1 + rounding) };
  }));
  return { front, distinct, knee, closest, achievement, pseudoWeight, compared, meanAndDeviation, inOrder, argmin, same };
})();
