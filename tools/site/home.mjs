/** The head of the site's first page, in VitePress's terms; the text below it is docs/README.md. */
export const home = `---
layout: home
hero:
  name: thimble
  text: Diffusion models in Node.js, in very little memory
  tagline: Text becomes pictures and videos, straight from the checkpoints that people already have. No Python, no conversion.
  image: { src: /demo.png, alt: Six pictures that thimble made with its embedded model }
  actions:
    - { theme: brand, text: Start in five minutes, link: /start }
    - { theme: alt, text: Recipes, link: /recipes }
    - { theme: alt, text: From diffusers, link: /from-diffusers }
features:
  - title: Stable Diffusion 1.5 within 192 MB
    details: Weights stay in their files, and the system takes their pages back. SDXL draws 1024×1024 within 288 MB.
    link: /memory
  - title: Your checkpoints, as they lie
    details: Folders, single files, hub ids, GGUF. Results equal diffusers' within float tolerance, and seeds are torch's.
    link: /checkpoints
  - title: Every technique is a plugin
    details: Offloading, tiling, eight bits, int8, tracing. Take one out, and pictures are what they were, bit for bit.
    link: /techniques/
---
`;
