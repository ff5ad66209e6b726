"""The things, the colours, the prompts and the pictures that the demo model is trained on.

`python dataset.py --font F --cldr A` writes things.json and references.png from things.txt;
the training scripts import the classes below.
"""
import argparse
import io
import json
import random
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
SIZE = 128  # pixels of a training picture

COLOURS = {
    "red": (222, 32, 40),
    "green": (24, 156, 66),
    "blue": (32, 84, 224),
    "yellow": (255, 214, 10),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "orange": (255, 132, 0),
    "purple": (130, 48, 190),
    "pink": (255, 142, 196),
    "cyan": (0, 204, 222),
}


class EmojiFont:
    """Noto Color Emoji's CBDT strike: one 136x128 RGBA PNG for each glyph."""

    def __init__(self, path):
        from fontTools.ttLib import TTFont

        font = TTFont(path)
        self.cmap = font.getBestCmap()
        self.strike = font["CBDT"].strikeData[0]

    def image(self, char):
        glyph = self.strike[self.cmap[ord(char[0])]]
        return Image.open(io.BytesIO(glyph.imageData)).convert("RGBA")


def cldr_names(path):
    root = ET.parse(path).getroot()
    return {a.get("cp"): a.text for a in root.iter("annotation") if a.get("type") == "tts"}


def read_things(cldr):
    """things.txt -> [{name, aliases, emoji}], with CLDR short names added where they are free."""
    things, taken = [], set()
    for line in (HERE / "things.txt").read_text(encoding="utf8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        drawn = line.startswith("* ")
        emoji, rest = line.removeprefix("* ").split(" ", 1)
        names = [n.strip() for n in rest.split("|")]
        for n in names:
            assert n not in taken, f"{n!r} names two things"
            taken.add(n)
        things.append({"name": names[0], "aliases": names[1:], "emoji": emoji, "drawn": drawn})
    for t in things:
        short = (cldr.get(t["emoji"]) or "").lower().replace("\u2019", "'")
        if short and short not in taken:
            taken.add(short)
            t["aliases"].append(short)
    return things


# names that take no article in everyday English (plurals and stuff)
NO_ARTICLE = set(
    "cherries grapes blueberries garlic broccoli corn bread cheese chocolate honey coffee wine beer soda "
    "popcorn sushi noodles ramen spaghetti pasta pancakes leaves rain lightning fire earth saturn money "
    "scissors swords books bricks glasses eyeglasses sunglasses jeans pants trousers gloves headphones "
    "eyes dice bowling tennis football baseball basketball volleyball meat toast nuts peanuts maize".split()
) | {"french fries", "fries", "corn on the cob", "crossed swords", "bowling pins", "heart eyes", "thumbs up",
     "santa claus", "santa", "american football", "high voltage", "statue of liberty", "canned food"}
BALLS = {"football", "baseball", "basketball", "volleyball", "american football"}  # "a football" all the same


def article(name):
    if name in NO_ARTICLE and name not in BALLS:
        return ""
    return "an " if name[0] in "aeiou" and not name.startswith(("uni", "ufo")) else "a "


def prompt_for(name, colour, rng=None):
    """Without rng: the canonical prompt. With rng: one of the forms used in training."""
    canonical = f"{article(name)}{name} on {article(colour)}{colour} background"
    if rng is None:
        return canonical
    r = rng.random()
    if r < 0.10:
        return f"{name}, {colour} background"
    if r < 0.22:
        return f"{name} on {article(colour)}{colour} background"
    if r < 0.30:
        return f"the {name} on {article(colour)}{colour} background"
    if r < 0.34:
        return f"{article(name)}{name} on {colour} background"
    if r < 0.40:
        return f"a {name} on a {colour} background"
    return canonical


def trim(rgba):
    """Cut to the opaque part, then centre on a square canvas with premultiplied-safe edges."""
    a = np.asarray(rgba)[..., 3]
    ys, xs = np.where(a > 8)
    return rgba.crop((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))


class Things:
    """Loads things.json and renders things on backgrounds."""

    def __init__(self, font, path=HERE / "things.json"):
        spec = json.loads(Path(path).read_text(encoding="utf8"))
        self.things = spec["things"]
        self.colours = {k: tuple(v) for k, v in spec["colours"].items()}
        self.colour_names = list(self.colours)
        self.held_out = {(h["thing"], h["colour"]) for h in spec["heldOut"]}
        self.font = EmojiFont(font)
        self.art = [trim(self.font.image(t["emoji"])) for t in self.things]
        self._cache = {}

    def __len__(self):
        return len(self.things)

    def rgba(self, i, extent=96.0, dx=0.0, dy=0.0):
        """Thing i, longest side `extent` pixels, centred, moved by (dx, dy): premultiplied float HxWx4."""
        art = self.art[i]
        w, h = art.size
        s = extent / max(w, h)
        # sample with an affine map in premultiplied space; supersample by filtering in PIL's resize
        key = (i, round(extent))
        if key not in self._cache:
            a = np.asarray(art).astype(np.float32) / 255
            a[..., :3] *= a[..., 3:]
            tw, th = max(1, round(w * s)), max(1, round(h * s))
            chans = [np.asarray(Image.fromarray(a[..., c]).resize((tw, th), Image.LANCZOS)) for c in range(4)]
            self._cache[key] = np.clip(np.stack(chans, -1), 0, 1)
        small = self._cache[key]
        th, tw = small.shape[:2]
        out = np.zeros((SIZE, SIZE, 4), np.float32)
        y, x = round((SIZE - th) / 2 + dy), round((SIZE - tw) / 2 + dx)
        out[y:y + th, x:x + tw] = small
        return out

    def picture(self, i, rgb, extent=96.0, dx=0.0, dy=0.0):
        """Thing i on a plain background: float HxWx3 in [0, 1]."""
        p = self.rgba(i, extent, dx, dy)
        return p[..., :3] + (1 - p[..., 3:]) * (np.asarray(rgb, np.float32) / 255)

    def names(self, i):
        t = self.things[i]
        return [t["name"], *t["aliases"]]


def choose_held_out(things, count=160, seed=7):
    """`count` (thing, colour) pairs, at most one for each thing, the colours taken in turn."""
    rng = random.Random(seed)
    order = list(range(len(things)))
    rng.shuffle(order)
    names = list(COLOURS)
    pairs = [(things[i]["name"], names[k % len(names)]) for k, i in enumerate(order[:count])]
    drawn = {t["name"] for t in things if t["drawn"]}
    return [{"thing": t, "colour": c, "prompt": prompt_for(t, c), "drawn": t in drawn} for t, c in pairs]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--font", required=True, help="NotoColorEmoji.ttf (the CBDT build)")
    ap.add_argument("--cldr", required=True, help="CLDR common/annotations/en.xml")
    args = ap.parse_args()

    things = read_things(cldr_names(args.cldr))
    spec = {
        "colours": COLOURS,
        "things": things,
        "heldOut": choose_held_out(things),
    }
    lines = ["{", f'  "colours": {json.dumps(spec["colours"])},', '  "things": [']
    lines += ["    " + json.dumps(t, ensure_ascii=False) + ("," if t is not things[-1] else "") for t in things]
    lines += ["  ],", '  "heldOut": [']
    lines += ["    " + json.dumps(h) + ("," if h is not spec["heldOut"][-1] else "") for h in spec["heldOut"]]
    lines += ["  ]", "}"]
    (HERE / "things.json").write_text("\n".join(lines) + "\n", encoding="utf8")

    # a sprite of the references, 64 px a cell, 20 to a row, straight (not premultiplied) RGBA
    data = Things(args.font)
    cell, cols = 64, 20
    rows = -(-len(data) // cols)
    sheet = np.zeros((rows * cell, cols * cell, 4), np.uint8)
    for i in range(len(data)):
        p = data.rgba(i)
        p = np.stack([np.asarray(Image.fromarray(p[..., c]).resize((cell, cell), Image.BOX)) for c in range(4)], -1)
        p[..., :3] = np.where(p[..., 3:] > 1e-4, p[..., :3] / np.maximum(p[..., 3:], 1e-4), 0)
        y, x = divmod(i, cols)
        sheet[y * cell:(y + 1) * cell, x * cell:(x + 1) * cell] = np.clip(np.round(p * 255), 0, 255)
    Image.fromarray(sheet, "RGBA").save(HERE / "references.png", optimize=True)
    print(len(things), "things,", sum(1 + len(t["aliases"]) for t in things), "names,",
          len(spec["heldOut"]), "held-out combinations")


if __name__ == "__main__":
    main()
