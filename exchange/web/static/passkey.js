// Makes and uses passkeys. A button says by its data what it is for: ask the hub for a challenge, let the device answer, send the answer.

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const ids = (list) => (list ?? []).map((one) => ({ ...one, id: decode(one.id) }));

// Browsers read and write the JSON form of WebAuthn Level 3 themselves; where one does not yet, these few lines do.
function creation(options) {
  if (window.PublicKeyCredential?.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const user = { ...options.user, id: decode(options.user.id) };
  return { ...options, challenge: decode(options.challenge), user, excludeCredentials: ids(options.excludeCredentials) };
}

function request(options) {
  if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return { ...options, challenge: decode(options.challenge), allowCredentials: ids(options.allowCredentials) };
}

function written(credential) {
  if (typeof credential.toJSON === "function") {
    try {
      return credential.toJSON();
    } catch {
      // Some password managers hand out credentials whose toJSON does not work.
    }
  }
  const response = { clientDataJSON: encode(credential.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = encode(credential.response[name]);
  }
  return { id: credential.id, rawId: encode(credential.rawId), type: credential.type, response, clientExtensionResults: {} };
}

async function ask(address, forgery, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": forgery },
    body: JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) {
    // A refusal's own words hold the clause and the remedy already: neither is said twice.
    const said = found.detail ?? "";
    throw new Error([found.clause, said, found.remedy].filter((words) => words && (words === said || !said.includes(words))).join(" "));
  }
  return found;
}

const WORDS = {
  NotAllowedError: "The passkey was not used: it was cancelled, took too long, or there is none for this site on this device. Try again.",
  InvalidStateError: "This device already holds a passkey for you here. Use another device, or sign in with the one you have.",
  NotSupportedError: "This device cannot make a passkey of a kind that this site takes. Try another device or a security key.",
  SecurityError: "Passkeys do not work at this address. Tell the operator of the exchange.",
};

async function run(button) {
  const { passkey, challenge, finish, forgery } = button.dataset;
  const said = button.form ? Object.fromEntries(new FormData(button.form)) : {};
  delete said.csrf_token;
  const begun = await ask(challenge, forgery, said);
  const credential =
    passkey === "create"
      ? await navigator.credentials.create({ publicKey: creation(begun.options) })
      : await navigator.credentials.get({ publicKey: request(begun.options) });
  const done = await ask(finish, forgery, { ...said, credential: written(credential) });
  window.location.assign(done.next);
}

for (const button of document.querySelectorAll("[data-passkey]")) {
  button.form?.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!button.disabled) button.click();
  });
  button.addEventListener("click", async () => {
    const fault = document.getElementById("passkey-fault");
    fault.textContent = "";
    button.disabled = true;
    try {
      if (!window.PublicKeyCredential) throw new Error("This browser knows no passkeys. Use a newer one.");
      await run(button);
    } catch (error) {
      fault.textContent = WORDS[error.name] ?? error.message;
      button.disabled = false;
    }
  });
  // Pressed before this line was reached, it would have done nothing, and said nothing.
  button.disabled = false;
}

// Back from the page that followed: a browser may show this one as it was left, with its button still at work.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll("[data-passkey]")) button.disabled = false;
});
