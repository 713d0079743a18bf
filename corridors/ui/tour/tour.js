// Four steps for a first visit: a ring about a part of the page and a card that says what it is.
// It never blocks the page. That it was seen is kept by the browser; a button opens it again.

const SEEN = "corridors.tour";
const GAP_PX = 10;
const EDGE_PX = 12;

export default function tour(component) {
  const { data, parentElement } = component;
  const opener = parentElement.querySelector("button");
  opener.textContent = data.words.open;
  opener.onclick = () => start(opener, data);
  const shown = document.querySelector(".cx-tour");
  if (shown) show(shown, data, Number(shown.dataset.step));
  else if (!seen() && !asked()) start(opener, data);
  return () => { if (!opener.isConnected) end(); };
}

function seen() {
  try { return localStorage.getItem(SEEN) !== null; } catch { return true; }
}

// A link that asks for more than a language was sent by somebody: its reader came for that.
function asked() {
  return [...new URLSearchParams(location.search).keys()].some((key) => key !== "lang");
}

function start(opener, data) {
  end();
  const card = document.createElement("div");
  card.className = "cx-tour";
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-labelledby", "cx-tour-title");
  card.addEventListener("keydown", (event) => { if (event.key === "Escape") done(opener); });
  card.opener = opener;
  const ring = document.createElement("div");
  ring.className = "cx-tour-ring";
  document.body.append(ring, card);
  card.ring = ring;
  card.follow = setInterval(() => place(card), 250);
  show(card, data, 0);
}

function show(card, data, step) {
  const { at, title, text } = data.steps[step];
  const last = step === data.steps.length - 1;
  card.dataset.step = step;
  card.at = at;
  const head = node("h2", title);
  head.id = "cx-tour-title";
  const row = node("div", "");
  row.append(
    node("small", `${step + 1} / ${data.steps.length}`),
    ...(step ? [button(data.words.back, () => show(card, data, step - 1))] : []),
    ...(last ? [] : [button(data.words.skip, () => done(card.opener))]),
    button(last ? data.words.done : data.words.next,
      () => (last ? done(card.opener) : show(card, data, step + 1)), "cx-tour-next"),
  );
  card.replaceChildren(head, node("p", text), row);
  place(card);
  row.lastChild.focus({ preventScroll: true });
}

// Beside what it speaks of, wherever that has moved: below, above, or over its lower end.
function place(card) {
  const target = document.querySelector(card.at);
  const box = target?.getBoundingClientRect();
  const { ring } = card;
  ring.hidden = !box;
  if (!box) return;
  Object.assign(ring.style, { left: `${box.left - 4}px`, top: `${box.top - 4}px`,
    width: `${box.width + 8}px`, height: `${box.height + 8}px` });
  const { offsetWidth: wide, offsetHeight: high } = card;
  const under = box.bottom + GAP_PX + high < innerHeight ? box.bottom + GAP_PX : null;
  const over = box.top - GAP_PX - high > 0 ? box.top - GAP_PX - high : null;
  const top = under ?? over ?? Math.min(box.bottom, innerHeight) - high - 3 * EDGE_PX;
  const left = Math.min(Math.max(box.left, EDGE_PX), innerWidth - wide - EDGE_PX);
  Object.assign(card.style, { left: `${left}px`, top: `${Math.max(top, EDGE_PX)}px` });
}

function done(opener) {
  try { localStorage.setItem(SEEN, "1"); } catch { /* a browser that keeps nothing asks again */ }
  end();
  opener.focus({ preventScroll: true });
}

function end() {
  const card = document.querySelector(".cx-tour");
  if (!card) return;
  clearInterval(card.follow);
  card.ring.remove();
  card.remove();
}

function node(tag, words) {
  const made = document.createElement(tag);
  made.textContent = words;
  return made;
}

function button(words, act, name = "") {
  const made = node("button", words);
  made.type = "button";
  made.className = name;
  made.onclick = act;
  return made;
}
