"""Puts the trained parts together as one diffusers checkpoint with float16 weights."""
import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

TOKENIZER_FILES = ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--vae", required=True)
    ap.add_argument("--unet", required=True, help="train_unet.py's output folder")
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    src, out = Path(args.unet), Path(args.out)
    out.mkdir(parents=True, exist_ok=True)

    AutoencoderKL.from_pretrained(args.vae).half().save_pretrained(out / "vae")
    UNet2DConditionModel.from_pretrained(src / "unet").half().save_pretrained(out / "unet")
    CLIPTextModel.from_pretrained(src / "text_encoder").half().save_pretrained(out / "text_encoder")
    (out / "tokenizer").mkdir(exist_ok=True)
    for f in TOKENIZER_FILES:
        shutil.copy(src / "tokenizer" / f, out / "tokenizer" / f)
    (out / "scheduler").mkdir(exist_ok=True)
    shutil.copy(src / "scheduler" / "scheduler_config.json", out / "scheduler" / "scheduler_config.json")
    for part in ("vae", "unet", "text_encoder"):  # configs name the folder they were loaded from: take that out
        p = out / part / "config.json"
        config = {k: v for k, v in json.loads(p.read_text()).items() if k != "_name_or_path"}
        if part == "text_encoder":
            config["torch_dtype"] = "float16"
        p.write_text(json.dumps(config, indent=2) + "\n")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": json.loads((out / "unet" / "config.json").read_text())["_diffusers_version"],
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (out / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    total = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    print(f"{out}: {total / 1e6:.2f} MB")
    assert total <= 25_000_000


if __name__ == "__main__":
    main()
