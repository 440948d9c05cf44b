// The ES build: the same objects as require() gives, so that there is one LLM2CLIPError in a process.
export * from './index.js';
