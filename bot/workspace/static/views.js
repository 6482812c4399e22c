// Modals and the App Home.
import { Dialog, html, Icon, useEffect, useState } from "./ui.js";
import { Blocks, useValues } from "./blocks.js";
import { plain } from "./text.js";
import { act, state } from "./store.js";

/** The top modal; a new view id starts with fresh inputs, an update keeps what was typed. */
export function Modal({ view }) {
  const [errors, setErrors] = useState({});
  const [failure, setFailure] = useState(null);
  const [pending, setPending] = useState(false);
  const surface = useValues(view.id, (what) => act("click", { ...what, view_id: view.id }));
  surface.errors = errors;
  useEffect(() => { document.querySelector("dialog.modal:last-of-type .body :is(input, select, textarea)")?.focus(); }, []);
  useEffect(() => setErrors({}), [view.hash]);
  useEffect(() => { document.querySelector(".modal .wrong :is(input, textarea, select)")?.focus(); }, [errors]);
  const submit = async (event) => {
    event.preventDefault();
    setPending(true);
    const result = await act("submit", { view_id: view.id, values: surface.values() });
    setPending(false);
    setErrors(result.errors || {});
    setFailure(result.errors ? null : result.failure);
  };
  const close = () => act("close", { view_id: view.id });
  return html`<${Dialog} label=${view.title.text} className="modal" onClose=${close}>
    <form onSubmit=${submit} novalidate><header><span class="badge-app" aria-hidden="true"><img src="/static/icon.svg" alt="" /></span><h2>${plain(view.title.text)}</h2>
      <button type="button" class="icon-button" aria-label="Close" onClick=${close}><${Icon} name="close" /></button></header>
    <div class="body" tabindex="-1">${failure && html`<p class="failure" role="alert">${failure}</p>`}<${Blocks} blocks=${view.blocks} surface=${surface} /></div>
    <footer><button type="button" onClick=${close}>${plain(view.close?.text || "Close")}</button>
    ${view.submit && html`<button class="primary" aria-busy=${pending} disabled=${pending}>${plain(view.submit.text)}</button>`}</footer></form><//>`;
}

export function Home({ view }) {
  const surface = useValues(view?.id || "home", (what) => act("click", { ...what, view_id: view.id }));
  if (!view) return html`<div class="empty"><h2>Nothing here yet</h2><p>${state.connected ? "convotest shows nothing in its Home tab so far." : "convotest is not connected, so its Home tab is empty."}</p>
    <p>What it does, it does in channels: <a href=${`#/${state.firstChannel}`}>#${state.channels.get(state.firstChannel)?.name}</a></p></div>`;
  return html`<div class="home"><${Blocks} blocks=${view.blocks} surface=${surface} /></div>`;
}
