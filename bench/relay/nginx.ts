import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** nginx with one worker on the files of `folder`; null where it is not installed. */
export async function startNginx(
  folder: string,
  own: string,
): Promise<{ port: number; stop(): Promise<void> } | null> {
  const port = await freePort();
  await mkdir(own, { recursive: true });
  const config = join(own, "nginx.conf");
  await writeFile(
    config,
    `daemon off; ${process.getuid?.() === 0 ? "user root;" : ""} worker_processes 1; pid ${own}/pid; error_log ${own}/error.log;
     events { worker_connections 1024; }
     http { access_log off; sendfile on; keepalive_requests 1000000;
       client_body_temp_path ${own}/a; proxy_temp_path ${own}/b; fastcgi_temp_path ${own}/c;
       uwsgi_temp_path ${own}/d; scgi_temp_path ${own}/e;
       server { listen 127.0.0.1:${port}; root ${folder}; default_type application/octet-stream; } }`,
  );
  const child = spawn("nginx", ["-c", config, "-p", own], { stdio: "ignore" });
  const failed = await Promise.race([
    once(child, "error").then(() => true),
    once(child, "exit").then(() => true),
    sleep(500).then(() => false),
  ]);
  if (failed) return null;
  return {
    port,
    async stop() {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
