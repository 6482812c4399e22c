"""What assistants and people can throw at the page: nothing breaks and nothing is executed."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.local_page import ADA, BEN, Demo, at_the_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CHANNEL = "C0GENERAL"
SCRIPT = "document.title = 'taken over'"
HOSTILE = (
    f'<img src=x onerror="{SCRIPT}">',
    f"<script>{SCRIPT}</script>",
    f"<javascript:{SCRIPT}|click me>",
    f"<data:text/html,<script>{SCRIPT}</script>|and me>",
    f'<https://example.com/" onmouseover="{SCRIPT}|or me>',
    f"[x](javascript:{SCRIPT}) ![y](javascript:{SCRIPT})",
    f"`<svg onload={SCRIPT}>` *<iframe srcdoc='<script>{SCRIPT}</script>'>*",
    "<!channel> <!everyone|<b>all</b>> <@U0BEN|<i>x</i>> <#C0QUALITY|<u>y</u>> <!date^0^{date}^javascript:1|z>",
    "&lt;script&gt;1&lt;/script&gt; &amp;lt; \u202e\u2066 \x07 ```</code></pre><img src=x onerror=1>```",
)
EXECUTABLE = "script:not([src^='/static/']), iframe, object, embed, [onerror], [onload], [onmouseover], img[src='x']"
GAP_AT_THE_RIGHT = """node => {
  const words = document.createRange();
  words.selectNodeContents(node);
  return node.closest(".text").getBoundingClientRect().right - words.getBoundingClientRect().right;
}"""


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


async def test_hostile_text_is_shown_and_never_executed(demo: Demo, browser: Browser) -> None:
    root = await demo.post(CHANNEL, "hostile things")
    for text in HOSTILE:
        blocks = [
            {"type": "header", "text": _plain(text[:150])},
            {"type": "section", "text": {"type": "mrkdwn", "text": text}, "fields": [_plain(text)]},
            {"type": "markdown", "text": text},
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": text},
                            {"type": "link", "url": "https://example.com/<script>", "text": text},
                        ],
                    }
                ],
            },
            {"type": "context", "elements": [_plain(text)]},
            {"type": "actions", "elements": [{"type": "button", "action_id": "x", "text": _plain(text[:75])}]},
        ]
        await demo.post(CHANNEL, text, thread_ts=root, blocks=blocks)
        await demo.post(CHANNEL, text, thread_ts=root)
    async with at_the_page(browser, demo.url, path=f"/#/{CHANNEL}/thread/{root}", member=BEN) as ben:
        await expect(ben.thread.locator("article")).to_have_count(1 + 2 * len(HOSTILE))
        for text in HOSTILE:
            await ben.say(text)
        await expect(ben.page.get_by_role("main").locator("article")).to_have_count(1 + len(HOSTILE))

        assert await ben.page.locator(EXECUTABLE).count() == 0
        hrefs = await ben.page.locator("a").evaluate_all("links => links.map(link => link.protocol)")
        assert set(hrefs) <= {"http:", "https:", "mailto:"}
        assert await ben.page.title() == "Local workspace"
        await expect(ben.thread.get_by_text('<img src=x onerror="').first).to_be_visible()


async def test_long_mixed_and_right_to_left_text_stays_in_its_place(demo: Demo, browser: Browser) -> None:
    texts = {
        "long": "x" * 20_000 + " " + "long words " * 1_818,
        "hebrew": "שלום, אני רוצה להזמין פיצה עם 3 תוספות (בלי בצל)! " * 8,
        "arabic": "مرحباً، أريد بيتزا كبيرة مع الجبن 🍕 من فضلك",
        "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🇩🇪👍🏽" * 60 + " :pizza: :no_such_emoji:",
        "zalgo": "Z̷̢̛̗̝͓̀̈́a̸̡͎̍͝l̵͔̈́̑g̶̙̾o̸̯͌" * 40,
    }
    assert len(texts["long"]) == 39_999
    for text in texts.values():
        await demo.post(CHANNEL, text)
    for width in (1380, 360):
        async with at_the_page(browser, demo.url, path=f"/#/{CHANNEL}", width=width) as ada:
            await expect(ada.page.get_by_text("مرحباً")).to_be_in_viewport()
            long = ada.page.locator("article", has_text="xxxx").last
            assert len(await long.locator(".text").inner_text()) >= 39_990
            assert await ada.page.get_by_text("مرحباً").evaluate(GAP_AT_THE_RIGHT) < 2
            assert await ada.page.evaluate("document.documentElement.scrollWidth") == width
            assert await ada.page.locator(".log").first.evaluate("log => log.scrollWidth - log.clientWidth") == 0


async def test_a_thread_of_a_thousand_replies_stays_usable_while_more_arrive(demo: Demo, browser: Browser) -> None:
    root = await demo.post(CHANNEL, "a long thread")
    for number in range(1, 1001):
        await demo.post(CHANNEL, f"reply {number}", thread_ts=root)
    async with at_the_page(browser, demo.url, path=f"/#/{CHANNEL}/thread/{root}", member=ADA) as ada:
        await expect(ada.thread.get_by_text("reply 1000", exact=True)).to_be_in_viewport()
        await demo.post(CHANNEL, "one more", thread_ts=root)
        await expect(ada.thread.get_by_text("one more", exact=True)).to_be_in_viewport()
        await ada.thread.get_by_role("button", name=re.compile("Show earlier replies")).click()
        await expect(ada.thread.locator("article")).to_have_count(301)
        await expect(ada.page.get_by_role("link", name="1001 replies")).to_be_visible()


async def test_a_message_too_long_for_slack_is_refused_and_kept_in_the_box(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url, path=f"/#/{CHANNEL}") as ada:
        await ada.say("y" * 40_001)
        await expect(ada.page.get_by_role("alert")).to_contain_text("msg_too_long")

        await expect(ada.composer).to_have_value("y" * 40_001)
