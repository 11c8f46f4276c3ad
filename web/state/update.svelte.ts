/** A newer build of the page: found quietly, applied only when somebody asks for it. */
export type Update = {
  readonly available: boolean;
  /** Change to the newest build and reload. */
  apply(): Promise<void>;
};

/** A request that meets the worker as it ends can hold up its successor for minutes; a navigation hurries both. */
const TAKE_OVER_MS = 3000;
const CHECK_MS = 60 * 60_000; // a tab that trains for days hears of a new build within the hour

/**
 * Register the service worker and watch for builds. `build` names the running one: a shared lock of that
 * name is held for as long as this page lives, so that the service worker keeps its files.
 */
export function createUpdate(build: string): Update {
  let waiting = $state.raw<ServiceWorker | null>(null);
  let registration: ServiceWorkerRegistration | null = null;
  let container: ServiceWorkerContainer | undefined;

  function notice(worker: ServiceWorker | null): void {
    if (worker === null) return;
    const check = () => {
      // without a controller this is the first install, which is no update
      if (worker.state === "installed" && container?.controller) waiting = worker;
      if (worker.state === "activated" || worker.state === "redundant") waiting = null;
    };
    worker.addEventListener("statechange", check);
    check();
  }

  async function register(): Promise<void> {
    if (!import.meta.env.PROD) return;
    container = navigator.serviceWorker; // absent in private windows; where site data is blocked it may throw
    if (container === undefined) return;
    navigator.locks
      .request(`build ${build}`, { mode: "shared" }, () => new Promise(() => {}))
      .catch(() => {}); // blocked with the site's data, and with it the service worker
    registration = await container.register("service-worker.js");
    notice(registration.waiting);
    const found = registration;
    found.addEventListener("updatefound", () => notice(found.installing));
    setInterval(() => void check(), CHECK_MS);
  }

  async function check(): Promise<void> {
    try {
      await registration?.update();
    } catch {
      // offline: the next round asks again
    }
  }

  void register().catch(() => {
    // private windows and locked-down browsers refuse service workers; the page works without one
  });

  return {
    get available() {
      return waiting !== null;
    },
    async apply() {
      if (waiting === null) {
        await check();
        await settled(registration?.installing ?? null);
      }
      const next = waiting ?? registration?.waiting ?? null;
      if (next === null) return location.reload();
      container?.addEventListener("controllerchange", () => location.reload(), { once: true });
      next.postMessage("take-over");
      setTimeout(() => location.reload(), TAKE_OVER_MS);
    },
  };
}

/** Resolves when `worker` is done installing, however that ends. */
function settled(worker: ServiceWorker | null): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (worker?.state !== "installing") resolve();
    };
    worker?.addEventListener("statechange", check);
    check();
  });
}
