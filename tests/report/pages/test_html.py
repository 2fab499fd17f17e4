"""The report as one file: whole, harmless, offline, and in a real browser."""

import html
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cclcc_cli.report.figures.figure import Figure
from cclcc_cli.report.pages.comparison import Question, write_page
from cclcc_cli.report.pages.html import render_report
from cclcc_cli.runs.folder import RunFolder
from tests.report.parsed import Parsed
from tests.report.shown import text_table
from tests.services import CHROMIUM, found_by_browser

DRIVER = shutil.which("chromedriver")
HOSTILE = "<script>document.title='taken'</script>"
LONG = "a_name_without_any_place_to_break_" * 4
DICE = [0.42, 0.55, 0.61, 0.48, 0.7, 0.66]
Write = Callable[..., RunFolder]


def figure(caption: str = "What is seen.") -> Figure:
    done, png = cv2.imencode(".png", np.full((400, 1400, 3), 200, dtype=np.uint8))
    assert done
    return Figure("made", "A figure", caption, png.tobytes(), b"%PDF")


@pytest.fixture
def groups(write_full_run: Write) -> None:
    """Three groups of three seeds with other labels, one of them better."""
    for seed in (0, 1, 2):
        write_full_run(DICE, method="supervised", seed=seed)
        write_full_run([score + 0.2 + seed / 50 for score in DICE], name="good", seed=seed)
        write_full_run([score + 0.01 for score in DICE], name="much", seed=seed, labeled=40)


def render(root: Path, **options: Any) -> str:
    return render_report(write_page(root, Question()), Question(),
                         command="cclcc report --out report.html", **options)


@pytest.mark.usefixtures("groups")
def test_the_page_says_what_the_table_says_and_more(tmp_path: Path) -> None:
    page = Parsed(render(tmp_path))
    good, _ = [row for row in page.rows if row[:2] == ["clcc", "good"] and row[-1] == "better"]
    assert good[2:6] == ["8 (10 %)", "3", "400", "79.00 ± 2.00*"]
    assert "polyps-64, 8 labels, against supervised plain 8: clcc good 8 is better" in page.text
    for heading in ("In short", "Scores", "Dice by labels", "Behind the verdicts", "Costs",
                    "Methods, for a paper", "Provenance"):
        assert heading in page.text
    assert ["numpy", "2.4"] in page.rows
    assert "cclcc train recipe.yaml --seed 1 --device cpu --precision bf16 --threads 2" in page.text
    assert "cclcc report --out report.html" in page.text


@pytest.mark.usefixtures("groups")
def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    assert render(tmp_path) == render(tmp_path)


@pytest.mark.usefixtures("groups")
def test_nothing_is_fetched_and_nothing_may_be(tmp_path: Path) -> None:
    text = render(tmp_path, figures=[figure()])
    page = Parsed(text)
    (policy,) = [attributes["content"] for tag, attributes in page.tags
                 if attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "'unsafe-eval'" not in policy
    assert not re.search(r"script-src[^;]*unsafe", policy)
    addresses = [value for _, attributes in page.tags for key, value in attributes.items()
                 if key in ("src", "href", "action", "srcset", "data", "poster")]
    assert addresses
    assert all(address and address.startswith(("data:image/png", "#")) for address in addresses)
    assert not {"link", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    assert not re.search(r"url\(|@import", text)


@pytest.mark.usefixtures("groups")
def test_a_figure_is_in_the_file_with_its_caption_for_those_who_cannot_see_it(
    tmp_path: Path
) -> None:
    drawn = figure('Seen "so" & so.')
    page = Parsed(render(tmp_path, figures=[drawn], notes=["one figure is missing"]))
    (image,) = [attributes for tag, attributes in page.tags if tag == "img"]
    assert image["alt"] == 'Seen "so" & so.'
    assert b64decode(str(image["src"]).partition(",")[2]) == drawn.png
    assert (image["width"], image["height"]) == ("896", "256")
    assert "one figure is missing" in page.text


@pytest.mark.usefixtures("groups")
def test_further_tables_stand_among_the_scores(tmp_path: Path) -> None:
    table = text_table(["part", "effect"], [["contrast", "+1.20 (0.4 to 2.0)"]], title="Ablation")
    text = render(tmp_path, sections=[replace(table, sentences=["It helps."])])
    assert ["contrast", "+1.20 (0.4 to 2.0)"] in Parsed(text).rows
    assert text.index("It helps.") < text.index('id="all-scores"')


def test_what_comes_with_runs_is_harmless(write_images_run: Write, tmp_path: Path) -> None:
    write_images_run(DICE, name=HOSTILE.replace("/", "\N{DIVISION SLASH}"), stems=None)
    folder = write_images_run(DICE, method="supervised", name="b")
    folder.write_json("environment.json", {"cclcc": HOSTILE, "packages": {HOSTILE: "1"},
                                           "command": f"</pre>{HOSTILE}"})
    folder.write_text("recipe.yaml", f"name: </pre>{HOSTILE}")
    cell = json.loads((folder.path / "cell.json").read_text())
    cell["splits"]["rule"] = '"><img src=x onerror=alert(1)>'
    folder.write_json("cell.json", cell)
    page = Parsed(render(tmp_path, figures=[figure(f'">{HOSTILE}')],
                         sections=[text_table([HOSTILE], [[HOSTILE]], title=HOSTILE)]))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [tag for tag, attributes in page.tags if "onerror" in attributes]
    assert page.text.count(HOSTILE) >= 7


def test_one_run_with_nothing_known_is_a_page(write_images_run: Write, tmp_path: Path) -> None:
    write_images_run([0.5, 0.6])
    page = Parsed(render(tmp_path))
    assert "Nothing is compared: there is one group, or no baseline." in page.text
    assert "this version cannot read the recipe of" in page.text
    assert "Its recipe.yaml is not there." in page.text


def ask(url: str, body: Any = None, method: str | None = None) -> Any:
    """The value of a WebDriver's answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"},
                                     method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())["value"]


@contextmanager
def browsing(folder: Path, width: int) -> Iterator[str]:
    """Headless Chromium with a log of every request; the session's address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    child = subprocess.Popen([str(DRIVER), f"--port={port}"], cwd=folder,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                ask(f"http://127.0.0.1:{port}/status")
                break
            except OSError:
                time.sleep(0.2)
        options = {"binary": CHROMIUM, "args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--window-size={width},900", f"--user-data-dir={folder / 'profile'}"]}
        wanted = {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"}}}}
        driver = f"http://127.0.0.1:{port}/session"
        session = f"{driver}/{ask(driver, wanted)['sessionId']}"
        try:
            yield session
        finally:
            ask(session, method="DELETE")
    finally:
        child.terminate()
        child.wait(timeout=60)


def run_script(session: str, script: str) -> Any:
    return ask(f"{session}/execute/sync", {"script": script, "args": []})


needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver")
FIRST_TABLE = """
  const table = document.querySelector("table.sortable");
  const column = name => [...table.tHead.rows[0].cells].findIndex(
    cell => cell.textContent.trim() === name);
  const shown = name => [...table.tBodies[0].rows].map(
    row => row.cells[column(name)].textContent.trim());
  const heading = name => table.tHead.rows[0].cells[column(name)];
"""


@pytest.mark.browser
@needs_browser
@pytest.mark.usefixtures("groups")
def test_a_click_or_a_key_on_a_heading_sorts_and_no_request_leaves(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render(tmp_path, figures=[figure(HOSTILE)]), encoding="utf-8")
    with browsing(tmp_path, 1280) as session:
        ask(f"{session}/url", {"url": page.as_uri()})
        as_it_was = run_script(session, FIRST_TABLE + 'return shown("Dice %")')
        heading = run_script(session, FIRST_TABLE + 'return heading("Dice %").firstChild')
        element = f"{session}/element/{next(iter(heading.values()))}"
        ask(f"{element}/click", {})
        upwards = run_script(session, FIRST_TABLE + 'return shown("Dice %")')
        told = run_script(session, FIRST_TABLE + 'return heading("Dice %").ariaSort')
        ask(f"{element}/value", {"text": "\ue007"})  # Enter
        downwards = run_script(session, FIRST_TABLE + 'return shown("Dice %")')
        ask(f"{element}/click", {})
        again = run_script(session, FIRST_TABLE + 'return shown("Dice %")')
        difference = run_script(session, FIRST_TABLE + """
          heading("difference from baseline").firstChild.click();
          return shown("difference from baseline")""")
        title = run_script(session, "return document.title")
        sent = [json.loads(entry["message"])["message"]["params"]
                for entry in ask(f"{session}/se/log", {"type": "performance"})
                if 'Network.requestWillBeSent"' in entry["message"]]
        problems = ask(f"{session}/se/log", {"type": "browser"})
    assert told == "ascending"
    assert upwards == sorted(as_it_was, key=lambda cell: float(cell.split()[0]))
    assert (downwards, again) == (upwards[::-1], as_it_was)
    assert difference[0].startswith("+22.00 (")  # 20 and the mean of 0, 2 and 4
    assert {"baseline", "no baseline"} >= set(difference[1:])
    assert title.startswith("polyps-64: test scores")
    # Chromium's own new tab asks for things as well.
    requests = {each["request"]["url"].partition(",")[0] for each in sent
                if each["documentURL"] == page.as_uri()}
    assert requests == {page.as_uri(), "data:image/png;base64"}
    assert problems == []


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_window_and_wide_tables_scroll_in_their_box(
    write_full_run: Write, tmp_path: Path, width: int
) -> None:
    write_full_run(DICE, method="supervised")
    folder = write_full_run([0.3, *DICE[1:]], name="plain", keys={"name": "n" * 64})
    folder.write_json("environment.json", {"cclcc": LONG, "command": LONG * 3,
                                           "packages": {LONG: LONG}})
    page = render(tmp_path, figures=[figure(LONG), figure()], notes=[LONG * 2],
                  sections=[replace(text_table([LONG], [[LONG]], title=LONG), sentences=[LONG])])
    wrapper = tmp_path / "wrapper.html"
    # A window cannot be as narrow as a telephone, a frame can.
    wrapper.write_text(f"""<!doctype html><meta charset="utf-8"><body><script>
      function measure(frame) {{
        const page = frame.contentDocument, root = page.documentElement;
        page.querySelectorAll("details").forEach(part => part.open = true);
        const beyond = [...page.querySelectorAll("body *")].filter(part =>
          !part.closest(".box") && !part.closest("pre") &&
          part.getBoundingClientRect().right > root.clientWidth + 0.5);
        const smallest = Math.min(...[...page.querySelectorAll("body *")].filter(part =>
          part.textContent.trim() && part.tagName != "SUP").map(
            part => parseFloat(getComputedStyle(part).fontSize)));
        const boxes = [...page.querySelectorAll(".box, pre")];
        document.body.dataset.found = [root.clientWidth, root.scrollWidth, beyond.length, smallest,
          boxes.every(box => box.clientWidth <= root.clientWidth), boxes.some(
            box => box.scrollWidth > box.clientWidth), boxes.every(box => box.tabIndex == 0)]
      }}
    </script><iframe width="{width}" height="900" style="border:0" onload="measure(this)"
    srcdoc="{html.escape(page)}"></iframe>""", encoding="utf-8")
    inner, needed, beyond, smallest, *boxes = found_by_browser(wrapper, tmp_path / "profile")
    assert (inner, needed, beyond) == (str(width), str(width), "0")
    assert boxes == ["true", "true", "true"]
    assert float(smallest) >= 12


def test_spread_strata_and_ranks_have_sections_where_there_are_such(
    write_full_run: Write, tmp_path: Path
) -> None:
    for data in ("polyps", "skin"):
        for method, gain in (("supervised", 0.0), ("clcc", 0.1)):
            write_full_run([score + gain for score in DICE], method=method, data=data,
                           columns={"foreground": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]})
    text = Parsed(render(tmp_path)).text
    assert "Beside the mean" in text
    assert "By lesion size" in text
    assert "Ranks over data sets" in text
    assert "2 blocks are too few for ranks to mean anything" in text
