"""Procedural endoscopy-like scenes: lesions to segment among harmless bumps that look alike.

A scene is drawn as a height map with an albedo and a gloss, then lit from the scope. Lesions
and bumps come from one distribution of shape, size, tint and relief; what tells them apart is
local: a lesion carries a fine pit pattern, and mostly hides the vessels below it, is duller and
ends more crisply. Every length is in half image widths (the image spans -1 to 1), so a scene
looks the same at every size.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SMALLEST_SIZE = 32
_WARP = 0.045  # spread of the shift that makes outlines and folds uneven
_LUMEN = 0.25  # radius kept free of blobs around the dark of the lumen
_TRIES = 12  # places tried for a blob before it is left out
_ATYPICAL = 0.25  # share of blobs whose rim is as the other kind's, so that it alone tells neither

_Field = NDArray[np.float32]


def synthetic_scene(
    seed: int, index: int, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One endoscopy-like image (size, size, 3) RGB uint8 and its mask (size, size) uint8 in {0, 1}.

    The scene depends on the three arguments alone; the same seed and index at another size
    show the same scene. Every mask has a lesion in it.

    Args:
        seed: which data set, 0 or more.
        index: which scene of it, 0 or more.
        size: side of the square image in pixels, 32 or more.
    """
    if size < _SMALLEST_SIZE:
        raise ValueError(f"size must be at least {_SMALLEST_SIZE}, not {size}")
    scene = _Scene(np.random.default_rng(np.random.SeedSequence([seed, index])), size)
    blobs = _place_blobs(scene)
    surface = _mucosa(scene)
    mask = np.zeros((size, size), np.uint8)
    for blob in blobs:
        window = _window(scene, blob)
        level = _blob_level(scene, blob, window)
        _raise_blob(scene, surface, blob, level, window)
        if blob.lesion:
            mask[window] |= (level < 1).astype(np.uint8)
    view = _field_of_view(scene)
    mask[view < 0.5] = 0
    return _photograph(scene, surface, view), mask


@dataclass(frozen=True)
class _Blob:
    """One raised spot: where it is, its outline, and how its surface looks.

    Attributes:
        x, y: centre.
        long, short: half axes.
        angle: of the long axis, in radians.
        height: of the dome over the wall.
        border: width of the rim, as a share of the half axes.
        tint: factor on the wall's colour, (3,).
        texture: strength of the surface pattern.
        gloss: factor on the wall's gloss.
        veil: how far the wall's vessels are hidden, 0 to 1.
        lesion: whether it is in the mask.
    """

    x: float
    y: float
    long: float
    short: float
    angle: float
    height: float
    border: float
    tint: _Field
    texture: float
    gloss: float
    veil: float
    lesion: bool


@dataclass
class _Surface:
    """The wall before it is lit: albedo is (size, size, 3), the others (size, size).

    Vessels are 0 off and 1 on a line, and lie under whatever is put on the wall.
    """

    height: _Field
    albedo: _Field
    gloss: _Field
    vessels: _Field


class _Scene:
    """The random draws of one scene and the coordinates (size, size) they are laid over."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.rng = rng
        self.size = size
        axis = ((np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1).astype(np.float32)
        self.x = np.broadcast_to(axis[None, :], (size, size))
        self.y = np.broadcast_to(axis[:, None], (size, size))
        self.warp_x = self.x + np.float32(_WARP) * self.noise(7)
        self.warp_y = self.y + np.float32(_WARP) * self.noise(7)
        turn, distance = self.between(0, 2 * np.pi), self.between(0.3, 0.95)
        self.lumen_x, self.lumen_y = distance * float(np.cos(turn)), distance * float(np.sin(turn))
        self.pits = self._pit_pattern()
        self.mottle = self.noise(int(rng.integers(9, 15)))

    def between(self, low: float, high: float) -> float:
        """A number drawn evenly from [low, high)."""
        return float(self.rng.uniform(low, high))

    def noise(self, cells: int, cells_y: int | None = None) -> _Field:
        """Smooth noise of unit spread (size, size) with so many cells across."""
        # A grid of so many cells at every size keeps the scene the same at every size.
        grid = self.rng.standard_normal((cells_y or cells, cells), dtype=np.float32)
        whole = cv2.resize(grid, (self.size, self.size), interpolation=cv2.INTER_CUBIC)
        return np.asarray(whole, np.float32)

    def _pit_pattern(self) -> _Field:
        """Fine dots or winding ridges, about -1 to 1, in a grain and kind of this scene."""
        grain = int(self.rng.integers(24, 40))
        squash = self.between(0.6, 1.0)
        cells_y = int(grain * squash)
        fine = self.noise(grain, cells_y) - 0.5 * self.noise(grain // 3, cells_y // 3)
        ridges = 1 - 2.2 * np.abs(fine)
        dots = 1.6 * fine
        kind = self.between(-1, 1)
        blend = kind * dots + (1 - abs(kind)) * ridges
        return np.tanh(1.3 * blend).astype(np.float32)


def _place_blobs(scene: _Scene) -> list[_Blob]:
    """One to three lesions and up to four bumps, none over another or in the lumen."""
    rng = scene.rng
    lesions = int(rng.choice([1, 2, 3], p=[0.55, 0.3, 0.15]))
    bumps = int(rng.integers(1, 5))
    rest = rng.permutation([True] * (lesions - 1) + [False] * bumps)
    shared_tint = rng.normal(0, 0.05, 3)
    blobs: list[_Blob] = []
    for lesion in [True, *rest.tolist()]:
        for _ in range(_TRIES if blobs else 10 * _TRIES):
            blob = _draw_blob(rng, lesion, shared_tint)
            if _off_lumen(scene, blob) and all(_apart(blob, other) for other in blobs):
                blobs.append(blob)
                break
    return blobs


def _draw_blob(rng: np.random.Generator, lesion: bool, shared_tint: NDArray[np.float64]) -> _Blob:
    """One blob in the picture; its place, outline, tint and relief do not depend on ``lesion``."""
    distance, turn = 0.78 * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
    radius = float(np.clip(rng.lognormal(np.log(0.26), 0.3), 0.16, 0.45))
    stretch = float(rng.uniform(1.0, 1.35))
    tint = np.exp(shared_tint + rng.normal(0, 0.04, 3)).astype(np.float32)
    height = radius * float(rng.uniform(0.10, 0.42))
    atypical = rng.uniform() < _ATYPICAL
    crisp = lesion != atypical
    return _Blob(
        x=float(distance * np.cos(turn)),
        y=float(distance * np.sin(turn)),
        long=radius * stretch,
        short=radius / stretch,
        angle=float(rng.uniform(0, np.pi)),
        height=height,
        border=float(rng.uniform(0.05, 0.14) if crisp else rng.uniform(0.12, 0.35)),
        tint=tint,
        texture=float(rng.uniform(0.55, 1.0)),
        gloss=float(rng.uniform(0.3, 1.0) if lesion else rng.uniform(0.6, 1.5)),
        veil=float(rng.uniform(0.7, 1.0) if lesion else rng.uniform(0.0, 0.9)),
        lesion=lesion,
    )


def _apart(one: _Blob, other: _Blob) -> bool:
    """Whether two blobs leave a gap between them."""
    gap = np.hypot(one.x - other.x, one.y - other.y)
    return bool(gap > 1.05 * (one.long + other.long))


def _off_lumen(scene: _Scene, blob: _Blob) -> bool:
    """Whether a blob keeps out of the dark of the lumen."""
    gap = np.hypot(blob.x - scene.lumen_x, blob.y - scene.lumen_y)
    return bool(gap > _LUMEN + blob.short)


def _window(scene: _Scene, blob: _Blob) -> tuple[slice, slice]:
    """The rows and columns that a blob can touch."""
    # Noise of unit spread stays within 4, so the warp moves no outline further than this.
    reach = blob.long * (1 + blob.border) + 4 * _WARP
    ends = np.array([[blob.y - reach, blob.y + reach], [blob.x - reach, blob.x + reach]])
    first, last = np.clip((ends + 1) * scene.size / 2, 0, scene.size).astype(int).T
    return slice(first[0], last[0] + 1), slice(first[1], last[1] + 1)


def _blob_level(scene: _Scene, blob: _Blob, window: tuple[slice, slice]) -> _Field:
    """How far out each pixel of the window lies: 0 at the centre, 1 on the outline."""
    dx = scene.warp_x[window] - np.float32(blob.x)
    dy = scene.warp_y[window] - np.float32(blob.y)
    cos, sin = np.float32(np.cos(blob.angle)), np.float32(np.sin(blob.angle))
    along = (cos * dx + sin * dy) / np.float32(blob.long)
    across = (cos * dy - sin * dx) / np.float32(blob.short)
    return np.sqrt(along * along + across * across)


def _smoothstep(low: float, high: float, value: _Field) -> _Field:
    """0 up to ``low``, 1 from ``high``, smooth between."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _mucosa(scene: _Scene) -> _Surface:
    """The bare wall: folds around the lumen, blotches and a faint grain."""
    dx = scene.warp_x - np.float32(scene.lumen_x)
    dy = scene.warp_y - np.float32(scene.lumen_y)
    square = dx * dx + dy * dy
    depth = np.exp(square * np.float32(-1 / scene.between(0.2, 0.35) ** 2))
    base = np.array([0.80, 0.42, 0.36]) * np.exp(scene.rng.normal(0, [0.05, 0.10, 0.10]))
    blotch = 1 + np.float32(0.06) * scene.noise(5) + np.float32(0.04) * scene.noise(11)
    blotch *= 1 + np.float32(scene.between(0.0, 0.03)) * scene.noise(36)
    blotch *= 1 - np.float32(scene.between(0.5, 0.8)) * depth
    albedo = blotch[..., None] * base.astype(np.float32)
    height = _folds(scene, square) * (1 - depth) - np.float32(0.10) * depth
    gloss = np.full_like(square, scene.between(0.5, 1.0))
    return _Surface(height, albedo, gloss, _vessels(scene))


def _folds(scene: _Scene, square: _Field) -> _Field:
    """Height of the haustral folds: uneven arcs around the lumen, from its squared distance."""
    pitch = np.float32(scene.between(2.5, 4.5) / 2)
    phase = pitch * np.log(square + np.float32(0.08)) + np.float32(scene.between(0, np.pi))
    crease = 1 - np.abs(np.sin(phase + np.float32(0.3) * scene.noise(4)))
    strength = scene.between(0.02, 0.09) * np.clip(1 + scene.noise(4), 0, 2)
    folds = np.float32(0.02) * scene.noise(6) - strength * crease * crease
    return np.asarray(folds, np.float32)


def _raise_blob(
    scene: _Scene, surface: _Surface, blob: _Blob, level: _Field, window: tuple[slice, slice]
) -> None:
    """Put one blob on the wall, in place."""
    inside = 1 - _smoothstep(1 - blob.border / 2, 1 + blob.border / 2, level)
    dome = np.sqrt(np.clip(np.float32(1.15) - level * level, 0, None)) * inside
    pattern = (scene.pits if blob.lesion else scene.mottle)[window] * inside
    pattern *= np.float32(blob.texture)
    relief = np.float32(blob.height) * dome + np.float32(0.005) * pattern
    # A blob lies over the folds more than it follows them.
    surface.height[window] += relief - np.float32(0.6) * inside * surface.height[window]
    paint = (1 + np.float32(0.14) * pattern)[..., None]
    surface.albedo[window] *= (1 + inside[..., None] * (blob.tint - 1)) * paint
    surface.gloss[window] *= 1 + inside * np.float32(blob.gloss - 1)
    surface.vessels[window] *= 1 - np.float32(blob.veil) * inside


def _vessels(scene: _Scene) -> _Field:
    """Thin branching lines, 0 off and 1 on a vessel."""
    coarse = scene.noise(int(scene.rng.integers(6, 10))) / np.float32(0.10)
    fine = scene.noise(int(scene.rng.integers(11, 17))) / np.float32(0.13)
    where = np.clip(np.float32(0.6) + np.float32(0.7) * scene.noise(4), 0, 1)
    lines = np.exp(-coarse * coarse) + np.float32(0.6) * np.exp(-fine * fine)
    return np.asarray(np.minimum(lines, 1) * where, np.float32)


def _field_of_view(scene: _Scene) -> _Field:
    """1 where the lens sees, falling to 0 in the dark corners."""
    edge = scene.between(1.05, 1.45)
    radius = np.sqrt(scene.x**2 + scene.y**2)
    return 1 - _smoothstep(edge - 0.04, edge + 0.04, radius)


def _photograph(scene: _Scene, surface: _Surface, view: _Field) -> NDArray[np.uint8]:
    """Light the surface from the scope and record it: (size, size, 3) uint8."""
    ink = np.float32(scene.between(0.1, 0.45)) * np.array([0.35, 1.0, 0.8], np.float32)
    albedo = surface.albedo * (1 - surface.vessels[..., None] * ink)
    light, shine = _light(scene, surface)
    cast = scene.between(0.85, 1.25) * np.exp(scene.rng.normal(0, [0.04, 0.05, 0.07]))
    picture = light[..., None] * (albedo * cast.astype(np.float32)) + shine[..., None]
    picture *= (np.float32(0.03) + np.float32(0.97) * view)[..., None]
    blur = scene.between(0.0, 0.006) * scene.size / 2
    if blur > 0.2:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)
    speckle = scene.rng.standard_normal(picture.shape, dtype=np.float32)
    picture = _tone(picture, scene.between(0.0, 0.5))
    picture += np.float32(scene.between(0.005, 0.018)) * speckle
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), np.uint8)


def _tone(picture: _Field, lift: float) -> _Field:
    """The camera's curve over 0 to 1: shadows brightened more the larger ``lift`` is."""
    picture = np.clip(picture, 0, 1)
    return np.asarray(picture * (1 + np.float32(lift) * (1 - picture)), np.float32)


def _light(scene: _Scene, surface: _Surface) -> tuple[_Field, _Field]:
    """The scope's light on each spot of the wall, and the specular highlights, both 0 and up."""
    step = scene.size / 16  # Sobel sums 8 one-pixel steps of 2 / size
    slope_x = cv2.Sobel(surface.height, cv2.CV_32F, 1, 0, ksize=3, scale=step)
    slope_y = cv2.Sobel(surface.height, cv2.CV_32F, 0, 1, ksize=3, scale=step)
    lamp_x, lamp_y = scene.rng.uniform(-0.4, 0.4, 2).astype(np.float32)
    away_x, away_y = lamp_x - scene.x, lamp_y - scene.y
    rise = np.float32(scene.between(0.8, 1.3))
    reach = away_x * away_x + away_y * away_y + rise * rise
    facing = rise - slope_x * away_x - slope_y * away_y
    facing /= np.sqrt((slope_x * slope_x + slope_y * slope_y + 1) * reach)
    # The wall scatters light into its own shadows.
    light = np.float32(0.15) + np.float32(0.85) * np.clip(facing, 0, None)
    light *= (rise * rise + np.float32(0.6)) / (reach + np.float32(0.6))
    ripple = np.float32(0.012) * scene.noise(24)
    shine = surface.gloss * _smoothstep(0.985, 1.005, facing + ripple)
    return np.asarray(light, np.float32), np.asarray(shine, np.float32)
