// One message: who, when, what, its files and reactions, and what can be done with it.
import { Avatar, clockTime, Component, dayName, fullTime, html, Icon, useEffect, useLayoutEffect, useRef, useState } from "./ui.js";
import { Blocks, Picture, useValues } from "./blocks.js";
import { emoji, EMOJI, PICKER, QUICK } from "./emoji.js";
import { ShortcutMenu } from "./shortcuts.js";
import { Mrkdwn } from "./text.js";
import { act, dismissEphemeral, permalink, state, threadLink, toast } from "./store.js";

function Reactions({ channel, message }) {
  if (!message.reactions?.length) return null;
  return html`<div class="reactions">${message.reactions.map(({ name, users, count }) => {
    const mine = users.includes(state.me);
    const people = users.map((id) => state.members.get(id)?.real_name || id).join(", ");
    return html`<button key=${name} type="button" aria-pressed=${mine} title=${`${people} reacted with :${name}:`} aria-label=${`:${name}:, ${count}, ${mine ? "take back" : "add yours"}`}
      onClick=${() => act("react", { channel, ts: message.ts, name, remove: mine })}><span aria-hidden="true">${emoji(name)}</span> ${count}</button>`;
  })}</div>`;
}

function EmojiPicker({ onPick, onClose }) {
  const [search, setSearch] = useState("");
  const ref = useRef();
  useLayoutEffect(() => {
    const log = ref.current.closest(".log").getBoundingClientRect();
    ref.current.classList.toggle("above", ref.current.getBoundingClientRect().bottom > log.bottom);
  }, []);
  useEffect(() => {
    const outside = (event) => { if (!ref.current.contains(event.target)) onClose(); };
    addEventListener("mousedown", outside);
    return () => removeEventListener("mousedown", outside);
  }, []);
  const found = PICKER.filter((name) => name.includes(search.toLowerCase().trim())).slice(0, 120);
  const keys = (event) => {
    if (event.key === "Escape") { event.stopPropagation(); onClose(); }
    if (event.key === "Enter" && event.target.tagName === "INPUT") {
      event.preventDefault(); // the button that gets the focus back must not take it for a press
      if (found.length) onPick(found[0]);
    }
  };
  return html`<div class="picker" ref=${ref} role="dialog" aria-label="Pick a reaction" onKeyDown=${keys}>
    <input type="search" placeholder="Find an emoji" aria-label="Find an emoji" value=${search} autofocus ref=${(input) => input && !search && input.focus()} onInput=${(event) => setSearch(event.target.value)} />
    <div class="grid">${found.map((name) => html`<button key=${name} type="button" title=${`:${name}:`} aria-label=${name} onClick=${() => onPick(name)}>${EMOJI.get(name)}</button>`)}
    ${!found.length && html`<p>No emoji has that name</p>`}</div></div>`;
}

function Toolbar({ channel, message, inThread, picking, setPicking }) {
  const opener = useRef();
  const more = useRef();
  const shortcuts = state.shortcuts.filter((one) => one.type === "message");
  const close = () => { (picking === "shortcuts" ? more : opener).current?.focus(); setPicking(false); };
  const use = (one) => { close(); act("shortcut", { callback_id: one.callback_id, channel, ts: message.ts }); };
  const react = (name) => {
    if (picking) close();
    const mine = message.reactions?.find((reaction) => reaction.name === name)?.users.includes(state.me);
    act("react", { channel, ts: message.ts, name, remove: !!mine });
  };
  const copy = async () => {
    await navigator.clipboard.writeText(location.origin + "/" + permalink(channel, message.ts));
    toast("Link copied");
  };
  const arrows = (event) => { // one stop for Tab, arrows within: a long thread is walked through message by message
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tools = [...event.currentTarget.querySelectorAll(":scope > button, :scope > a")];
    const at = tools.indexOf(event.target);
    if (step && at >= 0) tools[(at + step + tools.length) % tools.length].focus();
  };
  return html`<div class=${"toolbar" + (picking ? " open" : "")} role="toolbar" aria-label="Message actions" onKeyDown=${arrows}>
    ${QUICK.slice(0, 3).map((name, at) => html`<button key=${name} type="button" tabindex=${at ? -1 : 0} aria-label=${`React with ${name}`} onClick=${() => react(name)}>${emoji(name)}</button>`)}
    <button type="button" tabindex="-1" ref=${opener} aria-label="Another reaction" title="Another reaction" aria-expanded=${picking === "emoji"} onClick=${() => setPicking(picking === "emoji" ? false : "emoji")}><${Icon} name="smile" /></button>
    ${!inThread && html`<a tabindex="-1" href=${threadLink(channel, message.thread_ts || message.ts)} aria-label="Reply in thread" title="Reply in thread"><${Icon} name="reply" /></a>`}
    <button type="button" tabindex="-1" aria-label="Copy link" title="Copy link" onClick=${copy}><${Icon} name="link" /></button>
    ${shortcuts.length > 0 && html`<button type="button" tabindex="-1" ref=${more} aria-label="More actions" title="More actions" aria-haspopup="menu" aria-expanded=${picking === "shortcuts"} onClick=${() => setPicking(picking === "shortcuts" ? false : "shortcuts")}><${Icon} name="more" /></button>`}
    ${picking === "shortcuts" && html`<${ShortcutMenu} label="More actions" shortcuts=${shortcuts} onPick=${use} onClose=${close} />`}
    ${picking === "emoji" && html`<${EmojiPicker} onPick=${react} onClose=${close} />`}</div>`;
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1048576).toFixed(1)} MB`);

function File({ file }) {
  if (file.mode === "tombstone") return html`<p class="unknown">This file was deleted.</p>`;
  const path = new URL(file.url_private).pathname;
  const download = html`<a class="icon-button" href=${`${path}?download=1`} download=${file.name} aria-label=${`Download ${file.name}`} title="Download"><${Icon} name="down" /></a>`;
  if (/^image\/(png|jpeg|gif|webp)$/.test(file.mimetype)) {
    return html`<figure class="file-image"><figcaption>${file.title} ${download}</figcaption><${Picture} src=${path} alt=${file.alt_txt || file.title} className="large" /></figure>`;
  }
  return html`<div class="file-card"><${Icon} name="file" /><div><strong>${file.title}</strong><small>${file.filetype.toUpperCase()} · ${size(file.size)}</small></div>${download}</div>`;
}

function ThreadSummary({ channel, message }) {
  if (!message.reply_count) return null;
  return html`<a class="thread-summary" href=${threadLink(channel, message.ts)}>
    ${message.reply_users.slice(0, 3).map((id) => html`<${Avatar} key=${id} member=${state.members.get(id)} small />`)}
    <strong>${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}</strong><span>last at ${clockTime(message.latest_reply)}</span></a>`;
}

function Body({ channel, message }) {
  const surface = useValues(message.ts, (what) => act("click", { ...what, channel, ts: message.ts }));
  const edited = message.edited && html` <small class="edited">(edited)</small>`;
  return html`${message.blocks?.length ? html`<${Blocks} blocks=${message.blocks} surface=${surface} />` : message.text && html`<div class="text"><${Mrkdwn} text=${message.text} />${edited}</div>`}
    ${message.files?.map((file) => html`<${File} key=${file.id} file=${file} />`)}`;
}

/** Drawn again only when it changed: the store replaces a message's object with every change. */
export class Message extends Component {
  state = { picking: false };

  shouldComponentUpdate(next, nextState) {
    const names = ["message", "compact", "focus", "inThread", "me"];
    return names.some((name) => next[name] !== this.props[name]) || nextState.picking !== this.state.picking;
  }

  componentDidMount() {
    if (this.props.focus) this.base?.scrollIntoView?.({ block: "center" });
  }

  componentDidUpdate(before) {
    if (this.props.focus && !before.focus) this.base?.scrollIntoView?.({ block: "center" });
  }

  render({ channel, message, compact, focus, inThread }, { picking }) {
    const author = state.members.get(message.user);
    const name = author?.real_name || message.username || "Workspace";
    const classes = ["message", compact && "compact", focus && "focus", message.is_ephemeral && "ephemeral", message.subtype === "tombstone" && "tombstone"];
    const time = html`<a class="time" href=${permalink(channel, message.ts)} title=${fullTime(message.ts)}>${clockTime(message.ts)}</a>`;
    return html`<article class=${classes.filter(Boolean).join(" ")} data-ts=${message.ts} aria-label=${`${name}, ${clockTime(message.ts)}`}>
      ${compact ? html`<span class="gutter">${time}</span>` : html`<${Avatar} member=${author} />`}
      <div class="content">
        ${message.is_ephemeral && html`<p class="only-you">Only visible to you <button type="button" onClick=${() => dismissEphemeral(message.ts)}>Dismiss</button></p>`}
        ${!compact && html`<p class="byline"><strong>${name}</strong>${author?.is_bot && html`<span class="tag">APP</span>`}${time}</p>`}
        <${Body} channel=${channel} message=${message} />
        <${Reactions} channel=${channel} message=${message} />
        ${!inThread && html`<${ThreadSummary} channel=${channel} message=${message} />`}
      </div>
      ${!message.is_ephemeral && message.subtype !== "tombstone" &&
        html`<${Toolbar} channel=${channel} message=${message} inThread=${inThread} picking=${picking} setPicking=${(open) => this.setState({ picking: open })} />`}
    </article>`;
  }
}

const MINUTES_TOGETHER = 5;
const startsAnew = (before, message) =>
  !before || before.user !== message.user || message.ts - before.ts > MINUTES_TOGETHER * 60 || message.is_ephemeral || before.is_ephemeral || before.reply_count || message.blocks?.[0]?.type === "header";

/** Messages in order, with day lines; neighbours of one author share a head. */
export function Messages({ channel, messages, focus }) {
  const out = [];
  messages.forEach((message, at) => {
    const before = messages[at - 1];
    const newDay = !before || dayName(before.ts) !== dayName(message.ts);
    if (newDay) out.push(html`<p class="day" key=${"day" + message.ts} role="separator"><span>${dayName(message.ts)}</span></p>`);
    out.push(html`<${Message} key=${message.ts} channel=${channel} message=${message} compact=${!newDay && !startsAnew(before, message)} focus=${focus === message.ts} me=${state.me} />`);
  });
  return out;
}

/** A thread: its parent, a line with the number of replies, and the replies. */
export function Thread({ channel, messages, hidden, onEarlier, focus }) {
  const [parent, ...replies] = messages;
  const shown = replies.slice(hidden);
  return html`<${Message} key=${parent.ts} channel=${channel} message=${parent} focus=${focus === parent.ts} inThread me=${state.me} />
    ${replies.length > 0 && html`<p class="day replies" key="replies" role="separator"><span>${replies.length} ${replies.length === 1 ? "reply" : "replies"}</span></p>`}
    ${hidden > 0 && html`<button class="earlier" key="earlier" type="button" onClick=${onEarlier}>Show earlier replies (${hidden})</button>`}
    ${shown.map((message, at) => html`<${Message} key=${message.ts} channel=${channel} message=${message} compact=${!startsAnew(shown[at - 1], message)} focus=${focus === message.ts} inThread me=${state.me} />`)}`;
}
