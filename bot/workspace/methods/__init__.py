"""SHELF: the methods of the Web API that are served, by subject."""

from ..web_api import Method
from . import apps, assistant, chat, conversations, files, oauth, reactions, users, views

METHODS: dict[str, Method] = {
    **apps.METHODS,
    **assistant.METHODS,
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **oauth.METHODS,
    **reactions.METHODS,
    **users.METHODS,
    **views.METHODS,
}
