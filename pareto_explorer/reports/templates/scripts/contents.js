// The contents: where one is, and the way to another card, which opens if it is folded.
(() => {
  const nav = document.querySelector(".contents");
  const cards = () => [...document.querySelectorAll("main > .card")];
  const keyOf = (link) => link.hash.slice(1);
  let links = [...nav.querySelectorAll("a")], keys = links.map(keyOf);
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
    const key = ended ? keys.at(-1) : keys.find((name) => inSight.has(name));
    if (key) mark(key);
  };
  const upper = new IntersectionObserver((entries) => {
    entries.forEach(({ target, isIntersecting }) => (isIntersecting ? inSight.add(target.id) : inSight.delete(target.id)));
    follow();
  }, { rootMargin: "-18% 0px -70% 0px" });
  const watch = () => cards().forEach((card) => upper.observe(card));
  watch();
  new MutationObserver(watch).observe(document.querySelector("main"), { childList: true }); // a card may be replaced
  new IntersectionObserver(([{ isIntersecting }]) => { ended = isIntersecting; follow(); }).observe(document.querySelector("footer"));

  // A page that is open gets further cards, and its contents with them.
  document.addEventListener("sections", () => {
    const found = cards();
    if (found.length === keys.length && found.every(({ id }, i) => id === keys[i])) return;
    links = found.map((card) => el("a", { href: `#${card.id}` }, card.querySelector("h2").textContent));
    keys = links.map(keyOf);
    nav.querySelector("ul").replaceChildren(...links.map((link) => el("li", {}, link)));
    follow();
  });

  const go = (key, behavior) => {
    const card = keys.includes(key) && document.getElementById(key);
    if (!card) return;
    const fold = card.querySelector(":scope > .fold"), title = card.querySelector("h2");
    if (fold) fold.open = true; else title.tabIndex = -1;
    card.scrollIntoView({ behavior });
    (fold ? fold.querySelector("summary") : title).focus({ preventScroll: true });
  };
  // Any link to a card: the address stays as it is where it says what the page is set to.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link || !keys.includes(keyOf(link)) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!location.hash.includes("=")) history.replaceState(null, "", link.hash);
    go(keyOf(link), calm.matches ? "auto" : "smooth");
  });
  const arrive = () => go(location.hash.slice(1), "auto");
  addEventListener("hashchange", arrive);
  arrive();
})();
