// What the page is better with: Copy, the live line, the comment that follows the device, the guard on leaving.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // Copy. The words come from the page, so that they are in its language.
  let saved = false;
  const said = document.getElementById("said");
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      const label = button.querySelector(".label");
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
        if (button.dataset.copy === "password") saved = true;
        const before = label.textContent;
        label.textContent = button.dataset.done;
        said.textContent = `${button.dataset.done}: ${button.dataset.what}`;
        setTimeout(() => { label.textContent = before; said.textContent = ""; }, 2500);
      } catch {
        // Without the clipboard (plain http, or refused) the text is selected for the person to copy.
        const range = document.createRange();
        range.selectNodeContents(source);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        said.textContent = button.dataset.failed;
      }
    });
  }

  // One click, one request: a second press of the same button does nothing while the first is on its way.
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
      leaving = true;
    });
  }
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // The guard on leaving a password that was neither copied nor used.
  let leaving = false;
  if (document.getElementById("password")) {
    for (const done of document.querySelectorAll("[data-leaves]")) {
      done.addEventListener("click", () => { leaving = true; });
    }
    addEventListener("beforeunload", (event) => {
      if (!saved && !leaving) event.preventDefault();
    });
  }

  // Moments: the day and the time of day are the browser's instead of UTC, and "12 seconds ago" stays true while the
  // page is open. How far the browser's clock is from the server's is taken into account.
  const language = root.lang === "en" ? "en-GB" : root.lang;
  const skew = Date.now() - Date.parse(root.dataset.now);
  const written = (moment, options) => new Intl.DateTimeFormat(language, options).format(moment);
  const DAY = { day: "numeric", month: "long" };
  const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, timeZoneName: "short" };
  const FULL = { dateStyle: "full", timeStyle: "medium" };
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const passed = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  const moments = () => {
    const now = new Date(Date.now() - skew);
    for (const each of document.querySelectorAll("time[datetime]")) {
      const at = new Date(each.dateTime);
      let text = each.textContent;
      if ("clock" in each.dataset) text = written(at, CLOCK);
      if ("day" in each.dataset) text = written(at, at.getFullYear() === now.getFullYear() ? DAY : { ...DAY, year: "numeric" });
      if ("ago" in each.dataset) {
        const seconds = Math.floor((now - at) / 1000);
        const [unit, size] = UNITS.find(([, length]) => seconds >= length) || [];
        if (unit && seconds < 7 * 86400) text = passed.format(-Math.round(seconds / size), unit);
      }
      if (text !== each.textContent) each.textContent = text;
      if (!each.title) each.title = written(at, FULL);
    }
  };
  moments();
  setInterval(moments, 15000);

  // A menu closes with Escape, which returns the focus to its button, and when something else is pressed.
  const menus = document.querySelectorAll("details.menu");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus) {
      if (menu.open && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  });
  document.addEventListener("click", (event) => {
    for (const menu of menus) if (menu.open && !menu.contains(event.target)) menu.open = false;
  });

  // The comment follows the chosen device until somebody types in it.
  const comment = document.getElementById("comment");
  const devices = [...document.querySelectorAll("input[data-comment]")];
  if (comment && devices.length) {
    let own = comment.value !== "";
    comment.addEventListener("input", () => { own = comment.value !== ""; });
    const follow = () => {
      const chosen = devices.find((each) => each.checked);
      if (!own && chosen) comment.value = chosen.dataset.comment;
    };
    for (const device of devices) device.addEventListener("change", follow);
    follow();
  }

  // The live line: only its text changes, the element stays. The look itself is no sign of life to the server.
  const line = document.querySelector("[data-live]");
  if (line) {
    const began = Date.now();
    let timer = 0;
    let shown = line.textContent;
    const show = (now) => {
      const text = `${now.fact} ${now.more}`;
      line.className = `live ${now.tone}`;
      const use = line.querySelector("use");
      use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${now.icon}`));
      if (text !== shown) {
        line.querySelector("strong").textContent = now.fact;
        line.querySelector(".more").textContent = now.more;
        shown = text;
      }
      const groups = document.querySelectorAll("#password span");
      groups.forEach((group, place) => group.classList.toggle("wrong", String(place + 1) === now.group));
      if (now.tone === "ok") saved = true;
    };
    const look = async () => {
      let pause = 500;
      try {
        const answer = await fetch(line.dataset.live, { redirect: "error", cache: "no-store" });
        if (!answer.ok) throw new Error(String(answer.status));
        const now = await answer.json();
        show(now);
        if (now.tone === "ok") pause = 5000;
      } catch {
        pause = 3000;
      }
      clearTimeout(timer);
      if (Date.now() - began < 60 * 60 * 1000) timer = setTimeout(look, document.hidden ? 5000 : pause);
    };
    document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
    look();
  }
})();
