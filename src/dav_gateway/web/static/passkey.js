// Passkeys: asks the server for a challenge, the browser for the answer, and sends the form with it.
"use strict";
(() => {
  const octets = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const written = (buffer) => buffer
    ? btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")
    : undefined;
  const known = (list) => (list || []).map((each) => ({ ...each, id: octets(each.id) }));

  const create = async (options) => {
    const publicKey = { ...options, challenge: octets(options.challenge), user: { ...options.user, id: octets(options.user.id) }, excludeCredentials: known(options.excludeCredentials) };
    const made = await navigator.credentials.create({ publicKey });
    return { made, response: {
      clientDataJSON: written(made.response.clientDataJSON),
      attestationObject: written(made.response.attestationObject),
      transports: made.response.getTransports ? made.response.getTransports() : [],
    } };
  };
  const get = async (options) => {
    const publicKey = { ...options, challenge: octets(options.challenge), allowCredentials: known(options.allowCredentials) };
    const made = await navigator.credentials.get({ publicKey });
    return { made, response: {
      clientDataJSON: written(made.response.clientDataJSON),
      authenticatorData: written(made.response.authenticatorData),
      signature: written(made.response.signature),
      userHandle: written(made.response.userHandle),
    } };
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const failed = form.querySelector("[data-failed]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      failed.hidden = true;
      try {
        const answer = await fetch(form.dataset.ask, {
          method: "POST", redirect: "error", cache: "no-store",
          body: new URLSearchParams({ csrf: form.elements.csrf.value }),
        });
        if (!answer.ok) throw new Error(String(answer.status));
        const { options, handle } = await answer.json();
        const { made, response } = await (form.dataset.passkey === "create" ? create(options) : get(options));
        form.elements.handle.value = handle;
        form.elements.answer.value = JSON.stringify({ id: made.id, rawId: written(made.rawId), type: made.type, response, clientExtensionResults: {} });
        form.submit();
      } catch {
        // Refused, taken too long, or no authenticator: the browser has said more already.
        failed.hidden = false;
        delete form.dataset.sent;
      }
    });
  }

  for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
})();
