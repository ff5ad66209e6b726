const element = (id) => document.getElementById(id);

window.thimble.onStep((step, steps) => {
  element('progress').max = steps;
  element('progress').value = step;
});
element('cancel').addEventListener('click', () => window.thimble.cancel());
element('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  element('message').textContent = '';
  try {
    const png = await window.thimble.generate(element('prompt').value, 20);
    if (png !== undefined) element('picture').src = `data:image/png;base64,${png}`;
  } catch (error) {
    element('message').textContent = error.message;
  }
});
