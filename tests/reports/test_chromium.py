"""A real browser opens the page: it asks for nothing, and shows it light and dark. Left out where there is none."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from podium.reports import PromotionFacts, TestFacts, VersionFacts, checks_html, comparison_html, promotion_html
from tests.reports.stories import NASTY_ATTEMPT, NASTY_REPORT

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
QUIET = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"), pytest.mark.slow]


@pytest.fixture
def asked() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine that serves nothing and notes what it was asked for."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.headers['Host']}{self.path}")
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], seen
    server.shutdown()
    server.server_close()


def shoot(page: Path, port: int, folder: Path, *more: str) -> Image.Image:
    """Open a page with every host name of the world leading to our server, and take a picture of it."""
    picture = folder / "shot.png"
    rules = f"--host-resolver-rules=MAP * 127.0.0.1:{port}"
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", *QUIET, rules, *more]
    command += [f"--user-data-dir={folder / 'profile'}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=120)
    with Image.open(picture) as image:
        return image.convert("RGB")


PAGES = {
    "comparison": lambda five, _: comparison_html(five),
    "nasty comparison": lambda _, nasty: comparison_html(nasty),
    "test": lambda _, nasty: checks_html(NASTY_REPORT, TestFacts(VersionFacts(nasty.versions[0]), nasty)),
    "promotion": lambda _, nasty: promotion_html(NASTY_ATTEMPT, PromotionFacts(VersionFacts(nasty.versions[0]), nasty)),
}


@pytest.mark.parametrize("which", PAGES)
def test_the_page_asks_for_nothing(which, five, nasty, tmp_path, asked) -> None:
    """No request leaves the page, also where its names are full of addresses."""
    port, seen = asked
    page = tmp_path / "page.html"
    page.write_text(PAGES[which](five, nasty), encoding="utf-8")
    image = shoot(page, port, tmp_path, "--window-size=1280,900")
    assert len(image.getcolors(2**24) or ()) > 20  # something was drawn
    assert [place for place in seen if "google" not in place] == []  # a browser may look for its maker


def test_the_server_would_have_seen_it(tmp_path, asked) -> None:
    """A page that does load a picture from elsewhere is noticed by this very set-up."""
    port, seen = asked
    page = tmp_path / "page.html"
    page.write_text("<img src='http://evil.example/x.png'>", encoding="utf-8")
    shoot(page, port, tmp_path)
    assert any(place.startswith("evil.example") for place in seen)


def test_light_and_dark(five, tmp_path, asked) -> None:
    """The ground is light or dark as the reader wishes."""
    page = tmp_path / "page.html"
    page.write_text(comparison_html(five), encoding="utf-8")
    light, dark = (
        shoot(page, asked[0], tmp_path, "--window-size=390,900", f"--blink-settings=preferredColorScheme={scheme}")
        for scheme in (1, 0)
    )
    assert light.getpixel((2, 2)) == (255, 255, 255)
    assert max(dark.getpixel((2, 2))) < 60
