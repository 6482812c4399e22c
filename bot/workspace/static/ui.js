// Preact bound to htm, and the small helpers that every part of the page uses.
import { Component, h, render } from "./vendor/preact.js";
import { useEffect, useLayoutEffect, useRef, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";

export const html = htm.bind(h);
export { Component, render, useEffect, useLayoutEffect, useRef, useState };

/** A link that leads out, or plain text when its address is not a web address. */
export function Link({ href, children }) {
  if (!/^(https?:|mailto:)/i.test(href)) return html`<span>${children}</span>`;
  const own = href.startsWith(location.origin + "/#");
  return own
    ? html`<a href=${href.slice(location.origin.length)}>${children}</a>`
    : html`<a href=${href} target="_blank" rel="noopener noreferrer">${children}</a>`;
}

const ICONS = {
  hash: "M5 9h14M5 15h14M10 4 8 20M16 4l-2 16",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  close: "M6 6l12 12M18 6 6 18",
  menu: "M4 7h16M4 12h16M4 17h16",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.500 14.500a4 4 0 0 0 7 0M9 9.500v.01M15 9.500v.01",
  reply: "M5 5h14v11H11l-5 4v-4H5z",
  link: "M10 14l4-4M9 11l-3 3a3.500 3.500 0 0 0 5 5l3-3M15 13l3-3a3.500 3.500 0 0 0-5-5l-3 3",
  send: "M4 5l16 7-16 7 3-7zM7 12h6",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600 19 19M5 19l1.400-1.400M17.600 6.400 19 5",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  more: "M6 12v.01M12 12v.01M18 12v.01",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
  up: "M7 11v9H4v-9zM7 11l4-8a2 2 0 0 1 3 2l-1 4h5a2 2 0 0 1 2 2l-1.500 7a2 2 0 0 1-2 2H7",
  thumbdown: "M17 13V4h3v9zM17 13l-4 8a2 2 0 0 1-3-2l1-4H6a2 2 0 0 1-2-2l1.500-7a2 2 0 0 1 2-2H17",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  plus: "M12 5v14M5 12h14",
  pin: "M9 4h6l-1 6 3 3v2H7v-2l3-3zM12 15v5",
};

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;
}

const COLOURS = ["#b45309", "#0e7490", "#7c3aed", "#be185d", "#15803d", "#1d4ed8"];

/** A square with the first letter, in a colour that stays with the person. */
export function Avatar({ member, small }) {
  if (member?.is_bot) return html`<img class=${"avatar" + (small ? " small" : "")} src="/static/icon.svg" alt="" />`;
  const name = member?.real_name || "W";
  const colour = COLOURS[[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % COLOURS.length];
  return html`<span class=${"avatar" + (small ? " small" : "")} style=${{ background: colour }} aria-hidden="true">${name[0].toUpperCase()}</span>`;
}

export const clockTime = (ts) => new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
export const fullTime = (ts) => new Date(Number(ts) * 1000).toLocaleString([], { dateStyle: "full", timeStyle: "medium" });

export function dayName(ts) {
  const day = new Date(Number(ts) * 1000), today = new Date();
  const days = Math.round((new Date(today.toDateString()) - new Date(day.toDateString())) / 86400000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return day.toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" });
}

/** A modal window of the browser's own: it keeps the focus inside, and Escape closes it. */
export function Dialog({ label, onClose, children, className = "" }) {
  const ref = useRef();
  useEffect(() => {
    const dialog = ref.current, opener = document.activeElement;
    dialog.showModal();
    return () => { dialog.close(); setTimeout(() => { if (document.activeElement === document.body && opener?.isConnected) opener.focus(); }); };
  }, []);
  const cancel = (event) => { event.preventDefault(); onClose(); };
  const backdrop = (event) => { if (event.target === ref.current) onClose(); };
  return html`<dialog ref=${ref} class=${className} aria-label=${label} onCancel=${cancel} onMouseDown=${backdrop}>${children}</dialog>`;
}
