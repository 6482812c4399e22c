// Slack's mrkdwn, standard Markdown and rich text as page elements; text only ever becomes text nodes.
import { html, Link } from "./ui.js";
import { emoji } from "./emoji.js";
import { state } from "./store.js";

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

function Member({ id, label }) {
  const member = state.members.get(id);
  return html`<span class=${"mention" + (id === state.me ? " me" : "")}>@${member?.real_name || label || id}</span>`;
}

function ChannelName({ id, label }) {
  const channel = state.channels.get(id);
  return channel ? html`<a class="mention" href=${`#/${id}`}>#${channel.name}</a>` : html`<span class="mention">#${label || id}</span>`;
}

const DATE_PARTS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" }, date: { dateStyle: "long" }, date_short: { dateStyle: "medium" },
  date_long: { dateStyle: "full" }, time: { timeStyle: "short" }, time_secs: { timeStyle: "medium" },
};

function dateText(seconds, format) {
  const date = new Date(Number(seconds) * 1000);
  return format.replace(/\{(\w+)\}/g, (whole, name) => {
    const options = DATE_PARTS[name.replace("_pretty", "")];
    return options ? date.toLocaleString([], options) : name === "ago" ? `${Math.round((Date.now() - date) / 60000)} minutes ago` : whole;
  });
}

function angle(inside) {
  const [target, label] = inside.split(/\|(.*)/s);
  if (target.startsWith("@")) return html`<${Member} id=${target.slice(1)} label=${label} />`;
  if (target.startsWith("#")) return html`<${ChannelName} id=${target.slice(1)} label=${label} />`;
  if (target.startsWith("!date^")) {
    const [, seconds, format, href] = target.split("^");
    const words = html`<time title=${label || ""}>${dateText(seconds, unescape(format || ""))}</time>`;
    return href ? html`<${Link} href=${href}>${words}<//>` : words;
  }
  if (target.startsWith("!subteam^")) return html`<span class="mention">${label || "@group"}</span>`;
  if (target.startsWith("!")) return html`<span class="mention loud">@${target.slice(1)}</span>`;
  return html`<${Link} href=${unescape(target)}>${unescape(label || target)}<//>`;
}

const around = (mark) => `(?<![\\w${mark}])${mark}(?!\\s)([^${mark}\\n]*[^\\s${mark}])${mark}(?![\\w${mark}])`;
const INLINE = new RegExp(`\`([^\`\\n]+)\`|<([^<>\\n]+)>|${around("\\*")}|${around("_")}|${around("~")}|:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):`, "gi");

/** One line of mrkdwn. */
export function inline(text) {
  const out = [];
  let last = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > last) out.push(unescape(text.slice(last, found.index)));
    const [whole, code, bracket, bold, italic, strike, name] = found;
    if (code !== undefined) out.push(html`<code>${unescape(code)}</code>`);
    else if (bracket !== undefined) out.push(angle(bracket));
    else if (bold !== undefined) out.push(html`<strong>${inline(bold)}</strong>`);
    else if (italic !== undefined) out.push(html`<em>${inline(italic)}</em>`);
    else if (strike !== undefined) out.push(html`<s>${inline(strike)}</s>`);
    else out.push(emoji(name.toLowerCase()));
    last = found.index + whole.length;
  }
  if (last < text.length) out.push(unescape(text.slice(last)));
  return out;
}

const joined = (lines, one) => lines.flatMap((line, at) => (at ? [html`<br />`, ...one(line)] : one(line)));

/** Several lines of mrkdwn with code blocks and quotes. */
export function Mrkdwn({ text }) {
  const parts = String(text || "").split(/```\n?([\s\S]*?)```/);
  return parts.map((part, at) => (at % 2 ? html`<pre><code>${unescape(part.replace(/\n$/, ""))}</code></pre>` : quoted(part)));
}

function quoted(text) {
  const out = [];
  let lines = [], inQuote = false;
  const flush = () => {
    const body = joined(lines, inline);
    if (lines.length && (inQuote || lines.some((line) => line.trim()) || lines.length > 1)) out.push(inQuote ? html`<blockquote>${body}</blockquote>` : html`<span>${body}</span>`);
    lines = [];
  };
  for (const line of text.split("\n")) {
    const quote = /^(?:&gt;|>)\s?(.*)$/.exec(line);
    if (!!quote !== inQuote) { flush(); inQuote = !!quote; }
    lines.push(quote ? quote[1] : line);
  }
  flush();
  return out;
}

/** A text object: plain text keeps its marks, except emoji names. */
export function Text({ of }) {
  if (!of) return null;
  if (of.type === "mrkdwn") return html`<${Mrkdwn} text=${of.text} />`;
  return plain(of.text);
}

export const plain = (text) => unescape(String(text || "")).replace(/:([a-z0-9_+'-]+):/gi, (whole, name) => emoji(name.toLowerCase()));

// --- Markdown -----------------------------------------------------------------------------------------------------

const MARKDOWN = /`([^`\n]+)`|!?\[([^\]\n]*)\]\(([^)\s]+)\)|<(https?:[^>\s]+|[@#!][^>\n]+)>|\*\*([^\n]+?)\*\*|__([^\n]+?)__|~~([^\n]+?)~~|(?<![\w*])\*(?!\s)([^*\n]+)\*(?!\w)|(?<!\w)_(?!\s)([^_\n]+)_(?!\w)|(https?:\/\/[^\s<>()]+)|:([a-z0-9_+-]+):/gi;

function markdownInline(text) {
  const out = [];
  let last = 0;
  for (const found of text.matchAll(MARKDOWN)) {
    if (found.index > last) out.push(unescape(text.slice(last, found.index)));
    const [whole, code, label, href, bracket, bold, bold2, strike, italic, italic2, bare, name] = found;
    if (code !== undefined) out.push(html`<code>${code}</code>`);
    else if (href !== undefined) out.push(html`<${Link} href=${href}>${markdownInline(label || href)}<//>`);
    else if (bracket !== undefined) out.push(angle(bracket));
    else if (bold ?? bold2) out.push(html`<strong>${markdownInline(bold ?? bold2)}</strong>`);
    else if (strike !== undefined) out.push(html`<s>${markdownInline(strike)}</s>`);
    else if (italic ?? italic2) out.push(html`<em>${markdownInline(italic ?? italic2)}</em>`);
    else if (bare !== undefined) out.push(html`<${Link} href=${bare}>${bare}<//>`);
    else out.push(emoji(name.toLowerCase()));
    last = found.index + whole.length;
  }
  if (last < text.length) out.push(unescape(text.slice(last)));
  return out;
}

const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

function list(items) {
  const ordered = /\d/.test(items[0][2]);
  const rows = [];
  for (let at = 0; at < items.length;) {
    let end = at + 1;
    while (end < items.length && items[end][1].length > items[at][1].length) end++;
    const task = /^\[([ xX])\]\s+(.*)$/.exec(items[at][3]);
    const words = markdownInline(task ? task[2] : items[at][3]);
    rows.push(html`<li>${task && (task[1] === " " ? "☐ " : "☑ ")}${words}${end > at + 1 && list(items.slice(at + 1, end))}</li>`);
    at = end;
  }
  return ordered ? html`<ol start=${parseInt(items[0][2], 10)}>${rows}</ol>` : html`<ul>${rows}</ul>`;
}

/** A markdown block: headings, lists, quotes, code, tables, rules and paragraphs. */
export function Markdown({ text }) {
  const lines = text.split("\n");
  const out = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const take = (matches) => { const start = at; while (at < lines.length && matches(lines[at])) at++; return lines.slice(start, at); };
    if (!line.trim()) at++;
    else if (line.trim().startsWith("```")) {
      at++;
      const code = take((one) => !one.trim().startsWith("```"));
      at++;
      out.push(html`<pre><code>${code.join("\n")}</code></pre>`);
    } else if (heading) { at++; out.push(html`<p class=${`heading level${heading[1].length}`} role="heading" aria-level=${heading[1].length + 2}>${markdownInline(heading[2])}</p>`); }
    else if (RULE.test(line)) { at++; out.push(html`<hr />`); }
    else if (line.startsWith(">")) out.push(html`<blockquote><${Markdown} text=${take((one) => one.startsWith(">")).map((one) => one.replace(/^>\s?/, "")).join("\n")} /></blockquote>`);
    else if (ITEM.test(line)) out.push(list(take((one) => ITEM.test(one)).map((one) => ITEM.exec(one))));
    else if (line.includes("|") && /^[\s|:-]+$/.test(lines[at + 1] || "") && lines[at + 1].includes("-")) {
      const [head, , ...rows] = take((one) => one.includes("|"));
      out.push(html`<div class="table"><table><thead><tr>${cells(head).map((cell) => html`<th>${markdownInline(cell)}</th>`)}</tr></thead>
        <tbody>${rows.map((row) => html`<tr>${cells(row).map((cell) => html`<td>${markdownInline(cell)}</td>`)}</tr>`)}</tbody></table></div>`);
    } else {
      const words = take((one) => one.trim() && !/^(#{1,6}\s|>|\s*```)/.test(one) && !ITEM.test(one) && !RULE.test(one));
      out.push(html`<p>${joined(words.length ? words : [lines[at++]], markdownInline)}</p>`);
    }
  }
  return html`<div class="markdown">${out}</div>`;
}

// --- rich text ----------------------------------------------------------------------------------------------------

function styled(style = {}, content) {
  if (style.code) content = html`<code>${content}</code>`;
  if (style.bold) content = html`<strong>${content}</strong>`;
  if (style.italic) content = html`<em>${content}</em>`;
  if (style.strike) content = html`<s>${content}</s>`;
  if (style.underline) content = html`<u>${content}</u>`;
  if (style.highlight) content = html`<mark>${content}</mark>`;
  return content;
}

const PIECES = {
  text: (piece) => joined(piece.text.split("\n"), (line) => [line]),
  link: (piece) => html`<${Link} href=${piece.url}>${piece.text || piece.url}<//>`,
  user: (piece) => html`<${Member} id=${piece.user_id} />`,
  channel: (piece) => html`<${ChannelName} id=${piece.channel_id} />`,
  usergroup: (piece) => html`<span class="mention">@${piece.usergroup_id}</span>`,
  team: (piece) => html`<span class="mention">${piece.team_id}</span>`,
  emoji: (piece) => emoji(piece.name),
  broadcast: (piece) => html`<span class="mention loud">@${piece.range}</span>`,
  color: (piece) => html`<span class="swatch"><i style=${{ background: piece.value }}></i>${piece.value}</span>`,
  date: (piece) => html`<time>${dateText(piece.timestamp, piece.format)}</time>`,
};

const pieces = (elements) => elements.map((piece) => styled(piece.style, PIECES[piece.type]?.(piece)));

const PARTS = {
  rich_text_section: (part) => html`<div>${pieces(part.elements)}</div>`,
  rich_text_preformatted: (part) => html`<pre><code>${pieces(part.elements)}</code></pre>`,
  rich_text_quote: (part) => html`<blockquote>${pieces(part.elements)}</blockquote>`,
  rich_text_list: (part) => {
    const rows = part.elements.map((row) => html`<li>${pieces(row.elements)}</li>`);
    const style = { marginLeft: `${(part.indent || 0) * 24}px` };
    return part.style === "ordered" ? html`<ol start=${(part.offset || 0) + 1} style=${style}>${rows}</ol>` : html`<ul style=${style}>${rows}</ul>`;
  },
};

export function RichText({ block }) {
  return html`<div class="rich">${block.elements.map((part) => PARTS[part.type]?.(part))}</div>`;
}
