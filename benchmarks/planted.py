"""Pairs of pictures of which it is known whether they show the same thing, for ``audit.py`` and
``audit_scale.py``, and the rows that an audit asks for.

A scene is ``(H, W, 4)`` uint8: RGB, and the mask as 0 and 255, so that whatever moves the picture
moves the mask. Real scenes are read from ``../shared/data``; soft ones are drawn here.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

SHARED = Path(__file__).parents[2] / "shared" / "data"
DRAWN = 352  # pixels per side of what is drawn


@dataclass(frozen=True)
class Row:
    """What the audit asks of a store's index."""

    stem: str
    height: int
    width: int
    image_sha256: str
    foreground: float


# ---------------------------------------------------------------------------------- scenes


def real_scenes(name):
    """Scenes of Kvasir-SEG or ISIC 2017, with their stems, in the order of the stems."""
    home = SHARED / name
    for path in sorted((home / "images").iterdir()):
        mask = home / "masks" / path.name
        if not mask.is_file():
            mask = home / "masks" / f"{path.stem}_segmentation.png"
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        area = np.where(cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE) > 127, 255, 0)
        yield path.stem, np.dstack([image, area.astype(np.uint8)])


def _smooth(rng, sigma, shape=(DRAWN, DRAWN)):
    """Blurred noise of mean 0 and deviation 1."""
    field = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), sigma)
    return (field - field.mean()) / field.std()


def _disc(x, y, wide, high, angle, soft):
    area = np.zeros((DRAWN, DRAWN), np.float32)
    cv2.ellipse(area, (int(x), int(y)), (int(wide), int(high)), angle, 0, 360, 1, cv2.FILLED)
    return cv2.GaussianBlur(area, (0, 0), soft), area


def _grey_scene(field, area):
    grey = np.clip(np.rint(field), 0, 255).astype(np.uint8)
    return np.dstack([grey, grey, grey, (area > 0.5).astype(np.uint8) * 255])


def ultrasound(anatomy, speckle):
    """Layers of tissue with a dark cyst, seen through speckle; one random stream for each."""
    depth = np.linspace(0, 1, DRAWN, dtype=np.float32)[:, None]
    tissue = 1 + 0.35 * _smooth(anatomy, 30)
    for at in anatomy.uniform(0.1, 0.9, 4):
        line = at + 0.05 * _smooth(anatomy, 60)[:1]
        tissue += anatomy.uniform(0.5, 1.2) * np.exp(-((depth - line) / 0.012) ** 2)
    soft, area = _disc(*anatomy.uniform(110, 240, 2), *anatomy.uniform(25, 70, 2),
                       anatomy.uniform(0, 180), 3)
    tissue = np.maximum(tissue * (1 - 0.85 * soft), 0.03) * (1.15 - 0.6 * depth)
    waves = (cv2.GaussianBlur(speckle.standard_normal((DRAWN, DRAWN), np.float32), (0, 0),
                              sigmaX=2.6, sigmaY=1.4) for _ in range(2))
    amplitude = np.hypot(*waves) * tissue
    return _grey_scene(255 * (0.75 + np.log10(amplitude / amplitude.mean() + 1e-3) / 2.6), area)


def xray(anatomy, patient):
    """A chest as soft gradients: two lungs, a heart, faint ribs, little noise."""
    def about(value, spread):
        return value * (1 + spread * anatomy.standard_normal() + 0.04 * patient.standard_normal())

    field = np.full((DRAWN, DRAWN), 190, np.float32)
    areas = np.zeros((DRAWN, DRAWN), np.float32)
    for side in (-1, 1):
        soft, area = _disc(176 + side * about(80, 0.08), about(165, 0.06), about(55, 0.1),
                           about(110, 0.08), side * about(8, 0.4), about(9, 0.2))
        field, areas = field - about(95, 0.12) * soft, np.maximum(areas, area)
        for rib in range(7):
            line = np.zeros((DRAWN, DRAWN), np.float32)
            cv2.ellipse(line, (int(176 + side * about(60, 0.06)), int(about(70 + 32 * rib, 0.04))),
                        (int(about(70, 0.08)), int(about(26, 0.15))), 0, 180, 360, 1, 6)
            field += about(14, 0.2) * cv2.GaussianBlur(line, (0, 0), 2.5)
    field += about(60, 0.15) * _disc(about(190, 0.03), about(230, 0.04), about(55, 0.12),
                                     about(45, 0.12), 0, 14)[0]
    field += 6 * _smooth(anatomy, 25) + 3 * _smooth(patient, 25)
    return _grey_scene(field + 1.5 * patient.standard_normal(field.shape, np.float32), areas)


def blurred_noise(anatomy, patient):
    """Noise blurred over 6 to 20 pixels: nothing but soft blobs, two alike in their size alone."""
    field = _smooth(patient, anatomy.uniform(6, 20))
    return _grey_scene(128 + 45 * field, field > 1)


def drawn_scenes(draw, count, seed):
    """So many different scenes, and for each another one that looks like it and is not it."""
    for index in range(count):
        yield draw(np.random.default_rng([seed, index]), np.random.default_rng([seed, index, 1])), (
            draw(np.random.default_rng([seed, index]), np.random.default_rng([seed, index, 2])))


# --------------------------------------------------------------------------------- changes


def _pixels(scene, change):
    changed = np.clip(np.rint(change(scene[..., :3].astype(np.float32))), 0, 255)
    return np.dstack([changed.astype(np.uint8), scene[..., 3]])


def encoded(scene, quality):
    _, data = cv2.imencode(".jpg", scene[..., :3], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.dstack([cv2.imdecode(data, cv2.IMREAD_COLOR), scene[..., 3]])


def gamma(scene, power):
    return _pixels(scene, lambda image: 255 * (image / 255) ** power)


def contrast(scene, gain, shift):
    return _pixels(scene, lambda image: (image - image.mean()) * gain + image.mean() + shift)


def noisy(scene, spread, rng):
    return _pixels(scene, lambda image: image + spread * rng.standard_normal(image.shape,
                                                                             np.float32))


def blurred(scene, sigma):
    return _pixels(scene, lambda image: cv2.GaussianBlur(image, (0, 0), sigma))


def cut(scene, share, rng):
    """A window that is ``1 - share`` as long as the scene, anywhere in it."""
    high, wide = (round(side * (1 - share)) for side in scene.shape[:2])
    top, left = (rng.integers(0, side - part + 1)
                 for side, part in zip(scene.shape[:2], (high, wide), strict=True))
    return scene[top:top + high, left:left + wide]


def padded(scene, borders):
    """On black, with borders (top, bottom, left, right) as shares of the scene's side."""
    top, bottom, left, right = np.rint(np.array(borders) * len(scene)).astype(int)
    return np.pad(scene, [(top, bottom), (left, right), (0, 0)])


def lettered(scene, rng):
    """With white lettering burnt into two corners."""
    image = np.ascontiguousarray(scene[..., :3])
    for y in (0.08, 0.93):
        text = "".join(rng.choice(list("0123456789:ACM "), 12))
        cv2.putText(image, text, (8, int(y * len(image))), cv2.FONT_HERSHEY_PLAIN,
                    len(image) / 260, (255, 255, 255), 1)
    return np.dstack([image, scene[..., 3]])


def window(scene, rng, strength):
    """What a camera sees a moment later: moved, turned, nearer or farther, tissue deformed."""
    side = len(scene)
    turn = cv2.getRotationMatrix2D(
        (side / 2, side / 2), strength * rng.uniform(-6, 6), 0.84 * (1 + strength * rng.uniform(
            -0.06, 0.06)))
    y, x = np.mgrid[:side, :side].astype(np.float32)
    x, y = (turn[row, 0] * x + turn[row, 1] * y + turn[row, 2] for row in range(2))
    move = 0.04 * strength * rng.uniform(-1, 1, 2)
    fields = (0.007 * strength * _smooth(rng, side / 10, (side, side)) for _ in range(2))
    x, y = (part + side * (by + field) for part, by, field in zip((x, y), move, fields,
                                                                  strict=True))
    return cv2.remap(scene, x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC,
                     borderMode=cv2.BORDER_REFLECT)


def _borders(rng):
    return rng.permutation([0.0, rng.uniform(0.02, 0.12), rng.uniform(0.05, 0.3),
                            rng.uniform(0.02, 0.3)])


def _in_padding(scene, rng, change):
    borders = _borders(rng)
    return padded(scene, borders), encoded(padded(change(scene), borders), 92)


def _frames(scene, rng, strength):
    first = window(scene, rng, 0)
    second = noisy(contrast(window(scene, rng, strength), rng.uniform(0.92, 1.08),
                            rng.uniform(-8, 8)), 2, rng)
    return first, encoded(second, 88)


def _small(scene, share):
    return cv2.resize(scene, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)


COPIES = {
    "JPEG 85 to 95": lambda s, r: (s, encoded(s, r.uniform(85, 95))),
    "JPEG 30 to 60": lambda s, r: (s, encoded(s, r.uniform(30, 60))),
    "exposure": lambda s, r: (s, encoded(gamma(s, r.choice([0.55, 0.75, 1.4, 1.8])), 92)),
    "contrast": lambda s, r: (s, encoded(contrast(s, r.uniform(0.6, 1.3), r.uniform(-30, 30)),
                                         92)),
    "mirrored": lambda s, _: (s, encoded(s[:, ::-1], 92)),
    "quarter turns": lambda s, r: (s, encoded(np.rot90(s, r.integers(1, 4)), 92)),
    "turned, mirrored": lambda s, r: (s, encoded(np.rot90(s, r.integers(1, 4))[:, ::-1], 92)),
    "flip in padding": lambda s, r: _in_padding(s, r, lambda x: x[:, ::-1]),
    "upside down in padding": lambda s, r: _in_padding(s, r, lambda x: x[::-1]),
    "padded and not": lambda s, r: (s, encoded(padded(s, _borders(r)), 92)),
    "crop to 10 %": lambda s, r: (s, encoded(cut(s, r.uniform(0.03, 0.1), r), 92)),
    "crop to 20 %": lambda s, r: (s, encoded(cut(s, r.uniform(0.1, 0.2), r), 92)),
    "rescaled": lambda s, r: (s, encoded(_small(s, r.uniform(0.35, 0.7)), 95)),
    "blurred": lambda s, r: (s, encoded(blurred(s, r.uniform(1, 2)), 92)),
    "noisy": lambda s, r: (s, encoded(noisy(s, r.uniform(4, 9), r), 92)),
    "grey": lambda s, _: (s, np.dstack([*[s[..., 1]] * 3, s[..., 3]])),
    "lettered": lambda s, r: (s, encoded(lettered(s, r), 92)),
    "all at once": lambda s, r: (s, encoded(gamma(np.rot90(cut(s, 0.06, r), r.integers(0, 4))[
        :, ::-1], r.choice([0.75, 1.35])), 75)),
}
"""Scene and random stream to two scenes of which the second is the first one's copy, changed."""
FRAMES = {
    "next frame": lambda s, r: _frames(s, r, 0.5),
    "a second later": lambda s, r: _frames(s, r, 1),
    "seconds later": lambda s, r: _frames(s, r, 2),
}
"""The same place seen again: not a copy."""
