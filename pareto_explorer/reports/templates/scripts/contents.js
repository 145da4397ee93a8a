// The contents: where one is, and the way to another card, which opens if it is folded.
(() => {
  const nav = document.querySelector(".contents");
  const links = [...nav.querySelectorAll("a")];
  const keyOf = (link) => decodeURIComponent(link.hash.slice(1));
  const cards = new Map(links.map((link) => [keyOf(link), document.getElementById(keyOf(link))]));
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const mark = (key) => links.forEach((link) => {
    if (keyOf(link) !== key) { link.removeAttribute("aria-current"); return; }
    if (link.hasAttribute("aria-current")) return;
    link.setAttribute("aria-current", "location");
    // only the contents themselves scroll: a bar sideways, a rail up and down
    nav.scrollTo({ left: link.offsetLeft - nav.clientWidth / 3, top: link.offsetTop - nav.clientHeight / 3 });
  });
  const inSight = new Set();
  let ended = false;
  const follow = () => {
    const keys = [...cards.keys()];
    const key = ended ? keys.at(-1) : keys.find((name) => inSight.has(name));
    if (key) mark(key);
  };
  const upper = new IntersectionObserver((entries) => {
    entries.forEach(({ target, isIntersecting }) => (isIntersecting ? inSight.add(target.id) : inSight.delete(target.id)));
    follow();
  }, { rootMargin: "-18% 0px -70% 0px" });
  cards.forEach((card) => upper.observe(card));
  new IntersectionObserver(([{ isIntersecting }]) => { ended = isIntersecting; follow(); }).observe(document.querySelector("footer"));

  const unfold = (card) => {
    const fold = card?.querySelector(":scope > .fold");
    if (fold) fold.open = true;
  };
  const go = (key, behavior) => {
    const card = cards.get(key);
    if (!card) return;
    unfold(card);
    card.scrollIntoView({ behavior });
    const title = card.querySelector("h2, summary");
    const focused = title.closest("summary") ?? title;
    if (focused === title) title.tabIndex = -1;
    focused.focus({ preventScroll: true });
  };
  // Any link to a card, so the address is free for what the page is set to.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const key = link && keyOf(link);
    if (!cards.has(key) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!location.hash.includes("=")) history.replaceState(null, "", `#${encodeURIComponent(key)}`);
    go(key, calm.matches ? "auto" : "smooth");
  });
  const arrive = () => go(decodeURIComponent(location.hash.slice(1)), "auto");
  addEventListener("hashchange", arrive);
  arrive();
})();
