"""Text as people paste it: an id in backticks, angle brackets or quotes, with a comma or invisible marks around."""

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
_WRAPPING = f" \t\r\n\u00a0`<>\"'\u201c\u201d\u2018\u2019{_INVISIBLE}"


def unwrap(text: str) -> str:
    """Return what was meant, without what wraps it. None of what is taken off can be part of an ID."""
    while True:
        stripped = text.strip(_WRAPPING).rstrip(",;")
        if stripped == text:
            return text
        text = stripped
