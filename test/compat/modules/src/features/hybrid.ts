import type { Feature } from '../feature.js';
import { SumsModule, transports } from '../microservice.js';

export const feature: Feature = {
  module: SumsModule,
  setUp: async (app) => {
    app.connectMicroservice(transports['tcp']!(Number(process.env['SECOND_PORT'])));
    await app.startAllMicroservices();
  },
};
