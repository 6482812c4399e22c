// Where people write: it grows with the text and completes commands, people and channels.
import { html, Icon, useEffect, useRef, useState } from "./ui.js";
import { ShortcutMenu } from "./shortcuts.js";
import { act, state, toast } from "./store.js";

const drafts = new Map();
const MOST_BYTES = 1_000_000;

/** Put text into the composer of a channel, for the person to look at and send. */
export const suggest = (channel, text) => dispatchEvent(new CustomEvent("suggest", { detail: { channel, text } }));

/** What could stand at the caret: `{from, items: [{insert, label, hint, description}]}`. */
function completions(text, caret) {
  const before = text.slice(0, caret);
  const command = /^\/(\S*)$/.exec(before);
  if (command) {
    const known = [...state.commands, { command: "/invite", usage_hint: "@convotest", description: "Bring convotest into this channel" }];
    return { from: 0, items: known.filter((c) => c.command.startsWith(before)).map((c) => ({ insert: c.command + " ", label: c.command, hint: c.usage_hint, description: c.description })) };
  }
  const verb = /^(\/\S+)\s+(\S*)$/.exec(before);
  const entry = verb && state.commands.find((c) => c.command === verb[1]);
  if (entry) {
    const verbs = (entry.verbs || []).map((one) => (typeof one === "string" ? { name: one } : one));
    return { from: caret - verb[2].length, items: verbs.filter((one) => one.name.startsWith(verb[2])).map((one) => ({ insert: one.name + " ", label: one.name, hint: one.usage_hint, description: one.description })) };
  }
  const name = /(?:^|\s)([@#])([\w-]*)$/.exec(before);
  if (!name) return null;
  const from = caret - name[2].length - 1;
  if (name[1] === "#") return { from, items: [...state.channels.values()].filter((c) => c.name.startsWith(name[2]) && c.name).map((c) => ({ insert: `#${c.name} `, label: "#" + c.name, description: c.topic })) };
  const people = [...state.members.values()].filter((m) => m.name.startsWith(name[2].toLowerCase()));
  return { from, items: people.map((m) => ({ insert: `@${m.name} `, label: "@" + m.name, description: m.profile.title })) };
}

export function Composer({ channel, threadTs, placeholder }) {
  const key = `${state.me}/${channel}/${threadTs || ""}`;
  const [text, setText] = useState(drafts.get(key) || "");
  const [open, setOpen] = useState(null);
  const [picked, setPicked] = useState(0);
  const [sending, setSending] = useState(false);
  const [menu, setMenu] = useState(false);
  const field = useRef();
  const opener = useRef();
  const listId = `complete-${threadTs || channel}`;

  useEffect(() => { setText(drafts.get(key) || ""); setOpen(null); }, [key]);
  useEffect(() => {
    field.current.style.height = "auto";
    field.current.style.height = `${Math.min(field.current.scrollHeight, 200)}px`;
  }, [text]);
  useEffect(() => { document.getElementById(`${listId}-${picked}`)?.scrollIntoView({ block: "nearest" }); }, [picked]);

  useEffect(() => {
    const suggested = ({ detail }) => {
      if (threadTs || detail.channel !== channel) return;
      drafts.set(key, detail.text);
      setText(detail.text);
      setOpen(null);
      field.current.focus();
    };
    addEventListener("suggest", suggested);
    return () => removeEventListener("suggest", suggested);
  }, [key]);

  const write = (next, caret) => {
    drafts.set(key, next);
    setText(next);
    const found = completions(next, caret);
    setOpen(found?.items.length ? found : null);
    setPicked(0);
  };
  const complete = (item) => {
    const caret = field.current.selectionStart;
    const next = text.slice(0, open.from) + item.insert + text.slice(caret).trimStart();
    write(next, open.from + item.insert.length);
    field.current.focus();
  };
  const send = async () => {
    if (!text.trim() || sending) return;
    const said = text;
    write("", 0);
    setSending(said.startsWith("/"));
    const result = await act("say", { channel, text: said, thread_ts: threadTs });
    setSending(false);
    if (!result.ok) write(said, said.length);
    field.current?.focus();
  };
  const attach = async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    if (file.size > MOST_BYTES) return toast("The page sends files of up to 1 MB");
    setSending(true);
    const bytes = new Uint8Array(await file.arrayBuffer());
    let content = "";
    for (const byte of bytes) content += String.fromCharCode(byte);
    await act("upload", { channel, name: file.name, content: btoa(content) });
    setSending(false);
    field.current?.focus();
  };
  const keys = (event) => {
    if (event.isComposing) return;
    const only = open?.items.length === 1 && text.slice(open.from) === open.items[0].insert.trim();
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setPicked((picked + (event.key === "ArrowDown" ? 1 : open.items.length - 1)) % open.items.length);
    } else if (open && !only && (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) && text.slice(open.from).trim()) {
      event.preventDefault();
      complete(open.items[picked]);
    } else if (open && event.key === "Escape") {
      event.stopPropagation();
      setOpen(null);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  };
  const shortcuts = threadTs ? [] : state.shortcuts.filter((one) => one.type === "global");
  const shut = () => { setMenu(false); opener.current?.focus(); };
  const use = (one) => { shut(); act("shortcut", { callback_id: one.callback_id }); };
  return html`<div class="composer">
    ${open && html`<ul class="completions" id=${listId} role="listbox" aria-label="Suggestions">${open.items.map((item, at) =>
      html`<li key=${item.label} id=${`${listId}-${at}`} role="option" aria-selected=${at === picked} onMouseDown=${(event) => { event.preventDefault(); complete(item); }}>
        <strong>${item.label}</strong> ${item.hint && html`<code>${item.hint}</code>`}<span>${item.description}</span></li>`)}</ul>`}
    <textarea ref=${field} rows="1" value=${text} placeholder=${placeholder} aria-label=${placeholder} role="combobox" aria-expanded=${!!open} aria-controls=${listId}
      aria-activedescendant=${open ? `${listId}-${picked}` : null} aria-autocomplete="list" onInput=${(event) => write(event.target.value, event.target.selectionStart)} onKeyDown=${keys} onBlur=${() => setOpen(null)}></textarea>
    ${!threadTs && html`<label class="attach" title="Send a file"><input type="file" aria-label="Send a file" disabled=${sending} onChange=${attach} /><${Icon} name="plus" /></label>`}
    ${shortcuts.length > 0 && html`<button type="button" class="icon-button" ref=${opener} aria-label="Shortcuts" title="Shortcuts" aria-haspopup="menu" aria-expanded=${menu} onClick=${() => setMenu(!menu)}><${Icon} name="bolt" /></button>`}
    ${menu && html`<${ShortcutMenu} label="Shortcuts" shortcuts=${shortcuts} above onPick=${use} onClose=${shut} />`}
    <button type="button" class="send" aria-label="Send" disabled=${!text.trim() || sending} aria-busy=${sending} onClick=${send}><${Icon} name="send" /></button></div>`;
}
