import { render } from 'preact';
import { loadModels } from './form/models.js';
import { shelf } from './gallery/PictureShelf.js';
import { followJobs } from './jobs/currentJob.js';
import { App } from './shell/App.js';
import { followTheme } from './shell/theme.js';

followTheme();
followJobs();
void shelf.load();
void loadModels();
render(<App />, document.getElementById('page') as HTMLElement);
