"""What a member's words to an assistant mean to us: that they are done, and which assistant they want."""

import re

NAMED = re.compile(r"(?:^|(?<=\s))(?:--?)?assistant\s*=\s*[\"']?([\w.-]+(?:@[\w.-]+)?)[\"']?(?=\s|$)", re.IGNORECASE)
DONE = re.compile(
    r"(?:(?:ok(?:ay)?|great|perfect|super|thanks?(?: you)?|thx|no)[\s,.!]+)*"
    r"(?:i(?:'m| am) |we(?:'re| are) |that(?:'s| is) )?(?:all )?(?:done|finished|all)"
    r"(?:[\s,.!]+(?:thanks?(?: you)?|thx)(?: a lot| very much| so much)?)?[\s.!]*",
    re.IGNORECASE,
)


def says_done(text: str) -> bool:
    """Whether somebody ends the conversation: "done", "thanks, done", "ok that's all, thank you!"."""
    return len(text) < 80 and DONE.fullmatch(text.strip().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")) is not None


def named_assistant(text: str) -> tuple[str | None, str]:
    """The ``assistant=NAME[@VARIANT]`` at the beginning or end of a question, and the question without it."""
    for found in NAMED.finditer(text):
        before, after = text[: found.start()].strip(), text[found.end() :].strip()
        if not before or not after:
            return found[1], before or after
    return None, text.strip()
