// The page: channels on the left, messages in the middle, a thread on the right.
import { Avatar, html, Icon, render, useEffect, useLayoutEffect, useRef, useState } from "./ui.js";
import { Composer, suggest } from "./composer.js";
import { Faults } from "./faults.js";
import { Messages, Thread } from "./message.js";
import { Mrkdwn, plain } from "./text.js";
import { act, become, loadHistory, start, state, threadLink, threadMessages, topLevel, useStore } from "./store.js";
import { Home, Modal } from "./views.js";

const THREAD_WINDOW = 150;

/** Keeps the end in view while the person is there, and the place when older messages come in above. */
function Log({ label, id, count, focus, children, onTop }) {
  const ref = useRef();
  const atEnd = useRef(true);
  const height = useRef(0);
  const place = useRef(0);
  const follow = () => {
    const log = ref.current;
    if (atEnd.current && !focus) log.scrollTop = log.scrollHeight;
    else if (log.scrollTop < 80 && height.current && log.scrollHeight > height.current) log.scrollTop += log.scrollHeight - height.current;
    height.current = log.scrollHeight;
  };
  useLayoutEffect(() => { atEnd.current = !focus; height.current = 0; place.current = 0; follow(); }, [id]);
  useLayoutEffect(follow);
  useEffect(() => {
    const watch = new ResizeObserver(() => { if (atEnd.current && !focus) ref.current.scrollTop = ref.current.scrollHeight; });
    watch.observe(ref.current.firstElementChild);
    return () => watch.disconnect();
  }, [id, focus]);
  const scrolled = () => {
    const log = ref.current;
    const nearEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    if (nearEnd || log.scrollTop < place.current - 2) atEnd.current = nearEnd; // an image that loads is not a person who scrolls
    place.current = log.scrollTop;
    if (log.scrollTop < 60) onTop?.();
  };
  return html`<div class="log" ref=${ref} onScroll=${scrolled} role="log" aria-label=${label} aria-live="polite" tabindex="0"><div class="log-inner">${children}</div></div>`;
}

function Status({ channel, threadTs }) {
  const status = state.statuses.get(`${channel}/${threadTs}`);
  return status ? html`<p class="status" role="status"><span class="dots" aria-hidden="true"><i></i><i></i><i></i></span> convotest ${plain(status.status)}</p>` : null;
}

const label = (channel) => (channel.kind === "im" ? "convotest" : `#${channel.name}`);

function Sidebar({ open, onClose, onFaults }) {
  const { channel: current, home } = state.route;
  const [theme, setTheme] = useState(document.documentElement.dataset.theme);
  const flip = () => {
    const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const next = dark ? "light" : "dark";
    localStorage.setItem("theme", next);
    document.documentElement.dataset.theme = next;
    setTheme(next);
  };
  const item = (channel) => {
    const unread = (state.latest[channel.id] || "0") > (state.read[channel.id] || "0");
    const here = channel.id === current && !home;
    return html`<li key=${channel.id}><a href=${`#/${channel.id}`} class=${unread && !here ? "unread" : ""} aria-current=${here ? "page" : null} onClick=${onClose}>
      ${channel.kind === "im" ? html`<${Avatar} member=${state.members.get(state.bot)} small />` : html`<${Icon} name=${channel.kind === "private" ? "lock" : "hash"} />`}
      <span>${channel.kind === "im" ? "convotest" : channel.name}</span>${unread && !here && html`<i class="dot" aria-label="unread"></i>`}</a></li>`;
  };
  const channels = [...state.channels.values()];
  const people = [...state.members.values()].filter((member) => !member.is_bot);
  return html`<nav class=${"sidebar" + (open ? " open" : "")} aria-label="Channels">
    <div class="brand"><img src="/static/icon.svg" alt="" /><div><strong>${state.team.name}</strong><small>on this computer, not Slack</small></div></div>
    ${state.teams.length > 1 && html`<label class="field"><span>Workspace</span><select value=${state.team.id} onChange=${(event) => become(state.me, event.target.value)}>${state.teams.map((team) => html`<option value=${team.id}>${team.name}</option>`)}</select></label>`}
    <div class="scroll"><h2>Channels</h2><ul>${channels.filter((channel) => channel.kind !== "im").map(item)}</ul>
    <h2>App</h2><ul>${channels.filter((channel) => channel.kind === "im").map(item)}
      <li><a href="#/home" aria-current=${home ? "page" : null} onClick=${onClose}><${Icon} name="home" /><span>Home tab</span></a></li></ul></div>
    <div class="foot"><label class="field"><span>You are</span><select value=${state.me} onChange=${(event) => become(event.target.value)}>${people.map((member) =>
      html`<option value=${member.id}>${member.real_name} — ${member.profile.title}</option>`)}</select></label>
      <div class="tools"><span class=${"link-state" + (state.connected ? " on" : "")}><i></i>${state.connected ? "bot connected" : "bot not connected"}</span>
      <button class="icon-button" aria-label="Faults" title="Faults" onClick=${onFaults}><${Icon} name="bolt" /></button>
      <button class="icon-button" aria-label="Light or dark" title="Light or dark" onClick=${flip}><${Icon} name="sun" /></button></div></div></nav>`;
}

/** The welcome; its commands are also buttons that put them into the composer. */
function Pinned() {
  const commands = [...new Set(state.pinned.match(/`\/[^`\n]+`/g))].map((quoted) => quoted.slice(1, -1));
  return html`<section class="pinned" aria-label="Pinned"><${Icon} name="pin" /><div><${Mrkdwn} text=${state.pinned} />
    ${commands.length > 0 && html`<div class="try" role="group" aria-label="Put into the message box"><span>Try</span>${commands.map((command) =>
      html`<button key=${command} onClick=${() => suggest(state.firstChannel, command)}>${plain(command)}</button>`)}</div>`}</div></section>`;
}

function Channel({ channel, onMenu }) {
  const messages = topLevel(channel.id);
  const more = state.loaded.get(channel.id)?.more;
  const loading = useRef(false);
  const older = async () => {
    if (!more || loading.current) return;
    loading.current = true;
    try { await loadHistory(channel.id, true); } finally { loading.current = false; }
  };
  const newChat = async () => {
    const result = await act("chat", { context_channel: state.firstChannel });
    if (result.ts) location.hash = threadLink(channel.id, result.ts);
  };
  return html`<main class="pane"><header class="top"><button class="icon-button menu" aria-label="Channels" onClick=${onMenu}><${Icon} name="menu" /></button>
    <div class="title"><h1>${channel.kind === "im" ? html`<${Avatar} member=${state.members.get(state.bot)} small /> convotest` : html`<${Icon} name=${channel.kind === "private" ? "lock" : "hash"} />${channel.name}`}</h1><p>${channel.topic}</p></div>
    <span class="badge">Local workspace</span>${channel.kind === "im" && html`<button onClick=${newChat}><${Icon} name="plus" /> New chat</button>`}</header>
    <${Log} id=${channel.id + state.me} label=${`Messages in ${label(channel)}`} count=${messages.length} focus=${state.route.focus} onTop=${older}>
      ${more && html`<button class="earlier" onClick=${older}>Show earlier messages</button>`}
      ${state.pinned && channel.id === state.firstChannel && html`<${Pinned} />`}
      ${!messages.length && !(state.pinned && channel.id === state.firstChannel) && html`<div class="empty"><h2>${label(channel)}</h2><p>${channel.has_bot ? "Nothing was said here yet." : "convotest is not in this channel. Type /invite @convotest to bring it in."}</p></div>`}
      <${Messages} channel=${channel.id} messages=${messages} focus=${state.route.focus} /><//>
    ${channel.members.includes(state.me) ? html`<${Composer} channel=${channel.id} placeholder=${`Message ${label(channel)}`} />` : html`<p class="read-only">You are not a member of this channel.</p>`}</main>`;
}

function Prompts({ channel, parent }) {
  const given = parent.assistant_prompts;
  return given ? html`<div class="prompts">${given.title && html`<p>${plain(given.title)}</p>`}${given.prompts.map((prompt) =>
    html`<button key=${prompt.title} onClick=${() => act("say", { channel, text: prompt.message, thread_ts: parent.ts })}>${plain(prompt.title)}</button>`)}</div>` : null;
}

function ThreadPane({ channel, ts }) {
  const messages = threadMessages(channel.id, ts);
  const [earlier, setEarlier] = useState(0);
  const pane = useRef();
  useEffect(() => setEarlier(0), [ts]);
  useEffect(() => { // whoever opens a thread may type at once, and whoever closes it is where they were
    if (state.route.byPerson && !matchMedia("(pointer: coarse)").matches) pane.current?.querySelector("textarea")?.focus();
    return () => setTimeout(() => {
      if (document.activeElement === document.body) document.querySelector(`main article[data-ts="${CSS.escape(ts)}"] .thread-summary`)?.focus();
    });
  }, [ts]);
  if (!messages.length) return null;
  const focused = messages.findIndex((message) => message.ts === state.route.focus) - 1;
  const windowed = Math.max(0, messages.length - 1 - THREAD_WINDOW - earlier);
  const hidden = focused >= 0 ? Math.min(windowed, Math.max(0, focused - 20)) : windowed;
  const close = () => { location.hash = `#/${channel.id}`; };
  const keys = (event) => { if (event.key === "Escape" && !event.target.closest("dialog")) close(); };
  return html`<aside class="pane thread" ref=${pane} aria-label="Thread" onKeyDown=${keys}><header class="top"><div class="title"><h1>${plain(messages[0].assistant_title || "Thread")}</h1><p>${label(channel)}</p></div>
    <button class="icon-button" aria-label="Close thread" onClick=${close}><${Icon} name="close" /></button></header>
    <${Log} id=${ts} label="Thread" count=${messages.length} focus=${state.route.focus} onTop=${null}>
      <${Thread} channel=${channel.id} messages=${messages} hidden=${hidden} onEarlier=${() => setEarlier(earlier + THREAD_WINDOW)} focus=${state.route.focus} />
      <${Prompts} channel=${channel.id} parent=${messages[0]} /><${Status} channel=${channel.id} threadTs=${ts} /><//>
    <${Composer} channel=${channel.id} threadTs=${ts} placeholder="Reply…" /></aside>`;
}

function HomePane({ onMenu }) {
  return html`<main class="pane"><header class="top"><button class="icon-button menu" aria-label="Channels" onClick=${onMenu}><${Icon} name="menu" /></button>
    <div class="title"><h1><${Icon} name="home" /> Home</h1><p>convotest</p></div><span class="badge">Local workspace</span></header>
    <div class="log" tabindex="0"><${Home} key=${state.home?.id} view=${state.home} /></div></main>`;
}

function App() {
  useStore();
  const [menu, setMenu] = useState(false);
  const [faults, setFaults] = useState(false);
  if (!state.ready) return html`<p class="starting">${state.online ? "Opening the local workspace…" : "The workspace does not answer. Trying again…"}</p>`;
  const channel = state.channels.get(state.route.channel);
  return html`<div class=${"layout" + (state.route.thread ? " with-thread" : "")}>
    <${Sidebar} open=${menu} onClose=${() => setMenu(false)} onFaults=${() => setFaults(true)} />${menu && html`<button class="scrim" aria-label="Close channels" onClick=${() => setMenu(false)}></button>`}
    ${state.route.home ? html`<${HomePane} onMenu=${() => setMenu(true)} />` : channel && html`<${Channel} key=${channel.id} channel=${channel} onMenu=${() => setMenu(true)} />`}
    ${state.route.thread && channel && html`<${ThreadPane} key=${state.route.thread} channel=${channel} ts=${state.route.thread} />`}</div>
    ${state.views.map((view) => html`<${Modal} key=${view.id} view=${view} />`)}${faults && html`<${Faults} onClose=${() => setFaults(false)} />`}
    ${!state.online && html`<p class="banner" role="status">Connection lost. Trying again…</p>`}${state.toast && html`<p class="toast" role="alert">${state.toast}</p>`}`;
}

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
start();
