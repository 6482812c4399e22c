"use strict";
const form = document.querySelector("form");
const status = document.querySelector("#shown");
const all = [...document.querySelectorAll("details[data-outcome]")];
const text = new Map();

function textOf(item) {
  if (!text.has(item)) text.set(item, item.textContent.toLowerCase());
  return text.get(item);
}

function filter() {
  const outcome = form.elements.outcome.value;
  const tag = form.elements.tag.value;
  const words = form.elements.words.value.trim().toLowerCase();
  let shown = 0;
  for (const item of all) {
    const fits = (!outcome || item.dataset.outcome === outcome)
      && (!tag || JSON.parse(item.dataset.tags).includes(tag))
      && (!words || textOf(item).includes(words));
    item.hidden = !fits;
    shown += fits;
  }
  status.textContent = `${shown} of ${all.length} conversations`;
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    if (target.hidden) { form.reset(); filter(); }
    target.open = true;
    target.scrollIntoView();
  }
}

form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", openTarget);
filter();
openTarget();
