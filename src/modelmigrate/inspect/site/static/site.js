"use strict";

// --- search: all words of a query, in names first, then in what these belong to ---

const root = document.currentScript.dataset.root;
const input = document.getElementById("search");
const list = document.getElementById("found");
const count = document.getElementById("count");
const MOST = 50;
let chosen = -1;

function rank([name, , , owner], words) {
  const own = name.toLowerCase();
  const all = `${own} ${owner.toLowerCase()}`;
  if (!words.every((word) => all.includes(word))) return -1;
  if (name === input.value.trim()) return 0;
  if (own === words.join(" ")) return 1;
  if (own.startsWith(words[0])) return 2;
  return words.every((word) => own.includes(word)) ? 3 : 4;
}

function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const ranked = [[], [], [], [], []];
  if (words.length) {
    for (const entry of globalThis.searchIndex) {
      const place = rank(entry, words);
      if (place >= 0) ranked[place].push(entry);
    }
  }
  const found = ranked.flat();
  list.replaceChildren(...found.slice(0, MOST).map(option));
  choose(found.length ? 0 : -1);
  const open = words.length > 0 && found.length > 0;
  list.hidden = !open;
  input.setAttribute("aria-expanded", String(open));
  count.textContent = words.length ? `${found.length} found` : "";
}

function option([name, kind, page, owner], number) {
  const item = document.createElement("li");
  const text = document.createElement("bdi");
  const about = document.createElement("small");
  text.textContent = name;
  about.textContent = owner ? `${kind}, ${owner}` : kind;
  item.append(text, about);
  item.id = `found-${number}`;
  item.dataset.page = page;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  item.addEventListener("click", () => go(item));
  return item;
}

function choose(number) {
  list.children[chosen]?.setAttribute("aria-selected", "false");
  chosen = number;
  const item = list.children[chosen];
  item?.setAttribute("aria-selected", "true");
  item?.scrollIntoView({ block: "nearest" });
  if (item) input.setAttribute("aria-activedescendant", item.id);
  else input.removeAttribute("aria-activedescendant");
}

function close() {
  list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  choose(-1);
}

function go(item) {
  close();
  location.href = root + item.dataset.page;
}

input.hidden = false; // without scripts there is nothing to type into
input.addEventListener("input", search);
input.addEventListener("focus", search);
input.addEventListener("keydown", (event) => {
  const last = list.children.length - 1;
  if (event.key === "Escape") close();
  else if (event.key === "Enter" && list.children[chosen]) go(list.children[chosen]);
  else if (event.key === "ArrowDown" && last >= 0) choose(chosen < last ? chosen + 1 : 0);
  else if (event.key === "ArrowUp" && last >= 0) choose(chosen > 0 ? chosen - 1 : last);
  else return;
  event.preventDefault();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".search")) close();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  input.focus();
});

// --- diagrams: zoomed by buttons or Ctrl and the wheel, moved by scrolling or dragging ---

for (const figure of document.querySelectorAll(".diagram")) {
  const canvas = figure.querySelector(".canvas");
  const svg = canvas.querySelector("svg");
  const natural = Number(svg.getAttribute("width"));
  svg.removeAttribute("height");

  const zoom = (factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) => {
    const old = svg.clientWidth || natural;
    const width = Math.min(Math.max(old * factor, 200), natural * 4);
    svg.setAttribute("width", width);
    canvas.scrollLeft = ((canvas.scrollLeft + x) * width) / old - x;
    canvas.scrollTop = ((canvas.scrollTop + y) * width) / old - y;
  };
  const fit = (least) => {
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const whole = Math.min(natural, canvas.clientWidth, (innerHeight * 0.75 * width) / height);
    svg.setAttribute("width", Math.max(whole, natural * least));
  };
  fit(0.6); // smaller, nothing could be read

  const buttons = document.createElement("div");
  buttons.className = "zoom";
  for (const [text, name, act] of [
    ["+", "Zoom in", () => zoom(1.3)],
    ["−", "Zoom out", () => zoom(1 / 1.3)],
    ["1:1", "Actual size", () => zoom(natural / svg.clientWidth)],
    ["fit", "Fit", () => fit(0)],
  ]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", act);
    buttons.append(button);
  }
  figure.append(buttons);
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX - box.left, event.clientY - box.top);
    },
    { passive: false },
  );
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || event.pointerType !== "mouse" || event.target.closest("a")) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("held");
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.classList.contains("held")) return;
    canvas.scrollLeft -= event.movementX;
    canvas.scrollTop -= event.movementY;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => canvas.classList.remove("held"));
  }
}
