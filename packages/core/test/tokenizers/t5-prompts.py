"""What Hugging Face's tokenizers make of many prompts with the tokenizer of cogvideox-tiny: writes t5-prompts.json."""

import json
from pathlib import Path

from tokenizers import Tokenizer

here = Path(__file__).parent
tokenizer = Tokenizer.from_file(str(here / "../fixtures/cogvideox-tiny/tokenizer/tokenizer.json"))
prompts = [each["prompt"] for each in json.loads((here / "prompts.json").read_text())["prompts"]]
prompts += [
    "a\u2581b \u2581\u2581c", "<extra_id_0> two <extra_id_99>x</s>y <pad>", "\u0130stanbul e\u0301clair \u1e9b\u0323 \ufb01ne \u2460 \u00bd",
    "\u200bzero\u200dwidth\u00a0space\u3000wide\ttab\nline", "\uac00\u1100\u1161 \u0e33 \u0915\u094d\u0937", "\u0000nul \u0007bell \ufeffbom",
    "AAAA \U0001f468\u200d\U0001f469\u200d\U0001f467 flags \U0001f1e9\U0001f1ea", " ", "\u2581", "<unk>", "< /s>", "the the the", "q" * 50,
]
encoded = [(prompt, tokenizer.encode(prompt).ids) for prompt in prompts]
recorded = [dict(prompt=p, ids=ids, text=tokenizer.decode(ids, skip_special_tokens=True)) for p, ids in encoded]
(here / "t5-prompts.json").write_text("[\n" + ",\n".join(json.dumps(each) for each in recorded) + "\n]\n")
