"""Trains the UNet and the CLIP text encoder together on the trained VAE's latents.

v-prediction on a zero-terminal-SNR schedule, so that plain black, white and saturated backgrounds can
be reached. As in train_vae.py the learning rate follows the wall clock.
"""
import argparse
import random
import re
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from dataset import Things, prompt_for
from parallel import Flat, launch
from tokenizer import MAX_LENGTH, write_tokenizer
from train_vae import initialise, wall_clock_lr

# (longest side, dx, dy) of a thing in the picture; the more of them are used, the longer it takes to learn
PLACES = [(96, 0, 0), (98, 1, 1), (94, -1, 1), (96, 1, -2), (98, -2, -1)]
WIDTH = 192  # of the text encoder, and so of cross attention


def make_scheduler():
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )


def make_unet(latent_channels):
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=latent_channels,
        out_channels=latent_channels,
        # down to 2x2: there zero padding makes each place different, so that the way up from the text
        # can draw a layout from the first steps on. A net that stopped at 4x4 drew round blobs for very long.
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 96, 128, 112),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def make_text_encoder(size):
    bos, eos = size - 2, size - 1  # as tokenizer.py lays the vocabulary out
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=size,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=MAX_LENGTH,
        hidden_act="quick_gelu",
        bos_token_id=bos,
        eos_token_id=eos,
        pad_token_id=eos,
    ))
    # CLIP's own start (0.02) lets the layers drown a word's identity, and each of Adam's steps moves a rare
    # word's embedding by a good part of its length: after 1400 steps the things had only about 3 dimensions
    # between them. Wide random embeddings are nearly orthogonal, and stay so.
    torch.nn.init.normal_(text.text_model.embeddings.token_embedding.weight, std=0.7)
    torch.nn.init.normal_(text.text_model.embeddings.position_embedding.weight, std=0.2)
    return text


@torch.no_grad()
def picture_codes(text, tok, data, latents, std=1.5):
    """Starts the words that name things with codes that say what the things look like.

    The codes are the principal components of the things' latents (half whitened, turned at random), so that
    text to picture starts as a nearly linear map that all things share, instead of a table that has to be
    learned thing by thing. It is what the pretraining of CLIP does for Stable Diffusion.
    """
    x = latents.float().flatten(2)
    x = (x - x.mean(0)).flatten(1)
    values, vectors = torch.linalg.eigh(x @ x.T)
    codes = vectors[:, -WIDTH:] * values[-WIDTH:].clamp(min=0) ** 0.25
    spin = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(4)))[0]
    codes = codes @ spin
    codes *= std / codes.std()
    plain = set("a an on of the with and in face background".split()) | set(data.colours)
    named, within = {}, {}
    for i in range(len(data)):
        for name in data.names(i):
            if re.fullmatch("[a-z]+", name):
                named[name] = i
            for word in re.findall("[a-z]+", name):
                within.setdefault(word, set()).add(i)
    table = text.text_model.embeddings.token_embedding.weight
    count = 0
    for word, where in within.items():
        if word in plain:
            continue
        ids = tok(word).input_ids[1:-1]
        assert len(ids) == 1, word
        table[ids[0]] = codes[named[word]] if word in named else codes[sorted(where)].mean(0)
        count += 1
    return count


def prompt_words(data):
    """Every word of every prompt, with its weight for the tokenizer."""
    words = Counter({"a": 400, "an": 60, "the": 60, "on": 400, "of": 40, "with": 20, "background": 400})
    for c in data.colours:
        words[c] += 40
    for extra in "and in colour color plain small big cute photo picture emoji gray grey brown".split():
        words[extra] += 4
    for i in range(len(data)):
        for n in data.names(i):
            for w in re.findall(r"[a-z]+|[0-9]|[^\sa-z0-9]+", n.lower()):
                words[w] += 4
    return words


@torch.no_grad()
def encode_latents(vae, data, variants, things):
    """Latents (float16) of these things on every background, at `variants` slightly different places."""
    out = None
    for n, i in enumerate(things):
        x = np.stack([data.picture(i, data.colours[c], *PLACES[v]) for c in data.colour_names for v in range(variants)])
        with torch.autocast("cpu", torch.bfloat16):
            z = vae.encode(torch.from_numpy(x).permute(0, 3, 1, 2) * 2 - 1).latent_dist.mean
        if out is None:
            out = torch.empty((len(things), len(data.colour_names), variants, *z.shape[1:]), dtype=torch.float16)
        out[n] = z.unflatten(0, out.shape[1:3]).half()
    return out


def load_latents(group, vae, data, args):
    """All latents, [thing, colour, variant, ...]; the processes share the work and keep it in files."""
    done = Path(args.vae) / "config.json"
    file = [Path(args.out) / f"latents-{r}.pt" for r in range(group.size)]
    if not file[group.rank].exists() or file[group.rank].stat().st_mtime < done.stat().st_mtime:
        torch.save(encode_latents(vae, data, args.variants, range(group.rank, len(data), group.size)), file[group.rank])
    group.barrier.wait()
    parts = [torch.load(f) for f in file]
    latents = torch.empty((len(data), *parts[0].shape[1:]), dtype=parts[0].dtype)
    for r, part in enumerate(parts):
        latents[r::group.size] = part
    return latents


def train(group, args):
    out = Path(args.out)
    data = Things(args.font)
    tok = CLIPTokenizer.from_pretrained(out / "tokenizer")
    scheduler = make_scheduler()
    vae = AutoencoderKL.from_pretrained(args.vae).eval()
    latents = load_latents(group, vae, data, args)
    scale = vae.config.scaling_factor
    if group.rank == 0:
        print(f"latents {tuple(latents.shape)} after {group.elapsed:.0f}s, scale {scale}", flush=True)

    torch.manual_seed(0)
    if args.init and not args.fresh_unet:
        unet = UNet2DConditionModel.from_pretrained(Path(args.init) / "unet").float()
    else:
        unet = make_unet(vae.config.latent_channels)
        initialise(unet)
        torch.nn.init.zeros_(unet.conv_out.weight)
    if args.init and not args.fresh_text:
        text = CLIPTextModel.from_pretrained(Path(args.init) / "text_encoder").float()
    else:
        text = make_text_encoder(len(tok))
    if args.picture_codes:
        count = picture_codes(text, tok, data, latents)
        if group.rank == 0:
            print(count, "words start with picture codes", flush=True)
    unet.set_attn_processor(AttnProcessor())  # plain attention: its backward pass is the fastest here
    unet.train()
    text.train()
    flat = Flat([*unet.parameters(), *text.parameters()])
    average = flat.data.detach().clone()
    opt = torch.optim.AdamW([flat.data], lr=args.lr, betas=(0.9, 0.98), weight_decay=1e-3, fused=True)
    if group.rank == 0:
        print("unet", sum(p.numel() for p in unet.parameters()) / 1e6, "M; text encoder",
              sum(p.numel() for p in text.parameters()) / 1e6, "M; vocabulary", len(tok), flush=True)

    def snapshot():
        live = flat.data.detach().clone()
        flat.data.data.copy_(average)
        unet.save_pretrained(out / "unet")
        text.save_pretrained(out / "text_encoder")
        flat.data.data.copy_(live)

    torch.manual_seed(100 + group.rank)
    rng = random.Random(100 + group.rank + (50 if args.init else 0))
    # what may be drawn: everything that is not held out
    pairs = [(i, k) for i in range(len(data)) for k, c in enumerate(data.colour_names)
             if (data.things[i]["name"], c) not in data.held_out and (data.things[i]["drawn"] or not args.drawn_only)]
    ids = {}

    def tokens(prompt):
        if prompt not in ids:
            ids[prompt] = tok(prompt, padding="max_length", truncation=True, max_length=MAX_LENGTH).input_ids
        return ids[prompt]

    acp = scheduler.alphas_cumprod.float()
    root_a, root_s = acp.sqrt(), (1 - acp).clamp(min=0).sqrt()
    order, step, mean_loss, last_save, B = [], 0, None, time.time(), args.batch
    group.restart()
    while (progress := group.progress()) < 1:
        lr = wall_clock_lr(progress, args.lr, warm=0.02, floor=0.005)
        opt.param_groups[0]["lr"] = lr
        if len(order) < B:
            order = pairs[:]
            rng.shuffle(order)
        chosen = [order.pop() for _ in range(B)]
        x0 = torch.stack([latents[i, k, rng.randrange(latents.shape[2])] for i, k in chosen]).float() * scale
        prompts = []
        for i, k in chosen:
            names = data.names(i)
            name = names[0] if rng.random() < 0.5 else rng.choice(names)
            prompts.append("" if rng.random() < 0.1 else prompt_for(name, data.colour_names[k], rng))
        input_ids = torch.tensor([tokens(p) for p in prompts])
        # stratified timesteps, denser at the noisy end, where it is decided what is drawn
        u = (torch.randperm(B) + torch.rand(B)) / B
        t = (1000 * (1 - u ** 2)).long().clamp(0, 999)
        t[rng.randrange(B)] = 999
        a, s = root_a[t][:, None, None, None], root_s[t][:, None, None, None]
        noise = torch.randn_like(x0)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = text(input_ids)[0]
            v = unet(a * x0 + s * noise, t, hidden).sample
        loss = (v.float() - (a * noise - s * x0)).pow(2).mean()
        loss.backward()
        group.average(flat.data.grad)
        flat.clip(1.0)
        opt.step()
        flat.data.grad.zero_()
        step += 1
        if group.rank == 0:
            if step % 2 == 0:  # the moving average of the weights, every other step
                average.lerp_(flat.data.detach(), 1 - min(0.9985, (1 + step) / (10 + step)) ** 2)
            mean_loss = loss.item() if mean_loss is None else 0.99 * mean_loss + 0.01 * loss.item()
            if step % 100 == 0:
                print(f"{group.elapsed:6.0f}s step {step} lr {lr:.2e} loss {mean_loss:.4f}", flush=True)
            if time.time() - last_save > 60 * args.snapshot_minutes:
                last_save = time.time()
                snapshot()
    if group.rank == 0:
        snapshot()
        print("steps", step, "done", flush=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--font", required=True)
    ap.add_argument("--vae", required=True, help="the VAE's folder")
    ap.add_argument("--out", required=True)
    ap.add_argument("--minutes", type=float, default=65)
    ap.add_argument("--batch", type=int, default=16, help="pictures a step in each process")
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--variants", type=int, default=1)
    ap.add_argument("--processes", type=int, default=2)
    ap.add_argument("--snapshot-minutes", type=float, default=6)
    ap.add_argument("--init", help="go on from this folder (unet, text_encoder)")
    ap.add_argument("--picture-codes", action="store_true", help="start the things' words from what they look like")
    ap.add_argument("--drawn-only", action="store_true", help="train on the starred things of things.txt only")
    ap.add_argument("--fresh-unet", action="store_true", help="of --init take the text encoder only")
    ap.add_argument("--fresh-text", action="store_true", help="of --init take the UNet only")
    args = ap.parse_args()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    write_tokenizer(prompt_words(Things(args.font)), out / "tokenizer")
    make_scheduler().save_pretrained(out / "scheduler")
    launch(train, args, args.processes, args.minutes, parameters=16_000_000)


if __name__ == "__main__":
    main()
