"""Every kind of message that convotest sends, made by the real builders from awkward data, on one page to look at."""

from bot.gallery.page import write_gallery
from bot.gallery.samples import Sample, samples

__all__ = ["Sample", "samples", "write_gallery"]
