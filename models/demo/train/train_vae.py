"""Trains the AutoencoderKL (8x downsampling, 8 latent channels) on all things x any background.

The learning rate follows the share of the wall-clock budget that is used up, so a run always ends
annealed however fast the machine is and whether or not it was paused.
"""
import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from PIL import Image

from dataset import Things
from parallel import Flat, launch

LATENT_CHANNELS = 8


def make_vae():
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 48, 96, 128),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=2,  # many groups would normalise a plain background's colour away
        sample_size=128,
    )


SILENT = ("conv2", "attn1.to_out.0", "attentions.0.to_out.0", "ff.net.2")  # the last layer of residual branches


def initialise(net):
    """PyTorch's default shrinks a signal at each convolution and lets the biases drown it; with unit
    gain, no biases and silent residual branches the net starts as a linear autoencoder that keeps
    signals, which makes the first minutes several times more useful (measured)."""
    for name, m in net.named_modules():
        if isinstance(m, torch.nn.Conv2d):
            torch.nn.init.normal_(m.weight, std=m.weight[0].numel() ** -0.5)
            torch.nn.init.zeros_(m.bias)
        if name.endswith(SILENT):
            torch.nn.init.zeros_(m.weight)
            torch.nn.init.zeros_(m.bias)


def batch(data, rng, n):
    out, weight = [], []
    for _ in range(n):
        i = rng.randrange(len(data))
        if rng.random() < 0.75:
            rgb = data.colours[rng.choice(data.colour_names)]
        else:
            rgb = [rng.randrange(256) for _ in range(3)]
        p = data.rgba(i, rng.randint(92, 100), rng.randint(-3, 3), rng.randint(-3, 3))
        out.append(p[..., :3] + (1 - p[..., 3:]) * (np.asarray(rgb, np.float32) / 255))
        weight.append(p[..., 3])
    x = torch.from_numpy(np.stack(out)).permute(0, 3, 1, 2) * 2 - 1
    w = 0.6 + torch.from_numpy(np.stack(weight))[:, None]
    return x, w


def picture_loss(y, x, w):
    d = (y - x).abs() * w
    loss = d.mean() + 0.5 * (d * d).mean()
    for k in (2, 4):
        loss = loss + 0.4 * (F.avg_pool2d(y, k) - F.avg_pool2d(x, k)).abs().mean()
    gx = ((y[..., 1:] - y[..., :-1]) - (x[..., 1:] - x[..., :-1])).abs().mean()
    gy = ((y[..., 1:, :] - y[..., :-1, :]) - (x[..., 1:, :] - x[..., :-1, :])).abs().mean()
    return loss + 0.7 * (gx + gy), d.mean()


def wall_clock_lr(progress, peak, warm=0.02, floor=0.01):
    if progress < warm:
        return peak * max(progress / warm, 0.02)
    t = min((progress - warm) / (1 - warm), 1)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * t)))


@torch.no_grad()
def preview(vae, data, path, n=24):
    rng = random.Random(3)
    tiles = []
    for _ in range(n):
        i = rng.randrange(len(data))
        x = data.picture(i, data.colours[rng.choice(data.colour_names)])
        y = vae.decode(vae.encode(torch.from_numpy(x).permute(2, 0, 1)[None] * 2 - 1).latent_dist.mode()).sample
        y = (y[0].permute(1, 2, 0).numpy() + 1) / 2
        tiles.append(np.concatenate([x, y], 0))
    rows = [np.concatenate(tiles[k:k + 8], 1) for k in range(0, n, 8)]
    Image.fromarray((np.clip(np.concatenate(rows, 0), 0, 1) * 255).round().astype(np.uint8)).save(path)


def train(group, args):
    out = Path(args.out)
    data = Things(args.font)
    torch.manual_seed(0)
    vae = AutoencoderKL.from_pretrained(args.init).float() if args.init else make_vae()
    if not args.init:
        initialise(vae)
        with torch.no_grad():
            vae.quant_conv.bias[LATENT_CHANNELS:] = -5  # little latent noise at first
    torch.manual_seed(100 + group.rank)
    rng = random.Random(100 + group.rank + (50 if args.init else 0))
    if args.decoder_only:
        for p in [*vae.encoder.parameters(), *vae.quant_conv.parameters()]:
            p.requires_grad_(False)
    flat = Flat(p for p in vae.parameters() if p.requires_grad)
    opt = torch.optim.AdamW([flat.data], lr=args.lr, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    ema, average = AutoencoderKL.from_config(vae.config), flat.data.detach().clone()

    def snapshot():
        live = flat.data.detach().clone()
        flat.data.data.copy_(average)
        ema.load_state_dict(vae.state_dict())
        flat.data.data.copy_(live)
        ema.save_pretrained(out / "vae")
        preview(ema, data, out / "preview.png")

    if group.rank == 0:
        print("parameters", sum(p.numel() for p in vae.parameters()) / 1e6, "M", flush=True)
    step, last_save, mean_l1 = 0, time.time(), None
    while (progress := group.progress()) < 1:
        lr = wall_clock_lr(progress, args.lr)
        opt.param_groups[0]["lr"] = lr
        x, w = batch(data, rng, args.batch)
        if progress < args.crop_until:  # the first part of the run sees 64x64 windows: four times the steps
            r, c = rng.randrange(65), rng.randrange(65)
            x, w = x[..., r:r + 64, c:c + 64].contiguous(), w[..., r:r + 64, c:c + 64]
        with torch.autocast("cpu", torch.bfloat16):
            moments = vae.encode(x).latent_dist
            mean, logvar = moments.mean.float(), moments.logvar.float()
            z = mean + torch.randn_like(mean) * torch.exp(0.5 * logvar)
            y = vae.decode(z).sample
        loss, l1 = picture_loss(y.float(), x, w)
        kl = 0.5 * (mean.pow(2) + logvar.exp() - 1 - logvar).mean()
        (loss + args.kl * kl).backward()
        group.average(flat.data.grad)
        flat.clip(1.0)
        opt.step()
        flat.data.grad.zero_()
        step += 1
        average.lerp_(flat.data.detach(), 1 - min(0.998, (1 + step) / (10 + step)))
        if group.rank == 0:
            mean_l1 = l1.item() if mean_l1 is None else 0.98 * mean_l1 + 0.02 * l1.item()
            if step % 50 == 0:
                print(f"{group.elapsed:6.0f}s step {step} lr {lr:.2e} l1 {mean_l1:.4f} kl {kl.item():.2f}", flush=True)
            if time.time() - last_save > 150:
                last_save = time.time()
                snapshot()

    if group.rank == 0:
        snapshot()
        # the scaling factor that gives the latents unit standard deviation
        with torch.no_grad():
            zs = torch.cat([ema.encode(batch(data, rng, 8)[0]).latent_dist.mode() for _ in range(32)])
        if not args.decoder_only:
            ema.register_to_config(scaling_factor=round(1 / zs.std().item(), 5))
        ema.save_pretrained(out / "vae")
        print("latent std", zs.std().item(), "mean", zs.mean().item(), "steps", step, "done", flush=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--font", required=True)
    ap.add_argument("--out", required=True, help="folder for the checkpoint and previews")
    ap.add_argument("--minutes", type=float, default=22)
    ap.add_argument("--batch", type=int, default=4, help="pictures a step in each process")
    ap.add_argument("--lr", type=float, default=6e-4)
    ap.add_argument("--crop-until", type=float, default=0.5, help="share of the time spent on 64x64 windows")
    ap.add_argument("--kl", type=float, default=2e-4)
    ap.add_argument("--processes", type=int, default=2)
    ap.add_argument("--init", help="go on from this checkpoint folder")
    ap.add_argument("--decoder-only", action="store_true", help="leave the encoder, and so the latents, as they are")
    args = ap.parse_args()
    Path(args.out).mkdir(parents=True, exist_ok=True)
    launch(train, args, args.processes, args.minutes, parameters=8_000_000)


if __name__ == "__main__":
    main()
