// An Express application with thimble's APIs below /pictures: OpenAI's, AUTOMATIC1111's, jobs. MODEL=… npm start
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { thimbleServer } from '@thimble/server';
import express from 'express';
import Fastify from 'fastify';

const PREFIX = '/pictures';

const pictures = Fastify({ bodyLimit: 32 * 2 ** 20 });
await pictures.register(thimbleServer, {
  prefix: PREFIX,
  models: { sd: process.env['MODEL'] ?? 'models/demo' },
  // Where jobs wait for workers on other machines (thimble worker --redis …), if they do.
  redis: process.env['THIMBLE_REDIS'],
  maxPixels: 1024 * 1024,
});
await pictures.ready();

const app = express();
// Before anything that reads bodies. Who may come here is for the application to say, as for its own routes.
app.use((request, response, next) => {
  if (request.url.startsWith(`${PREFIX}/`)) pictures.routing(request, response);
  else next();
});
app.get('/', (_request, response) => {
  response.type('text').send(`POST ${PREFIX}/v1/images/generations\n`);
});

const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
await once(server, 'listening');
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
process.once('SIGTERM', () => server.close(() => void pictures.close()));
