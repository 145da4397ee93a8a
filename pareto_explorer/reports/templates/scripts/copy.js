// Buttons that copy a command.
(() => {
  const copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) {
      try { return await navigator.clipboard.writeText(text); } catch { /* not allowed: the old way below */ }
    }
    const area = el("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-copy]");
    if (!button || button.dataset.label) return;
    await copy(button.dataset.copy);
    button.dataset.label = button.textContent;
    button.textContent = "✓";
    said.textContent = "copied";
    setTimeout(() => { button.textContent = button.dataset.label; delete button.dataset.label; said.textContent = ""; }, 1200);
  });
})();
