// Block Kit as people know it. `surface` says what a block stands in: how to act on it, and where inputs keep their values.
import { Dialog, html, Icon, Link, useEffect, useRef, useState } from "./ui.js";
import { Markdown, plain, RichText, Text } from "./text.js";
import { state, toast } from "./store.js";

/** A use of an element: shows that it is under way, asks for confirmation first, and says when nobody answered. */
function useAct(surface, block, element) {
  const [pending, setPending] = useState(false);
  const [question, setQuestion] = useState(null);
  const alive = useRef(true);
  useEffect(() => () => { alive.current = false; }, []);
  const run = async (value) => {
    setPending(true);
    const result = await surface.act({ action_id: element.action_id, block_id: block.block_id, value: value ?? null });
    if (alive.current) setPending(false);
    if (result.failure) toast(`convotest did not answer (${result.failure})`);
  };
  const use = (value) => (element.confirm ? setQuestion({ value }) : run(value));
  const dialog = question && html`<${Confirm} of=${element.confirm} onNo=${() => setQuestion(null)} onYes=${() => { setQuestion(null); run(question.value); }} />`;
  return { pending, use, dialog };
}

function Confirm({ of, onYes, onNo }) {
  return html`<${Dialog} label=${of.title.text} className="modal confirm" onClose=${onNo}>
    <header><h2>${plain(of.title.text)}</h2></header><div class="body"><${Text} of=${of.text} /></div>
    <footer><button onClick=${onNo}>${plain(of.deny?.text || "Cancel")}</button>
    <button class=${of.style === "danger" ? "danger" : "primary"} onClick=${onYes} autofocus>${plain(of.confirm?.text || "Yes")}</button></footer><//>`;
}

function Button({ surface, block, element }) {
  const { pending, use, dialog } = useAct(surface, block, element);
  const press = () => {
    if (element.url && /^https?:/i.test(element.url)) open(element.url, "_blank", "noopener,noreferrer");
    use(element.value ?? null);
  };
  return html`<button type="button" class=${`block-button ${element.style || ""}`} aria-busy=${pending} aria-label=${element.accessibility_label}
    onClick=${press}>${plain(element.text.text)}${element.url && html` <span aria-hidden="true">↗</span>`}</button>${dialog}`;
}

const optionsOf = (element) => [...(element.options || []), ...(element.option_groups || []).flatMap((group) => group.options)];

function dynamicOptions(element) {
  const option = (value, label) => ({ value, text: { type: "plain_text", text: label } });
  if (element.type.includes("users")) return [...state.members.values()].filter((m) => !m.is_bot).map((m) => option(m.id, m.real_name));
  return [...state.channels.values()].filter((c) => c.name).map((c) => option(c.id, "#" + c.name));
}

export function initialValue(element) {
  const option = element.initial_option?.value;
  const options = element.initial_options?.map((entry) => entry.value);
  const rest = element.initial_value ?? element.initial_date ?? element.initial_time ?? element.initial_user ?? element.initial_channel ?? element.initial_conversation;
  return option ?? options ?? element.initial_users ?? rest ?? (["checkboxes", "multi_static_select", "multi_users_select"].includes(element.type) ? [] : null);
}

function Choice({ element, value, onValue, id, label, pending }) {
  const choose = (event) => onValue(event.target.value || null);
  const option = (entry) => html`<option value=${entry.value}>${plain(entry.text.text)}</option>`;
  const groups = element.option_groups?.map((group) => html`<optgroup label=${plain(group.label.text)}>${group.options.map(option)}</optgroup>`);
  const list = groups || (element.options || dynamicOptions(element)).map(option);
  return html`<select id=${id} aria-label=${label} aria-busy=${pending} value=${value || ""} onChange=${choose}>
    <option value="">${plain(element.placeholder?.text || "Choose…")}</option>${list}</select>`;
}

function Many({ element, value, onValue, name, kind }) {
  const options = element.options || element.option_groups ? optionsOf(element) : dynamicOptions(element);
  const chosen = kind === "radio" ? [value] : value || [];
  const flip = (entry, on) => onValue(kind === "radio" ? entry.value : on ? [...chosen, entry.value] : chosen.filter((one) => one !== entry.value));
  const limit = element.max_selected_items && chosen.length >= element.max_selected_items;
  return html`<div class="choices" role=${kind === "radio" ? "radiogroup" : "group"} aria-label=${name}>${options.map((entry) => {
    const on = chosen.includes(entry.value);
    return html`<label><input type=${kind} name=${name} checked=${on} disabled=${limit && !on} onChange=${(event) => flip(entry, event.target.checked)} />
      <span><${Text} of=${entry.text} />${entry.description && html`<small><${Text} of=${entry.description} /></small>`}</span></label>`;
  })}</div>`;
}

const FIELD_TYPES = { number_input: "number", email_text_input: "email", url_text_input: "url", datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" };

/** An element that holds a value. */
function Field({ element, value, onValue, id, label, pending, describedBy, invalid }) {
  const name = `${id}-${element.action_id}`;
  if (element.type === "checkboxes" || element.type.startsWith("multi_")) return html`<${Many} element=${element} value=${value} onValue=${onValue} name=${name} kind="checkbox" />`;
  if (element.type === "radio_buttons") return html`<${Many} element=${element} value=${value} onValue=${onValue} name=${name} kind="radio" />`;
  if (element.type.endsWith("_select")) return html`<${Choice} element=${element} value=${value} onValue=${onValue} id=${id} label=${label} pending=${pending} />`;
  const common = { id, value: value ?? "", placeholder: plain(element.placeholder?.text), "aria-label": label, "aria-describedby": describedBy, "aria-invalid": invalid, autofocus: element.focus_on_load };
  const input = (event) => onValue(event.target.value);
  if (element.multiline) return html`<textarea ...${common} rows="4" onInput=${input}></textarea>`;
  if (element.type === "datetimepicker") {
    const shown = value ? new Date(Number(value) * 1000 - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16) : "";
    return html`<input ...${common} type="datetime-local" value=${shown} onChange=${(event) => onValue(String(Math.floor(new Date(event.target.value) / 1000)))} />`;
  }
  const bounds = element.type === "number_input" ? { min: element.min_value, max: element.max_value, step: element.is_decimal_allowed ? "any" : "1" } : {};
  return html`<input ...${common} ...${bounds} type=${FIELD_TYPES[element.type] || "text"} onInput=${input} />`;
}

/** A field outside a form: each change is an action. */
function LiveField({ surface, block, element, label }) {
  const { pending, use, dialog } = useAct(surface, block, element);
  const value = surface.value(block, element);
  const onValue = (next) => { surface.setValue(block, element, next); use(next); };
  return html`<${Field} element=${element} value=${value} onValue=${onValue} id=${surface.id + block.block_id} label=${label || plain(element.placeholder?.text) || "Choice"} pending=${pending} />${dialog}`;
}

function Overflow({ surface, block, element }) {
  const { use, dialog } = useAct(surface, block, element);
  const pick = (entry, event) => {
    event.target.closest("details").open = false;
    if (entry.url && /^https?:/i.test(entry.url)) open(entry.url, "_blank", "noopener,noreferrer");
    use(entry.value);
  };
  return html`<details class="overflow"><summary aria-label="More actions"><${Icon} name="more" /></summary>
    <div class="menu" role="menu">${element.options.map((entry) => html`<button type="button" role="menuitem" onClick=${(event) => pick(entry, event)}>${plain(entry.text.text)}</button>`)}</div></details>${dialog}`;
}

function FeedbackButtons({ surface, block, element }) {
  const { pending, use } = useAct(surface, block, element);
  const [given, setGiven] = useState(null);
  const button = (side, icon) => {
    const of = element[`${side}_button`];
    return html`<button type="button" class="feedback" aria-pressed=${given === side} aria-busy=${pending} title=${plain(of.text.text)}
      aria-label=${of.accessibility_label || plain(of.text.text)} onClick=${() => { setGiven(side); use(of.value); }}><${Icon} name=${icon} /></button>`;
  };
  return html`<span class="feedback-pair">${button("positive", "up")}${button("negative", "thumbdown")}</span>`;
}

function IconButton({ surface, block, element }) {
  const { use, dialog } = useAct(surface, block, element);
  return html`<button type="button" class="feedback" title=${plain(element.text.text)} aria-label=${plain(element.text.text)} onClick=${() => use(element.value ?? null)}><${Icon} name="trash" /></button>${dialog}`;
}

/** An image of this server is shown; the page loads nothing from elsewhere, so others become a link. */
export function Picture({ src, alt, className }) {
  const [large, setLarge] = useState(false);
  const own = src?.startsWith("/") || src?.startsWith(location.origin + "/");
  if (!own) return html`<span class="elsewhere"><${Link} href=${src || "#"}>${alt || "Image"} ↗<//></span>`;
  return html`<button type="button" class="picture" aria-label=${`Enlarge: ${alt}`} onClick=${() => setLarge(true)}><img class=${className} src=${src} alt=${alt} loading="lazy" /></button>
    ${large && html`<${Dialog} label=${alt} className="lightbox" onClose=${() => setLarge(false)}><img src=${src} alt=${alt} onClick=${() => setLarge(false)} />
      <button class="icon-button" aria-label="Close" onClick=${() => setLarge(false)}><${Icon} name="close" /></button><//>`}`;
}

const slackFile = (of) => of.image_url || of.slack_file?.url;

function Element({ surface, block, element }) {
  const given = { surface, block, element };
  if (element.type === "button") return html`<${Button} ...${given} />`;
  if (element.type === "overflow") return html`<${Overflow} ...${given} />`;
  if (element.type === "feedback_buttons") return html`<${FeedbackButtons} ...${given} />`;
  if (element.type === "icon_button") return html`<${IconButton} ...${given} />`;
  if (element.type === "image") return html`<${Picture} src=${slackFile(element)} alt=${element.alt_text} className="thumb" />`;
  return html`<${LiveField} ...${given} />`;
}

function Section({ block, surface }) {
  return html`<div class="section"><div class="words">${block.text && html`<div><${Text} of=${block.text} /></div>`}
    ${block.fields && html`<div class="fields">${block.fields.map((field) => html`<div><${Text} of=${field} /></div>`)}</div>`}</div>
    ${block.accessory && html`<div class="accessory"><${Element} surface=${surface} block=${block} element=${block.accessory} /></div>`}</div>`;
}

function Context({ block }) {
  return html`<div class="context">${block.elements.map((element) =>
    element.type === "image" ? html`<${Picture} src=${slackFile(element)} alt=${element.alt_text} className="tiny" />` : html`<span><${Text} of=${element} /></span>`)}</div>`;
}

function Cell({ cell }) {
  if (cell.type === "rich_text") return html`<${RichText} block=${cell} />`;
  return cell.type === "raw_number" ? cell.text ?? String(cell.value) : plain(cell.text);
}

function Table({ block }) {
  const [head, ...rows] = block.rows;
  const align = (column) => ({ textAlign: block.column_settings?.[column]?.align || "left" });
  return html`<div class="table" tabindex="0" role="region" aria-label="Table"><table>
    <thead><tr>${head.map((cell, at) => html`<th style=${align(at)}><${Cell} cell=${cell} /></th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell, at) => html`<td style=${align(at)}><${Cell} cell=${cell} /></td>`)}</tr>`)}</tbody></table></div>`;
}

function Input({ block, surface }) {
  const id = surface.id + block.block_id;
  const error = surface.errors?.[block.block_id];
  const value = surface.value(block, block.element);
  const onValue = (next) => {
    surface.setValue(block, block.element, next);
    if (block.dispatch_action && !block.element.type.endsWith("_input")) surface.act({ action_id: block.element.action_id, block_id: block.block_id, value: next });
  };
  const hint = (error || block.hint) && `${id}-hint`;
  return html`<div class=${"input" + (error ? " wrong" : "")}><label for=${id}>${plain(block.label.text)}${block.optional && html` <small>(optional)</small>`}</label>
    <${Field} element=${block.element} value=${value} onValue=${onValue} id=${id} label=${plain(block.label.text)} describedBy=${hint} invalid=${!!error} />
    ${error ? html`<p class="error" role="alert" id=${hint}>${error}</p>` : block.hint && html`<p class="hint" id=${hint}>${plain(block.hint.text)}</p>`}</div>`;
}

const BLOCKS = {
  section: Section,
  context: Context,
  table: Table,
  input: Input,
  header: ({ block }) => html`<h3 class="block-header">${plain(block.text.text)}</h3>`,
  divider: () => html`<hr />`,
  markdown: ({ block }) => html`<${Markdown} text=${block.text} />`,
  rich_text: ({ block }) => html`<${RichText} block=${block} />`,
  actions: ({ block, surface }) => html`<div class="actions">${block.elements.map((element) => html`<${Element} key=${element.action_id} surface=${surface} block=${block} element=${element} />`)}</div>`,
  context_actions: ({ block, surface }) => html`<div class="context-actions">${block.elements.map((element) => html`<${Element} key=${element.action_id} surface=${surface} block=${block} element=${element} />`)}</div>`,
  image: ({ block }) => html`<figure>${block.title && html`<figcaption>${plain(block.title.text)}</figcaption>`}<${Picture} src=${slackFile(block)} alt=${block.alt_text} className="large" /></figure>`,
};

export function Blocks({ blocks, surface }) {
  return html`<div class="blocks">${blocks.map((block) => {
    const Shown = BLOCKS[block.type];
    return Shown ? html`<${Shown} key=${block.block_id} block=${block} surface=${surface} />` : html`<p class="unknown">(a ${block.type} block)</p>`;
  })}</div>`;
}

/** Where the values of inputs live: one map for a message or view, handed on with every act. */
export function useValues(id, act) {
  const ref = useRef(new Map());
  const [, draw] = useState(0);
  const key = (block, element) => `${block.block_id}\n${element.action_id}`;
  const values = () => [...ref.current].map(([name, value]) => [...name.split("\n"), value]);
  return {
    id: `${id}-`,
    value: (block, element) => (ref.current.has(key(block, element)) ? ref.current.get(key(block, element)) : initialValue(element)),
    setValue: (block, element, value) => { ref.current.set(key(block, element), value); draw((count) => count + 1); },
    values,
    act: (what) => act({ ...what, values: values() }),
  };
}
