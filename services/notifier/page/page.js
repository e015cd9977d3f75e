// Keeps the page up to date: fetches it again every few seconds and puts in what has changed, part
// by part, so that neither place nor focus is lost. Without it the page says the same, as of when
// it was loaded.
"use strict";

(() => {
  const everyMilliseconds = 5000;
  const parts = () => document.querySelectorAll("[data-live]");
  const asOf = document.getElementById("as-of");
  if (parts().length === 0 || asOf === null) return;

  let isPaused = false;
  let timer = 0;

  const button = document.createElement("button");
  button.type = "button";
  button.className = "pause";
  button.textContent = "Pause updates";
  button.addEventListener("click", () => {
    isPaused = !isPaused;
    button.textContent = isPaused ? "Go on updating" : "Pause updates";
    if (!isPaused) update();
  });
  asOf.parentElement.append(" ", button);

  // What has an id and the focus within `part` gets it back.
  const replace = (part, fresh) => {
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const again = focused?.id || "";
    const link = focused?.getAttribute("href") || "";
    part.replaceChildren(...fresh.childNodes);
    if (focused === null) return;
    const target = again !== "" ? document.getElementById(again)
        : [...part.querySelectorAll("a")].find((a) => a.getAttribute("href") === link);
    target?.focus({preventScroll: true});
  };

  const update = async () => {
    clearTimeout(timer);
    if (isPaused) return;
    try {
      if (document.hidden) return;
      const answer = await fetch(location.href, {cache: "no-store"});
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const now = fresh.getElementById(part.id);
        if (now !== null && now.innerHTML !== part.innerHTML) replace(part, now);
      }
      asOf.textContent = fresh.getElementById("as-of")?.textContent ?? "";
      document.documentElement.classList.remove("stale");
    } catch {
      // The footer still says as of when the page is; it is shown that this does not move.
      document.documentElement.classList.add("stale");
    } finally {
      if (!isPaused) timer = setTimeout(update, everyMilliseconds);
    }
  };

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !isPaused) update();
  });
  timer = setTimeout(update, everyMilliseconds);
})();
