// The page of a run that goes on: takes what has changed from its own server, and sends notes to it.
const live = (() => {
  const given = document.getElementById("live");
  if (!given) return { available: false };
  let { have, state } = embedded("live");
  let source = null, watch = 0, held = false, waiting = null, sign = "waiting";
  const silence = 40_000; // milliseconds; the server gives a sign of life every 15 seconds
  const line = el("p", { class: "live" });
  document.querySelector("main > header").append(line);
  const announced = el("p", { class: "unseen", role: "status" });
  document.body.append(announced);

  const clock = (seconds) => {
    const whole = Math.round(seconds);
    return whole < 60 ? `${whole} s` : whole < 5400 ? `${Math.round(whole / 60)} min` : `${(whole / 3600).toFixed(1)} h`;
  };
  const told = ({ run, phase, done, total, failed, running, left, alive, over }, several) => {
    const parts = [`${done}${total ? ` of ${total}` : ""} trials done`];
    if (running && alive) parts.push(`${running} running`);
    if (failed) parts.push(`${failed} failed`);
    if (alive && left !== null) parts.push(`about ${clock(left)} left`);
    const what = over || alive ? phase : "the sweep has ended without a word; its command continues it";
    return `${several ? `${run}: ` : ""}${what} · ${parts.join(", ")}`;
  };
  const words = { live: "Live", waiting: "Connecting", paused: "Paused", lost: "Connection lost, trying again" };
  const show = () => {
    const { sweeps, problem } = state;
    const going = sweeps.some(({ alive }) => alive);
    const over = sign === "live" && sweeps.length > 0 && !going;
    line.dataset.sign = over ? "over" : sign;
    const texts = [...sweeps.map((sweep) => told(sweep, sweeps.length > 1)), ...(problem ? [problem] : [])];
    line.replaceChildren(el("b", {}, over ? "Up to date" : words[sign]), ...texts.map((text) => el("span", {}, text)));
    const said = sign === "lost" ? words.lost : over ? told(sweeps[0], false) : problem;
    if (announced.textContent !== said) announced.textContent = said;
  };
  const become = (next) => { if (sign !== next) { sign = next; show(); } };

  const take = (update) => {
    document.querySelector("main > header h1").textContent = update.name;
    document.querySelector("main > header .facts").textContent = update.facts.join(", ");
    sections.update(update);
  };
  // While a button of the pointer is down, nothing moves under it; of several updates each has what those before lack.
  const queue = [];
  const apply = () => { while (queue.length && !held) take(queue.shift()); };
  addEventListener("pointerdown", () => { held = true; }, true);
  for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => { held = false; setTimeout(apply); }, true);

  const heard = () => {
    clearTimeout(watch);
    watch = setTimeout(() => { become("lost"); open(); }, silence);
  };
  const close = () => { source?.close(); source = null; clearTimeout(watch); clearTimeout(waiting); };
  const open = () => {
    close();
    source = new EventSource(`events?have=${encodeURIComponent(have)}`);
    heard();
    source.addEventListener("open", () => { heard(); become("live"); });
    source.addEventListener("pulse", heard);
    source.addEventListener("state", ({ data }) => { heard(); state = JSON.parse(data); show(); });
    source.addEventListener("sections", ({ data, lastEventId }) => { heard(); have = lastEventId; queue.push(JSON.parse(data)); apply(); });
    source.addEventListener("error", () => { // a server that answers anything else ends it for good
      become("lost");
      if (source.readyState === EventSource.CLOSED) { close(); waiting = setTimeout(open, 2000); }
    });
  };
  const look = () => { if (document.hidden) { close(); become("paused"); } else open(); };
  document.addEventListener("visibilitychange", look);
  addEventListener("pageshow", ({ persisted }) => { if (persisted) look(); });
  addEventListener("load", () => { show(); look(); });

  const send = async (method, record) => {
    const answer = await fetch("notes", { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(record) });
    if (!answer.ok) throw new Error(await answer.json().then(({ error }) => error, () => "the server refused it"));
  };
  return {
    available: true,
    note: (point, text) => send("POST", { point, text }),
    takeBack: (point, time) => send("DELETE", { point, time }),
  };
})();
