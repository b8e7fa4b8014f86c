"""Lines of plates: drawn, made, worn, photographed and cut out as the reader cuts them.

    python lines.py DIR N        # N files of up to 500 lines each

A line goes the way a real one goes, one class or function for each station: what is written (`characters`, `Artwork`),
how it was put on the plate (`made`), how it was photographed (`Camera`, `optics`, `lamp`, `sensor`), and what the
reader makes of the photograph (`look`, `cut`). Pictures are arrays in grey, 0 to 255. One seed decides everything about
a line.
"""

import functools
import io
import multiprocessing
import os
import pathlib
import re
import string
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # every core draws lines of its own

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LINES = 500  # in a file
WIDEST = 480  # what teach.py has room for
TALL = 48  # pixels: the height at which the recogniser reads
AROUND = 100  # pixels of plate around the line, so that the camera has something to see beside it

# Slanted and hair-thin letters are seldom on plates; symbols are no letters; the last are odd variants of OCR-B.
UNFIT = (
    r"italic|oblique|-[brl]i\.|-lightit|blackit|boldit|thin|hairline"
    r"|symbol|emoji|math|icon|dingbat|music|noto|cjk|ocrb[fxe]"
)
FONTS = sorted(
    str(file) for file in pathlib.Path("/usr/share/fonts").rglob("*.?tf") if not re.search(UNFIT, str(file).lower())
)

LETTERS = string.ascii_uppercase
PLAIN_LETTERS = re.sub("[IOQ]", "", LETTERS)  # most makers leave out what looks like a digit
SIGNS = (
    *("Serial", "Serial No.", "SERIAL NO", "Serial Number", "SN:", "S/N", "S/N:", "N/S"),
    *("Nº de serie", "N.º de serie", "No. de serie", "Nº SERIE:", "SERIE", "Nº de série", "Nº FAB."),
    *("MODEL", "MODELO", "TIPO", "P/N", "REF.", "POTENCIA", "TENSIÓN", "FECHA", "DATE", "IP"),
)


def chance(rng, share):
    return rng.random() < share


def one_of(rng, things):
    return things[rng.integers(len(things))]


# What is written


def characters(rng):
    """One to three runs of random characters: no form of number is to be learned, only what characters look like."""
    letters = LETTERS if chance(rng, 0.06) else PLAIN_LETTERS
    alphabets = (string.digits, letters, letters + string.digits)
    count = rng.choice(3, p=(0.5, 0.25, 0.25)) + 1
    lengths = 1 + rng.multinomial(rng.integers(4, 13), np.full(count, 1 / count))
    runs = ["".join(rng.choice(list(alphabets[rng.choice(3, p=(0.4, 0.15, 0.45))]), n)) for n in lengths]
    return one_of(rng, ("-", "-", "-", "", "", "", "/", ".")).join(runs)


def rating(rng):
    """What else stands on plates, with signs that numbers do not have."""
    a, b = rng.integers(1, 60), rng.integers(100, 700)
    when = f"{a % 12 + 1:02}/{1990 + b % 40}"
    return one_of(rng, (f"{b} V ~ 50 Hz", f"{b}/{b * 7 // 4} V", f"{a / 4:.1f} kW", when, f"IP{a}", f"{a} A {b} W"))


@functools.cache
def letters_of(file, size):
    return ImageFont.truetype(file, size)


def typeface(rng, size):
    return letters_of(one_of(rng, FONTS), int(size))


class Artwork:
    """The drawing of a line and its neighbours: `ink` from 0 to 1, what it says, its box and its height."""

    def __init__(self, rng):
        size = rng.integers(24, 59)
        face, said = typeface(rng, size), rating(rng) if chance(rng, 0.06) else characters(rng)
        tracking = size * rng.uniform(0.03, 0.1) if chance(rng, 0.4) else 0
        places = np.cumsum([0] + [face.getlength(c) + tracking for c in said])
        _, above, _, below = face.getbbox(said, anchor="ls")
        self.text, self.tall, left = said, max(below - above, 8), AROUND
        sign = None
        if chance(rng, 0.15):
            sign = one_of(rng, SIGNS)
            small = typeface(rng, size * rng.uniform(0.6, 1))
            self.text = f"{sign} {said}"
            left += small.getlength(sign) + size * rng.uniform(0.3, 0.9)
        right, foot = left + places[-1] - tracking, AROUND - above
        self.box = np.array((AROUND, AROUND, right, AROUND + self.tall))

        sheet = Image.new("L", (int(right) + AROUND, int(self.tall) + 2 * AROUND))
        pen = ImageDraw.Draw(sheet)
        if sign:
            pen.text((AROUND, foot), sign, fill=255, font=small, anchor="ls")
        for c, place in zip(said, places):
            pen.text((left + place, foot), c, fill=255, font=face, anchor="ls")
        self._neighbours(rng, pen, size)
        if chance(rng, 0.35):
            self._cell(rng, pen, sheet.width)
        self.ink = np.asarray(sheet, np.float32) / 255

    def _neighbours(self, rng, pen, size):
        """Lines above and below, of which the cut-out may show a part."""
        face, apart = typeface(rng, size * rng.uniform(0.5, 1.1)), self.tall * rng.uniform(0.35, 1.4)
        for edge, anchor in ((self.box[1] - apart, "ld"), (self.box[3] + apart, "la")):
            if chance(rng, 0.56):
                begin = AROUND + rng.integers(-80, 60)
                pen.text((begin, edge), f"{one_of(rng, SIGNS)} {characters(rng)}", fill=255, font=face, anchor=anchor)

    def _cell(self, rng, pen, width):
        """The cell of a table, whose sides may be far off."""
        room = self.tall * rng.uniform(0.3, 0.75, 4) + np.where(rng.random(4) < (0.4, 0, 0.8, 0), width, 0)
        pen.rectangle(tuple(self.box + room * (-1, -1, 1, 1)), outline=255, width=2)


# How it was made


def enlarged(grid, shape):
    return np.asarray(Image.fromarray(grid.astype(np.float32)).resize(shape[::-1], Image.Resampling.BILINEAR))


def clouds(rng, shape, cell):
    """Noise of mean 0 and deviation 1 whose spots are as large as the cell."""
    coarse = enlarged(rng.standard_normal([-(-side // across) + 1 for side, across in zip(shape, cell)]), shape)
    return (coarse - coarse.mean()) / coarse.std()


def ground(rng, tone, brushed):
    """Bare plate. A brush leaves streaks of some length, not rows from end to end, and no plate is lit evenly."""
    stroke = int(rng.integers(80, 500))
    down, across = np.ogrid[-1 : 1 : tone.shape[0] * 1j, -1 : 1 : tone.shape[1] * 1j]
    towards = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0, 14) * (across * np.cos(towards) + down * np.sin(towards))
    streaks = clouds(rng, tone.shape, (1, stroke)) + 0.3 * clouds(rng, tone.shape, (1, 3))
    return tone + slope + brushed * streaks


def rubbed_off(rng, shape, share):
    """Where print is gone, 0 to 1. Hands take it in ragged patches: the highest part of several sizes of noise."""
    sizes = (1, 3, 8, 24)
    rough = sum(clouds(rng, shape, (s, s)) * s**0.3 for s in sizes)
    least = np.quantile(rough, 1 - share)
    return np.clip((rough - least) / 0.6 + 0.5, 0, 1)


def shaded(height, azimuth, elevation):
    """How much brighter a relief is than flat plate under one lamp, as a share (Lambert: light falls by the cosine)."""
    down, across = np.gradient(height)
    lean = np.cos(elevation) * (across * np.cos(azimuth) + down * np.sin(azimuth))
    cosine = (np.sin(elevation) - lean) / np.sqrt(1 + down**2 + across**2)
    return np.maximum(cosine, 0) / np.sin(elevation) - 1


def pecked(rng, ink):
    """Strokes as a pin marks them: a round pit in each cell of a grid that holds enough of one, none quite in place."""
    pitch = int(rng.integers(4, 7))
    rows, columns = -(-ink.shape[0] // pitch), -(-ink.shape[1] // pitch)
    whole = np.pad(ink, [(0, rows * pitch - ink.shape[0]), (0, columns * pitch - ink.shape[1])])
    hit = whole.reshape(rows, pitch, columns, pitch).mean((1, 3)) > 0.4
    middle, radius = (pitch - 1) / 2, pitch * rng.uniform(0.36, 0.47)
    aside = rng.normal(0, 0.05 * pitch, (2, rows, 1, columns, 1))
    at = np.arange(pitch) - middle
    apart = np.hypot(at[:, None, None] - aside[0], at - aside[1])  # rows, pitch, columns, pitch
    stamped = np.clip(radius + 0.5 - apart, 0, 1) * hit[:, None, :, None]
    return stamped.reshape(whole.shape)[: ink.shape[0], : ink.shape[1]]


def tones(rng):
    """Greys of the plate and of its print, and how strongly it is brushed: metal, light paint, dark paint, anything."""
    kinds = ((130, 205), (10, 45), (9, 20)), ((180, 246), (8, 40), (0.5, 3)), ((22, 80), (205, 242), (2, 6))
    kind = rng.choice(4, p=(0.3, 0.28, 0.28, 0.14))
    if kind < len(kinds):
        return [rng.uniform(least, most) for least, most in kinds[kind]]
    plate, contrast = rng.uniform(20, 240), rng.uniform(80, 200)
    return plate, np.clip(plate + (-contrast if plate > 120 else contrast), 0, 255), rng.uniform(1, 18)


def made(rng, ink, spoiled):
    """The plate with its writing, printed, engraved, pecked or embossed, and then worn and scratched."""
    finish = rng.choice(("print", "engraved", "pecked", "embossed"), p=(0.41, 0.16, 0.11, 0.32))
    plate, writing, brushed = tones(rng)
    face = ground(rng, np.full(ink.shape, plate, np.float32), brushed)
    left = 1 - spoiled * rng.uniform(0.2, 0.68)  # of the strength that the writing had when new
    if finish == "pecked":
        ink = pecked(rng, ink)
    relief = 0
    if finish != "print":
        # Lamps are above, and mostly to one side; a relief that goes the other way looks as if lit from below.
        lamp = np.radians(rng.normal(-130, 30)), np.radians(rng.uniform(32, 50))
        deep = {"embossed": rng.uniform(2.2, 4.2), "engraved": -1.2, "pecked": -0.8}[finish]
        if finish == "embossed" and chance(rng, 0.1):
            deep = -deep
        round_edges = convolved(ink, smear(rng.uniform(1.1, 1.9) if finish == "embossed" else 0.8))
        # The gloss of a plate is much the same on dark and on light paint, so that it is added and not multiplied.
        relief = shaded(deep * round_edges, *lamp) * left * (115 if finish == "embossed" else 60)
    if finish == "embossed":
        cover = ink * left * rng.uniform(0, 0.2)  # what is raised is of the same colour, a little dirtier
        writing = plate - 90
    else:
        share = (1 - left) * rng.uniform(0.1, 0.4)
        cover = ink * left * (1 - 0.7 * rubbed_off(rng, ink.shape, share))
        if finish == "engraved":
            cover = cover * rng.uniform(0.5, 0.85)  # a groove is partly filled with paint or dirt
    face = face + cover * (writing - face) + relief
    for _ in range(rng.binomial(3, 0.45 * spoiled)):
        face = face + scratch(rng, ink.shape)
    return np.clip(face, 0, 255)


def scratch(rng, shape):
    """A slightly bent line that begins and ends softly, bright metal or dirt."""
    down, across = np.ogrid[: shape[0], : shape[1]]
    down, across = down - rng.uniform(0, shape[0]), across - rng.uniform(0, shape[1])
    turn = np.exp(1j * rng.uniform(0, np.pi))
    along = (across * turn.real + down * turn.imag) / rng.uniform(15, 100)
    aside = down * turn.real - across * turn.imag + rng.uniform(-4, 4) * along**2
    stroke = np.clip(rng.uniform(1, 1.7) - np.abs(aside), 0, 1) * np.clip(3 - 3 * np.abs(along), 0, 1)
    return stroke * one_of(rng, (-90, 90))


# How it was photographed


def corners_of(box):
    """Clockwise from the top left."""
    return np.asarray(box)[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)


def mapped(matrix, points):
    ahead = np.c_[points, np.ones(len(points))] @ matrix.T
    return ahead[:, :2] / ahead[:, 2:]


def onto(corners):
    """The matrix that carries the unit square to four corners: three of them span the plane, the fourth says what each
    of the three weighs."""
    here, square = (np.c_[c, np.ones(4)].T for c in (corners, corners_of((0, 0, 1, 1))))
    there, back = (c[:, :3] * np.linalg.solve(c[:, :3], c[:, 3]) for c in (here, square))
    return there @ np.linalg.inv(back)


def seen(picture, matrix, height, width):
    """The picture through a matrix that says where each new pixel comes from. Beyond the edge the edge goes on."""
    down, across = np.mgrid[:height, :width] + 0.5
    x, y = (
        np.clip(place - 0.5, 0, side - 1.001)
        for place, side in zip(mapped(matrix, np.c_[across.ravel(), down.ravel()]).T, picture.shape[::-1])
    )
    column, row = x.astype(int), y.astype(int)
    first, flat = row * picture.shape[1] + column, picture.ravel()
    x, y = (x - column).astype(np.float32), (y - row).astype(np.float32)
    upper = flat[first] * (1 - x) + flat[first + 1] * x
    first += picture.shape[1]
    lower = flat[first] * (1 - x) + flat[first + 1] * x
    return (upper + (lower - upper) * y).reshape(height, width)


def moved(right, down):
    return np.array([(1, 0, right), (0, 1, down), (0, 0, 1)])


def turned(angle, first, second):
    """A turn in space that carries the first axis towards the second."""
    turn = np.eye(3)
    turn[[first, second], [first, second]] = np.cos(angle)
    turn[[second, first], [first, second]] = np.sin(angle), -np.sin(angle)
    return turn


class Camera:
    """A pinhole in front of a plate turned in space: `matrix` carries points of the plate to the photograph."""

    def __init__(self, rng, shape, spoiled):
        height, width = shape
        pitch, yaw = np.radians(rng.normal(0, 9, 2) * spoiled)
        roll = np.radians(rng.uniform(-1, 1) * (3 + 22 * spoiled))
        facing = turned(roll, 0, 1) @ turned(yaw, 2, 0) @ turned(pitch, 1, 2)
        away = 2.5 * max(width, 500)  # a long line is not photographed from so near that its end vanishes
        zoom = rng.uniform(0.96, 1.14) * (1 - spoiled * rng.uniform(0.12, 0.48))
        # Rolling shutters, and plates that are seen from a corner, lean the letters.
        lean = np.array([(1, rng.uniform(-0.22, 0.22) * spoiled, 0), (0, 1, 0), (0, 0, 1)])
        plane = np.c_[facing[:, :2], (0, 0, away)]
        free = np.diag((zoom * away, zoom * away, 1)) @ plane @ lean @ moved(-width / 2, -height / 2)
        seen_corners = mapped(free, corners_of((0, 0, width, height)))
        first, last = seen_corners.min(0), seen_corners.max(0)
        self.matrix = moved(*-first) @ free
        self.width, self.height = np.ceil(last - first).astype(int)

    def shot(self, plate):
        return seen(plate, np.linalg.inv(self.matrix), self.height, self.width)


def smear(soft, length=0.0, angle=0.0):
    """What a point becomes out of focus in a moving hand: a soft spot drawn along a stretch of a direction."""
    soft = max(soft, 0.15)
    reach = int(np.ceil(3 * soft + length / 2))
    down, across = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along, aside = across * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - across * np.sin(angle)
    beyond = np.maximum(np.abs(along) - length / 2, 0)
    spot = np.exp(-0.5 * (beyond**2 + aside**2) / soft**2)
    return (spot / spot.sum()).astype(np.float32)


def convolved(picture, kernel):
    """By way of frequencies, where a large kernel costs no more than a small one."""
    margin = len(kernel) // 2
    wide = np.pad(picture.astype(np.float32), margin, mode="edge")
    product = np.fft.rfft2(wide) * np.fft.rfft2(kernel, wide.shape)
    return np.fft.irfft2(product, wide.shape)[2 * margin :, 2 * margin :].astype(np.float32)


def optics(rng, picture, spoiled):
    shake = rng.uniform(2, 8.5) if chance(rng, 0.4 * spoiled) else 0
    return convolved(picture, smear(0.1 + spoiled * rng.uniform(0.5, 2.3), shake, rng.uniform(0, np.pi)))


def lamp(rng, shape, spoiled):
    """Light that the plate throws back: a soft slanted ellipse that fades outwards."""
    down, across = np.ogrid[: shape[0], : shape[1]]
    place = (across + 1j * down - np.dot(rng.uniform(-0.5, 1.5, 2) * shape, (1j, 1))) * np.exp(1j * rng.normal(0, 0.4))
    longer, radius = rng.uniform(1, 3), rng.uniform(60, 170)
    out = (place.real**2 / longer + place.imag**2 * longer) / radius**2
    return rng.uniform(60, 100 + 125 * spoiled) / (1 + out) ** 2


def sensor(rng, picture, spoiled):
    """Exposure, grain and compression. Light itself is grainy, so that bright parts are more so."""
    light = np.clip(picture * (1.04 - spoiled * rng.uniform(0.18, 0.72)), 0, 255)
    grain = rng.uniform(0.7, 2.7) + spoiled * rng.uniform(2.2, 9.2)
    light = light + grain * np.sqrt(0.6 + 0.4 * light / 110) * rng.standard_normal(light.shape, np.float32)
    file = io.BytesIO()
    quality = rng.uniform(80, 94) - spoiled * rng.uniform(28, 52)
    Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).save(file, format="jpeg", quality=round(quality))
    return np.asarray(Image.open(file), np.float32)


# What the reader makes of it


def mean(picture, radius):
    """The mean of the square around each pixel, as enhance.rs: beyond the edge there is nothing, not even black."""
    for _ in range(2):  # along the rows of the picture and of the picture turned
        sums = np.cumsum(np.pad(picture, [(0, 0), (1, 0)]), 1, dtype=np.float64)
        at = np.arange(picture.shape[1])
        begin, end = np.maximum(at - radius, 0), np.minimum(at + radius + 1, len(at))
        picture = ((sums[:, end] - sums[:, begin]) / (end - begin)).T
    return picture


def look(rng, photograph):
    """As it is, or smoothed, or with its light evened and its differences strengthened: the reader tries all."""
    kind = rng.choice(("plain", "smoothed", "evened"), p=(0.3, 0.25, 0.45))
    if kind == "plain":
        return photograph
    looked_at = photograph
    for _ in range(one_of(rng, (1, 1, 2, 3) if kind == "smoothed" else (1, 2, 2, 3, 5))):
        looked_at = mean(looked_at, 1)
    if kind == "evened":
        radius = rng.integers(20, 46)
        light = mean(mean(photograph, radius), radius)
        looked_at = np.clip(150 + 4 * (looked_at - light), 0, 255)
    return looked_at


def squared(corners):
    """The rectangle of the same middle and direction: detectors give rectangles also where the writing leans."""
    along = (corners[1] + corners[2] - corners[0] - corners[3]) / 2
    down = (corners[2] + corners[3] - corners[0] - corners[1]) / 2
    upright = np.array((-along[1], along[0])) / np.hypot(*along)
    down = upright * abs(upright @ down)
    return corners.mean(0) + corners_of((-0.5, -0.5, 0.5, 0.5)) @ (along, down)


def cut(picture, corners):
    """The line at the recogniser's height. What is taller is looked at more finely first, and then averaged."""
    top, right, bottom, left = np.hypot(*(np.roll(corners, -1, 0) - corners).T)
    wide, tall = top + bottom, max(left + right, 2)
    width, finer = int(np.clip(round(TALL * wide / tall), 16, 1600)), int(np.ceil(tall / 2 / TALL))
    matrix = onto(corners) @ np.diag((1 / (width * finer), 1 / (TALL * finer), 1))
    fine = seen(picture, matrix, TALL * finer, width * finer)
    return fine.reshape(TALL, finer, width, finer).mean((1, 3))


def line(seed):
    """A cut-out line and what it says."""
    rng = np.random.default_rng(seed)
    spoiled = rng.beta(2, 1)  # 0 is as new; most are the worse ones, which are what is to be learned
    drawn = Artwork(rng)
    camera = Camera(rng, drawn.ink.shape, spoiled)
    picture = optics(rng, camera.shot(made(rng, drawn.ink, spoiled)), spoiled)
    if chance(rng, 0.45):
        picture = picture + lamp(rng, picture.shape, spoiled)
    picture = look(rng, sensor(rng, picture, spoiled))

    # Detectors leave some room around a line, or take a little too much away.
    corners = corners_of(drawn.box + drawn.tall * rng.uniform(-0.05, 0.34, 4) * (-1, -1, 1, 1))
    corners = mapped(camera.matrix, corners + rng.normal(0, 0.03 * drawn.tall, (4, 2)))
    shown = cut(picture, squared(corners) if chance(rng, 0.5) else corners)
    if chance(rng, 0.75):
        darkest, brightest = np.percentile(shown, (2, 98))
        shown = (shown - darkest) * 255 / max(brightest - darkest, 12)
    return np.clip(shown, 0, 255).astype(np.uint8), drawn.text


def write(job):
    """A file of lines as teach.py reads it; a file that has its name is whole."""
    folder, first = job
    drawn = [one for one in map(line, range(first, first + LINES)) if one[0].shape[1] <= WIDEST]
    pictures = {f"x{i}": picture for i, (picture, _) in enumerate(drawn)}
    name = os.path.join(folder, f"d_{first:06}.npz")
    with open(name + ".part", "wb") as out:
        np.savez(out, n=len(drawn), t=np.array([text for _, text in drawn]), **pictures)
    os.replace(name + ".part", name)


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    with multiprocessing.Pool() as pool:
        pool.map(write, [(sys.argv[1], LINES * part) for part in range(int(sys.argv[2]))], chunksize=1)
