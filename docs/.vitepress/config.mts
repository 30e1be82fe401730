import { defineConfig } from 'vitepress';

/** Anchors as code hosts make them, so that one link to a heading works there and here. */
const slugify = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** The site of `npm run docs`. A page that is in no menu is found by search alone, so name each of them here. */
export default defineConfig({
  title: 'nestjs-cluster',
  description: 'A NestJS application on every core, as one supervised cluster of processes.',
  ignoreDeadLinks: false,
  markdown: { anchor: { slugify } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guides', link: '/guides/getting-started' },
      { text: 'Reference', link: '/reference/options' },
      { text: 'Operations', link: '/operations/restart' },
    ],
    sidebar: [
      {
        text: 'Guides',
        items: [
          { text: 'Getting started', link: '/guides/getting-started' },
          { text: 'Handlers', link: '/guides/handlers' },
          { text: 'Messaging', link: '/guides/messaging' },
          { text: 'runOnce and the leader', link: '/guides/leader-and-once' },
          { text: 'Many hosts', link: '/guides/many-hosts' },
          { text: 'NATS', link: '/guides/nats' },
          { text: 'Redis', link: '/guides/redis' },
          { text: 'Testing', link: '/guides/testing' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'Options', link: '/reference/options' },
          { text: 'Notes on the options', link: '/reference/options-notes' },
          { text: 'Services and decorators', link: '/reference/services' },
          { text: 'Errors', link: '/reference/errors' },
          { text: 'Environment and exit codes', link: '/reference/environment' },
          { text: 'Guarantees', link: '/reference/guarantees' },
          { text: 'Limits', link: '/reference/limits' },
          { text: 'Compatibility', link: '/reference/compatibility' },
        ],
      },
      {
        text: 'Operations',
        items: [
          { text: 'Restarts', link: '/operations/restart' },
          { text: 'Signals', link: '/operations/signals' },
          { text: 'Listening', link: '/operations/listening' },
          { text: 'Deployment', link: '/operations/deployment' },
          { text: 'Troubleshooting', link: '/operations/troubleshooting' },
          { text: 'Security', link: '/operations/security' },
        ],
      },
      {
        text: 'Migration',
        items: [
          { text: 'What N processes change', link: '/migration/what-changes' },
          { text: 'From think-cluster', link: '/migration/think-cluster' },
          { text: 'From node:cluster', link: '/migration/node-cluster' },
          { text: 'From PM2', link: '/migration/pm2' },
        ],
      },
      {
        text: 'Background',
        items: [
          { text: 'Benchmarks', link: '/benchmarks' },
          { text: 'Architecture', link: '/architecture' },
        ],
      },
    ],
  },
});
