"""The OAuth consent page: pick a workspace, allow, and go back to the app with a code."""

import secrets
from html import escape
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from .core import Core
from .guard import PAGE_HEADERS, PageGuard, is_loopback

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Allow convotest?</title>
<link rel="stylesheet" href="/static/style.css"><body class="authorize"><main>
<p class="badge">Local workspace</p><h1>Allow convotest to access a workspace?</h1>
<p>It asks for: <code>{scopes}</code></p><form method="post">
<label for="team">Workspace</label><select id="team" name="team">{teams}</select>{fields}
<div class="row"><button class="primary" name="answer" value="allow">Allow</button>
<button name="answer" value="cancel">Cancel</button></div></form></main></body></html>"""


class Authorize:
    """`/oauth/v2/authorize`, asked with GET and answered with POST."""

    def __init__(self, core: Core, guard: PageGuard) -> None:
        self._core, self._guard = core, guard

    async def ask(self, request: web.Request) -> web.Response:
        if request.query.get("client_id") != self._core.client_id:
            raise web.HTTPBadRequest(text="invalid client_id")
        teams = "".join(f'<option value="{escape(t.id)}">{escape(t.name)}</option>' for t in self._core.teams.values())
        kept = {name: request.query.get(name, "") for name in ("state", "redirect_uri")}
        fields = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in kept.items())
        text = PAGE.format(scopes=escape(request.query.get("scope", "")), teams=teams, fields=fields)
        # the answer leads back to the app, which lives on another port
        csp = PAGE_HEADERS["Content-Security-Policy"].replace(
            "form-action 'self'", "form-action 'self' http://127.0.0.1:* http://localhost:*"
        )
        response = web.Response(
            text=text, content_type="text/html", headers={**PAGE_HEADERS, "Content-Security-Policy": csp}
        )
        self._guard.set_cookie(request, response)
        return response

    async def answer(self, request: web.Request) -> web.Response:
        self._guard.check(request)
        form = await request.post()
        redirect, team = str(form.get("redirect_uri", "")), str(form.get("team", ""))
        if not is_loopback(urlsplit(redirect).netloc) or team not in self._core.teams:
            raise web.HTTPBadRequest(text="redirect_uri must lead to this machine")
        state = {"state": str(form.get("state", ""))}
        if form.get("answer") != "allow":
            raise web.HTTPFound(f"{redirect}?{urlencode({'error': 'access_denied', **state})}")
        code = secrets.token_urlsafe(24)
        self._core.codes[code] = (team, "U0ADA")
        raise web.HTTPFound(f"{redirect}?{urlencode({'code': code, **state})}")
