"""A small CLIP-style byte-level BPE, trained on the prompts' words, in CLIPTokenizer's file layout."""
import json
from collections import Counter
from pathlib import Path

MAX_LENGTH = 16
BOS, EOS = "<|startoftext|>", "<|endoftext|>"


def byte_symbols():
    """The 256 printable stand-ins for bytes, in the order of CLIP's vocabulary."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in keep]
    chars = {b: chr(b) for b in keep} | {b: chr(256 + n) for n, b in enumerate(rest)}
    return [chars[b] for b in keep + rest], chars


def learn_merges(words, limit):
    """words: Counter of whole words. Merges the most frequent pair until all words are one symbol."""
    _, chars = byte_symbols()
    split = {w: [chars[b] for b in w.encode()] for w in words}
    for s in split.values():
        s[-1] += "</w>"
    merges = []
    while len(merges) < limit:
        pairs = Counter()
        for w, s in split.items():
            for pair in zip(s, s[1:]):
                pairs[pair] += words[w]
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        for w, s in split.items():
            k = 0
            while k < len(s) - 1:
                if (s[k], s[k + 1]) == best:
                    s[k:k + 2] = [s[k] + s[k + 1]]
                k += 1
    return merges


def write_tokenizer(words, folder, limit=2200):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    merges = learn_merges(words, limit)
    symbols, _ = byte_symbols()
    vocab = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges] + [BOS, EOS]
    assert len(vocab) == len(set(vocab))
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(vocab)}, ensure_ascii=False), "utf8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), "utf8")

    def added(token):
        return {"__type": "AddedToken", "content": token, "lstrip": False, "normalized": True, "rstrip": False,
                "single_word": False}

    config = {
        "add_prefix_space": False,
        "bos_token": added(BOS),
        "do_lower_case": True,
        "eos_token": added(EOS),
        "errors": "replace",
        "model_max_length": MAX_LENGTH,
        "pad_token": EOS,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": added(EOS),
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    plain = {k: v for k, v in added(BOS).items() if k != "__type"}
    special = {"bos_token": plain, "eos_token": plain | {"content": EOS}, "pad_token": EOS,
               "unk_token": plain | {"content": EOS}}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    return vocab
