/** A kind of file that is no model of its own, or one of a family that is not read from a file yet. */
export interface OtherKind {
  /** With its article, for messages. */
  readonly name: string;
  /** What to do with it. */
  readonly instead: string;
  /** A key that only such files have. */
  readonly mark: RegExp;
}

const PLUGIN = 'it is used beside a checkpoint, by a plugin';

/** Told by the names of their tensors. The first that fits is taken. */
export const otherKinds: readonly OtherKind[] = [
  {
    name: 'a ControlNet',
    instead: `${PLUGIN} (@thimble/plugin-controlnet)`,
    mark: /^control_model\.|^controlnet_cond_embedding\.|^input_hint_block\.|^(?:controlnet_down_blocks|zero_convs)\.0\./,
  },
  {
    name: 'a T2I adapter',
    instead: PLUGIN,
    mark: /^(?:adapter\.)?body\.\d+\.(?:resnets\.|block[12]\.|in_conv\.|\d+\.block)/,
  },
  {
    name: 'a LoRA',
    instead: `${PLUGIN} (@thimble/plugin-lora)`,
    mark: /\.(?:lora_(?:up|down|A|B|mid)|lora\.(?:up|down)|lora_linear_layer\.(?:up|down)|hada_w1_a|lokr_w1(?:_a)?)(?:\.|$)|^lora_(?:unet|te\d?|transformer)_/,
  },
  { name: 'an IP-Adapter', instead: PLUGIN, mark: /^(?:image_proj|ip_adapter)\./ },
  {
    name: 'a textual inversion',
    instead: `${PLUGIN} (@thimble/plugin-textual-inversion)`,
    mark: /^(?:emb_params|string_to_param\..*|clip_g)$/,
  },
  { name: 'a motion module of AnimateDiff', instead: PLUGIN, mark: /\.motion_modules\.\d/ },
  {
    name: "a model of EDM's noise levels, such as Playground 2.5 or CosXL",
    instead: 'its noise levels are not supported',
    mark: /^edm_(?:mean|vpred\.sigma_max)$/,
  },
  {
    name: 'Stable Video Diffusion',
    instead: 'it is not supported',
    mark: /\.time_stack\.|temporal_transformer_blocks\./,
  },
];
