// A real notifier process with a store that has a day's events in it, and its HTTP port.
import {execFileSync, spawn} from "node:child_process";
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createInterface} from "node:readline";

export const password = "not a real password";

// `page`: of the configuration, as YAML.
export async function startNotifier(page) {
  const folder = mkdtempSync(join(tmpdir(), "understudy-page-"));
  execFileSync(process.env.UNDERSTUDY_PAGE_EVENTS, [join(folder, "notifier.db")]);
  writeFileSync(join(folder, "password"), password + "\n");
  writeFileSync(join(folder, "notifier.yaml"), `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
store: {sqlite: notifier.db}
page: ${page}
mail: {from: u@example.com, directory: mail}
alerts: {heartbeat: 0, routes: [{to: [ops@example.com]}]}
`);
  const child = spawn(process.env.UNDERSTUDY_NOTIFIER, ["--config", join(folder, "notifier.yaml")],
                      {stdio: ["ignore", "ignore", "pipe"]});
  const port = await new Promise((resolve, reject) => {
    const log = [];
    createInterface({input: child.stderr}).on("line", (line) => {
      log.push(line);
      const fact = line.startsWith("{") ? JSON.parse(line) : {};
      if (fact.message === "serving") resolve(fact.http_port);
    });
    child.on("exit", () => reject(new Error(log.join("\n"))));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    async report(events) {
      const answer = await fetch(`http://127.0.0.1:${port}/v1/events`, {
        method: "POST",
        headers: {"Content-Type": "application/json"},
        body: JSON.stringify({events}),
      });
      if (answer.status !== 200) throw new Error(await answer.text());
    },
    async stop() {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, {recursive: true});
    },
  };
}
