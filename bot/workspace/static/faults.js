// The panel with which people break things on purpose.
import { Dialog, html, Icon, useEffect, useState } from "./ui.js";
import { toast } from "./store.js";

const SHARES = [["posts_failing", "Posts that fail before they are stored"], ["posts_lost_after_storing", "Posts that are stored, but whose answer is lost"]];

export function Faults({ onClose }) {
  const [now, setNow] = useState(null);
  const load = async (change) => {
    const response = await fetch("/_faults", change && { method: "POST", body: JSON.stringify(change) });
    const body = await response.json();
    if (body.ok) setNow(body); else toast(body.error);
  };
  useEffect(() => { load(); }, []);
  if (!now) return null;
  const share = ([name, label]) => html`<label key=${name}><span>${label}</span><output>${Math.round(now[name] * 100)} %</output>
    <input type="range" min="0" max="1" step="0.05" value=${now[name]} onChange=${(event) => load({ [name]: Number(event.target.value) })} /></label>`;
  return html`<${Dialog} label="Faults" className="modal faults" onClose=${onClose}>
    <header><h2>Faults</h2><button class="icon-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
    <div class="body"><p class="hint">What goes wrong from now on between the bot and this workspace.</p>${SHARES.map(share)}
      <label><span>Delay of every answer</span><output>${now.delay_seconds} s</output><input type="range" min="0" max="5" step="0.5" value=${now.delay_seconds} onChange=${(event) => load({ delay_seconds: Number(event.target.value) })} /></label>
      <label class="check"><input type="checkbox" checked=${now.rate_limits} onChange=${(event) => load({ rate_limits: event.target.checked })} /><span>Slack's rate limits are enforced</span></label>
      <label class="check"><input type="checkbox" checked=${now.tables_refused} onChange=${(event) => load({ tables_refused: event.target.checked })} /><span>Tables are refused, as by a Slack that does not know them</span></label>
      <div class="actions"><button onClick=${() => load({ rate_limit_next: 5 })}>Refuse the next 5 calls (429)</button><button onClick=${() => load({ drop_sockets: true })} disabled=${!now.sockets}>Cut the socket</button>
      <button onClick=${() => load({ refresh_sockets: true })} disabled=${!now.sockets}>Renew the socket</button><button onClick=${() => load({ other_workspace: true })} disabled=${now.workspaces > 1}>Add a second workspace</button>
      <button onClick=${() => load({ clear: true })}>Stop all faults</button></div>
      <dl>${Object.entries(now.counters).map(([name, count]) => html`<div key=${name}><dt>${name.replaceAll("_", " ")}</dt><dd>${count}</dd></div>`)}</dl></div><//>`;
}
