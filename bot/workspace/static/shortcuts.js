// The app's shortcuts: Slack has them in a message's "More actions" and beside the composer.
import { html, useEffect, useLayoutEffect, useRef } from "./ui.js";

export function ShortcutMenu({ label, shortcuts, above, onPick, onClose }) {
  const ref = useRef();
  useLayoutEffect(() => {
    const log = ref.current.closest(".log")?.getBoundingClientRect();
    if (log) ref.current.classList.toggle("above", ref.current.getBoundingClientRect().bottom > log.bottom);
    ref.current.querySelector("button").focus();
  }, []);
  useEffect(() => {
    const outside = (event) => { if (!ref.current.contains(event.target)) onClose(); };
    addEventListener("mousedown", outside);
    return () => removeEventListener("mousedown", outside);
  }, []);
  const keys = (event) => {
    event.stopPropagation(); // the arrows are for the menu, not for the toolbar it hangs on
    if (event.key === "Escape") onClose();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const entries = [...ref.current.querySelectorAll("button")];
    entries[(entries.indexOf(event.target) + step + entries.length) % entries.length].focus();
  };
  return html`<div class=${"shortcuts" + (above ? " above" : "")} ref=${ref} role="menu" aria-label=${label} onKeyDown=${keys}>
    ${shortcuts.map((one) => html`<button key=${one.callback_id} type="button" role="menuitem" title=${one.description} onClick=${() => onPick(one)}>${one.name}<small>convotest</small></button>`)}</div>`;
}
