import { createRequire, registerHooks } from "node:module";

const PACKAGE = /^@tensorflow\/tfjs-(core|backend-wasm|backend-webgpu|backend-cpu)$/;

/**
 * Let Node import tfjs as a bundler does: its single files, which name one another without ".js", rather than
 * the one file a package that is meant for Node. Only so are gradients registered where they are looked up.
 */
registerHooks({
  resolve(specifier, context, next) {
    if (PACKAGE.test(specifier)) return next(`${specifier}/dist/index.js`, context);
    const isInside = /\/@tensorflow\/tfjs-[^/]+\/dist\//.test(context.parentURL ?? "");
    const isBare = /^(\.|@tensorflow\/)/.test(specifier) && !specifier.endsWith(".js");
    return next(isInside && isBare ? `${specifier}.js` : specifier, context);
  },
});

// Those files are modules now, and two of them call `require` where they find themselves in Node.
Object.assign(globalThis, { require: createRequire(import.meta.url) });
