"""Generates and judges held-out combinations with diffusers (evaluate.mjs does the same with thimble)."""
import argparse
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from dataset import prompt_for
from judge import Judge


def sheet(pictures, columns, path):
    h, w, _ = pictures[0].shape
    rows = -(-len(pictures) // columns)
    out = np.full((rows * h, columns * w, 3), 128, np.uint8)
    for i, p in enumerate(pictures):
        y, x = divmod(i, columns)
        out[y * h:(y + 1) * h, x * w:(x + 1) * w] = p
    Image.fromarray(out).save(path)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", default=str(Path(__file__).resolve().parents[2] / "models" / "demo"))
    ap.add_argument("--count", type=int, default=100)
    ap.add_argument("--steps", type=int, default=20)
    ap.add_argument("--guidance", type=float, nargs="+", default=[3.0])
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--names", action="store_true", help="instead of the held-out combinations: every name of every thing")
    ap.add_argument("--sheet", help="write a contact sheet here")
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    judge = Judge()
    pipe = StableDiffusionPipeline.from_pretrained(args.model, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    asked = [h for h in judge.spec["heldOut"] if h["drawn"]]
    asked = [asked[k % len(asked)] for k in range(args.count)]  # again and again, with other seeds
    if args.names:
        names = [(t["name"], n) for t in judge.spec["things"] if t["drawn"] for n in [t["name"], *t["aliases"]]]
        colours = list(judge.colours)
        asked = [{"thing": t, "colour": c, "prompt": prompt_for(n, c)}
                 for k, (t, n) in enumerate(names) for c in [colours[k % len(colours)]]]
    for g in args.guidance:
        t0, pictures, results = time.time(), [], []
        for b in range(0, len(asked), 10):
            part = asked[b:b + 10]
            gen = [torch.Generator().manual_seed(args.seed + b + n) for n in range(len(part))]
            images = pipe([h["prompt"] for h in part], num_inference_steps=args.steps, guidance_scale=g,
                          generator=gen, output_type="np").images
            for h, im in zip(part, images):
                p = (im * 255).round().astype(np.uint8)
                pictures.append(p)
                results.append(judge.judge(p, h["thing"], h["colour"]))
        n = len(results)
        print(f"guidance {g} steps {args.steps}: background {sum(r['background'] for r in results)}/{n}, "
              f"thing {sum(r['thing'] for r in results)}/{n}, "
              f"mean error {np.mean([r['error'] for r in results]):.4f}, {time.time() - t0:.0f}s", flush=True)
        for h, r in zip(asked, results):
            if not (r["background"] and r["thing"]):
                print(f"   asked {h['prompt']}: seen {r['seen']}, error {r['error']:.3f}")
        if args.sheet:
            sheet(pictures, 10, args.sheet if len(args.guidance) == 1 else f"{args.sheet}-{g}.png")


if __name__ == "__main__":
    main()
