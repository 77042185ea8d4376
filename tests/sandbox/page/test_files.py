"""What the page is made of."""

import re

from bot.sandbox.page.routes import FILES


def test_no_name_logo_or_font_is_slacks() -> None:
    styles = "".join(path.read_text() for path in FILES.glob("*.css"))
    assert "Lato" not in styles
    assert "@font-face" not in styles
    assert {path.name for path in FILES.glob("*.svg")} == {"icon.svg"}


def test_modules_are_small_and_parse_no_text_as_html() -> None:
    for path in FILES.glob("*.js"):
        source = path.read_text()
        assert len(source.splitlines()) <= 250, path.name
        for risky in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert risky not in source, f"{risky} in {path.name}"
    assert "<script>" not in (FILES / "index.html").read_text()


def test_in_the_dark_only_colors_differ() -> None:
    styles = "".join(path.read_text() for path in FILES.glob("*.css"))
    assert styles.count("prefers-color-scheme") == 1
    dark = re.search(r"@media \(prefers-color-scheme: dark\) {\s*:root {([^{}]*)}\s*}", styles)
    assert dark
    assert re.fullmatch(r"(\s*--[a-z-]+: [^:;]+;)+\s*", dark[1])
    assert not any("prefers-color-scheme" in path.read_text() for path in FILES.glob("*.js"))
