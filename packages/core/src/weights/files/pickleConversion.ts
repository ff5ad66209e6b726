const PROGRAM = [
  'import sys, torch; from safetensors.torch import save_file',
  'd = torch.load(sys.argv[1], map_location="cpu", weights_only=True)',
  'd = d.get("state_dict", d)',
  'save_file({k: v.clone().contiguous() for k, v in d.items() if torch.is_tensor(v)}, sys.argv[2])',
].join('; ');

/**
 * A line for a shell that makes a safetensors file of a pickle, with its keys. It reads what needs no code of the file's, or nothing; tensors that share memory are written
 * each for itself, as safetensors asks.
 */
export function pickleConversion(file: string): string {
  return `python -c ${quoted(PROGRAM)} ${quoted(file)} ${quoted(`${file.replace(/\.[^./\\]*$/, '')}.safetensors`)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
