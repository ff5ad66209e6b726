"""Judges a picture: is the background the asked colour, and is the thing the asked thing?

The same rules as evaluate.mjs; see README.md.
"""
import json
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
CELL, COLUMNS, SMALL, SHIFT, RING = 64, 20, 32, 1, 4


class Judge:
    def __init__(self):
        spec = json.loads((HERE / "things.json").read_text(encoding="utf8"))
        self.spec = spec
        self.colours = {k: np.array(v, np.float32) for k, v in spec["colours"].items()}
        self.names = [t["name"] for t in spec["things"]]
        sheet = np.asarray(Image.open(HERE / "references.png").convert("RGBA")).astype(np.float32) / 255
        cells = [sheet[y * CELL:(y + 1) * CELL, x * CELL:(x + 1) * CELL]
                 for y, x in (divmod(i, COLUMNS) for i in range(len(self.names)))]
        refs = np.stack(cells)
        refs[..., :3] *= refs[..., 3:]
        k = CELL // SMALL
        self.refs = refs.reshape(len(cells), SMALL, k, SMALL, k, 4).mean((2, 4))  # premultiplied

    def background(self, picture):
        """(nearest palette colour, share of the border within 40 of its median)"""
        p = picture.astype(np.float32)
        mask = np.ones(p.shape[:2], bool)
        mask[RING:-RING, RING:-RING] = False
        border = p[mask]
        median = np.median(border, 0)
        name = min(self.colours, key=lambda c: ((self.colours[c] - median) ** 2).sum())
        uniform = (np.sqrt(((border - median) ** 2).sum(1)) < 40).mean()
        return name, float(uniform)

    def distances(self, picture, colour):
        k = picture.shape[0] // SMALL
        p = picture.astype(np.float32).reshape(SMALL, k, SMALL, k, 3).mean((1, 3)) / 255
        refs = self.refs[..., :3] + (1 - self.refs[..., 3:]) * (self.colours[colour] / 255)
        best = np.full(len(refs), np.inf, np.float32)
        m = SMALL - 2 * SHIFT
        inner = p[SHIFT:SHIFT + m, SHIFT:SHIFT + m]
        for dy in range(2 * SHIFT + 1):
            for dx in range(2 * SHIFT + 1):
                d = ((refs[:, dy:dy + m, dx:dx + m] - inner) ** 2).mean((1, 2, 3))
                best = np.minimum(best, d)
        return best

    def judge(self, picture, thing, colour):
        name, uniform = self.background(picture)
        d = self.distances(picture, colour)
        order = np.argsort(d)
        return {
            "background": name == colour and uniform >= 0.9,
            "thing": self.names[order[0]] == thing,
            "seen": f"{self.names[order[0]]} on {name}",
            "error": float(np.sqrt(d[self.names.index(thing)])),
        }
