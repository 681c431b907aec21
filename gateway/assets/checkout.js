// Keeps a checkout page true while its order is open: counts down, asks for the order's state, and loads the page
// again when that has changed. Without this script the page loads itself again every few seconds.
"use strict";

(() => {
  const order = document.querySelector("[data-order]");
  if (!order) return;

  const ASK_EVERY_MS = 1000;
  const ASK_SLOWLY_MS = 5000;
  // Times are the server's: a phone's clock may be wrong by hours.
  const offset = Number(order.dataset.now) - Date.now();
  const expires = Number(order.dataset.expires);
  const countdown = order.querySelector("[data-countdown]");
  const trouble = order.querySelector("[data-trouble]");

  const two = (number) => String(number).padStart(2, "0");

  function tell() {
    const left = Math.max(0, Math.ceil((expires - Date.now() - offset) / 1000));
    const days = Math.floor(left / 86400);
    const hours = Math.floor((left % 86400) / 3600);
    const minutes = Math.floor((left % 3600) / 60);
    const clock = `${two(minutes)}:${two(left % 60)}`;
    countdown.textContent = (days ? `${days} d ` : "") + (hours || days ? `${hours}:${clock}` : clock);
  }

  async function ask() {
    let wait = ASK_EVERY_MS;
    try {
      const answer = await fetch(order.dataset.order, { cache: "no-store" });
      if (answer.ok && (await answer.json()).state !== "open") {
        location.reload();
        return;
      }
      trouble.hidden = answer.ok;
      if (!answer.ok) wait = ASK_SLOWLY_MS;
    } catch {
      // The network went away; it may come back.
      trouble.hidden = false;
      wait = ASK_SLOWLY_MS;
    }
    setTimeout(ask, document.hidden ? ASK_SLOWLY_MS : wait);
  }

  tell();
  setInterval(tell, 1000);
  setTimeout(ask, ASK_EVERY_MS);

  // One press is one payment, however often it is pressed.
  for (const form of order.querySelectorAll("form")) {
    form.addEventListener("submit", () => {
      for (const button of form.querySelectorAll("button")) button.disabled = true;
    });
  }
})();
