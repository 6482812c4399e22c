// What the page knows, how it is kept up to date, and how a person's acts reach the workspace.
import { useEffect, useState } from "./ui.js";

export const state = {
  ready: false, online: true, connected: false, team: null, teams: [], me: null, members: new Map(), channels: new Map(),
  messages: new Map(), loaded: new Map(), ephemerals: [], statuses: new Map(), views: [], home: null, commands: [], shortcuts: [],
  pinned: null, firstChannel: null, latest: {}, read: {}, route: { channel: null }, toast: null, bot: null,
};

const listeners = new Set();
let scheduled = false;

/** Draw again with the next frame, once for however many changes. */
export function changed() {
  if (scheduled) return;
  scheduled = true;
  (document.hidden ? setTimeout : requestAnimationFrame)(() => { scheduled = false; for (const listener of listeners) listener(); });
}

export function useStore() {
  const [, draw] = useState(0);
  useEffect(() => {
    const listener = () => draw((count) => count + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return state;
}

const who = () => ({ team: state.team?.id || localStorage.getItem("team") || "T0LOCAL", member: state.me || localStorage.getItem("member") || "U0ADA" });

function forgetWho() {
  localStorage.removeItem("team");
  localStorage.removeItem("member");
  state.me = state.team = null;
}

async function get(path, query = {}) {
  const response = await fetch(`/_page/${path}?${new URLSearchParams({ ...who(), ...query })}`);
  if (response.status === 400 && path === "snapshot" && localStorage.getItem("team")) forgetWho(); // a workspace of an earlier process
  if (response.status === 403) { location.reload(); throw new Error("the workspace was started anew"); }
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

/** Carry out an act as the current person; a refusal is shown and returned. */
export async function act(name, given) {
  try {
    const response = await fetch(`/_page/${name}`, { method: "POST", body: JSON.stringify({ ...who(), ...given }) });
    if (response.status === 403) location.reload();
    const result = await response.json();
    if (!result.ok) toast(`Refused: ${result.error}`);
    return result;
  } catch {
    toast("The workspace does not answer");
    return { ok: false, error: "unreachable" };
  }
}

let toastTimer;
export function toast(text) {
  state.toast = text;
  changed();
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { state.toast = null; changed(); }, 5000);
}

// --- messages -----------------------------------------------------------------------------------------------------

const channelMessages = (channel) => {
  if (!state.messages.has(channel)) state.messages.set(channel, new Map());
  return state.messages.get(channel);
};
const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

function keep(channel, message) {
  channelMessages(channel).set(message.ts, message);
  if (!isReply(message) && message.ts > (state.latest[channel] || "0")) state.latest[channel] = message.ts;
}

const byTs = (a, b) => (a.ts < b.ts ? -1 : 1);

export function topLevel(channel) {
  const own = state.ephemerals.filter((message) => message.channel === channel && !message.thread_ts);
  const from = state.loaded.get(channel)?.from || "9";
  const shown = [...channelMessages(channel).values()].filter((m) => m.ts >= from && (!isReply(m) || m.subtype === "thread_broadcast"));
  return [...shown, ...own].sort(byTs);
}

export function threadMessages(channel, ts) {
  const own = state.ephemerals.filter((message) => message.channel === channel && message.thread_ts === ts);
  const replies = [...channelMessages(channel).values()].filter((message) => isReply(message) && message.thread_ts === ts);
  const parent = channelMessages(channel).get(ts);
  return [...(parent ? [parent] : []), ...[...replies, ...own].sort(byTs)];
}

export async function loadHistory(channel, older = false) {
  const known = state.loaded.get(channel);
  if (known && !older) return;
  const { messages, more } = await get("history", { channel, before: older ? known.from : "9" });
  for (const message of messages) keep(channel, message);
  state.loaded.set(channel, { from: messages[0]?.ts || (older ? known.from : "0"), more });
  if (!more) state.loaded.get(channel).from = "0";
  changed();
}

export async function loadThread(channel, ts) {
  const { messages } = await get("thread", { channel, ts });
  for (const message of messages) keep(channel, message);
  changed();
  return messages[0].ts;
}

// --- live ---------------------------------------------------------------------------------------------------------

const upsertEphemeral = (message) => {
  const at = state.ephemerals.findIndex((known) => known.ts === message.ts);
  if (at < 0) state.ephemerals.push(message); else state.ephemerals[at] = message;
};

const HANDLERS = {
  message: (event) => keep(event.channel, event.message),
  message_deleted: (event) => channelMessages(event.channel).delete(event.ts),
  ephemeral: (event) => upsertEphemeral({ ...event.message }),
  ephemeral_deleted: (event) => { state.ephemerals = state.ephemerals.filter((message) => message.ts !== event.ts); },
  channel: (event) => state.channels.set(event.channel.id, event.channel),
  views: (event) => { state.views = event.views; },
  home: (event) => { state.home = event.view; },
  status: (event) => state.statuses.set(`${event.channel}/${event.thread_ts}`, event.status),
  bot: (event) => { state.connected = event.connected; },
  teams: (event) => { state.teams = event.teams; },
};

export function dismissEphemeral(ts) {
  state.ephemerals = state.ephemerals.filter((message) => message.ts !== ts);
  changed();
}

let stream = null;

function follow(position) {
  stream?.close();
  stream = new EventSource(`/_page/events?${new URLSearchParams({ ...who(), from: position })}`);
  stream.onopen = () => { state.online = true; changed(); };
  stream.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    HANDLERS[event.type]?.(event);
    markRead();
    changed();
  };
  stream.addEventListener("reset", () => { stream.close(); start(); });
  stream.onerror = () => {
    state.online = false;
    changed();
    if (stream.readyState === EventSource.CLOSED) setTimeout(start, 500);
  };
}

/** Read everything anew and follow what happens from there. */
export async function start() {
  let snapshot;
  try {
    snapshot = await get("snapshot");
  } catch (error) {
    state.online = false;
    changed();
    setTimeout(start, 1000);
    return;
  }
  Object.assign(state, {
    ready: true, online: true, connected: snapshot.connected, team: snapshot.team, teams: snapshot.teams, me: snapshot.me,
    members: new Map(snapshot.members.map((member) => [member.id, member])),
    channels: new Map(snapshot.channels.map((channel) => [channel.id, channel])),
    messages: new Map(), loaded: new Map(), ephemerals: snapshot.ephemerals, views: snapshot.views, home: snapshot.home,
    statuses: new Map(snapshot.statuses.map((entry) => [`${entry.channel}/${entry.thread_ts}`, entry.status])),
    commands: snapshot.commands, shortcuts: snapshot.shortcuts, pinned: snapshot.pinned, firstChannel: snapshot.first_channel, latest: snapshot.latest, bot: snapshot.bot,
  });
  if (!Object.keys(state.read).length) state.read = { ...snapshot.latest };
  follow(snapshot.position);
  await followRoute();
}

export async function become(member, team = state.team.id) {
  localStorage.setItem("member", member);
  localStorage.setItem("team", team);
  state.me = member;
  state.team = { id: team };
  state.read = {};
  await start();
}

// --- where the person is ------------------------------------------------------------------------------------------

export const permalink = (channel, ts) => `#/${channel}/p${ts.replace(".", "")}`;
export const threadLink = (channel, ts) => `#/${channel}/thread/${ts}`;
const fromPermalink = (digits) => `${digits.slice(0, -6)}.${digits.slice(-6)}`;

function markRead() {
  const { channel } = state.route;
  if (channel && !document.hidden) state.read[channel] = state.latest[channel];
}

/** Show what the address names: a channel, a thread in it, one message, or the Home tab. */
export async function followRoute(event) {
  if (!state.ready) return;
  const [, first, second, third] = location.hash.split("/");
  const fallback = state.channels.has(state.firstChannel) ? state.firstChannel : [...state.channels.keys()][0];
  if (first === "home") {
    state.route = { home: true };
    act("home", {});
    return changed();
  }
  const channel = state.channels.has(first) ? first : fallback;
  const route = { channel, thread: second === "thread" ? third : null, focus: null, byPerson: !!event };
  try {
    await loadHistory(channel);
    if (second?.startsWith("p")) {
      route.focus = fromPermalink(second.slice(1));
      const parent = await loadThread(channel, route.focus);
      const loaded = state.loaded.get(channel);
      if (parent < loaded.from) loaded.from = parent;
      if (parent !== route.focus) route.thread = parent;
    } else if (route.thread) {
      await loadThread(channel, route.thread);
    }
  } catch {
    toast("That message is not here");
    route.thread = null;
  }
  state.route = route;
  markRead();
  changed();
}

addEventListener("hashchange", followRoute);
addEventListener("visibilitychange", () => { markRead(); changed(); });
