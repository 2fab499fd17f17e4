"""How figures are written: equal bytes, embedded fonts, sizes of print, nobody else's settings."""

import re
import struct
import subprocess
import sys

import matplotlib
import pytest

from cclcc_cli.report.figures.canvas import DOUBLE, DPI, SINGLE, new_drawing, render

SCRIPT = """
import hashlib, sys
from cclcc_cli.report.figures.canvas import new_drawing, render
def plot():
    drawing = new_drawing(3.4, 2.0)
    axes = drawing.add_subplot()
    axes.plot([0, 1], [1, 0], label="Ä")
    axes.imshow([[0, 1], [1, 0]])
    drawing.legend(loc="outside lower center")
    return drawing
figure = render("n", "t", "c", plot)
print(hashlib.sha256(figure.png + figure.pdf).hexdigest())
"""


def plot(width=SINGLE, height=2.0):
    drawing = new_drawing(width, height)
    axes = drawing.add_subplot()
    axes.plot([0, 1], [1, 0], "o-")
    axes.set_title("Dice, % Ä")
    return drawing


@pytest.mark.parametrize(("width", "height"), [(SINGLE, 2.0), (DOUBLE, 3.0)])
def test_a_png_has_the_size_of_print_at_200_dots_an_inch(width, height):
    png = render("name", "title", "caption", lambda: plot(width, height)).png
    assert struct.unpack(">II", png[16:24]) == (round(width * 200), round(height * 200))
    assert DPI == 200


def test_a_pdf_embeds_its_fonts_as_outlines_that_editors_read():
    pdf = render("name", "title", "caption", plot).pdf
    assert b"/FontFile2" in pdf  # TrueType, which is type 42
    assert b"/Type3" not in pdf
    assert b"Type1" not in pdf
    width, height = map(float, re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf).groups())
    assert (width, height) == (pytest.approx(SINGLE * 72), pytest.approx(144))


def test_nothing_written_tells_when_or_by_what():
    figure = render("name", "title", "caption", plot)
    assert b"Date" not in figure.pdf
    assert b"atplotlib" not in figure.pdf
    assert b"Software" not in figure.png
    assert b"tIME" not in figure.png


def test_two_processes_write_the_same_bytes(tmp_path):
    def digest(seed):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True,
            timeout=300, env={"PYTHONPATH": ":".join(filter(None, sys.path)),
                              "PYTHONHASHSEED": seed, "HOME": str(tmp_path)})
        return done.stdout
    assert digest("1") == digest("2") != ""


def test_the_users_settings_change_nothing_and_are_left_as_they_were():
    before = render("name", "title", "caption", plot)
    with matplotlib.rc_context({"font.size": 21, "pdf.fonttype": 3, "axes.grid": True}):
        after = render("name", "title", "caption", plot)
        assert (matplotlib.rcParams["font.size"], matplotlib.rcParams["axes.grid"]) == (21, True)
    assert after == before


def test_no_figure_is_higher_than_a_page():
    assert plot(height=40).get_size_inches()[1] == 9.0
