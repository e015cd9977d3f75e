// The operator's page as a browser shows it: read, followed, searched, with and without script, in
// light and dark, on a desk and on a telephone.
import assert from "node:assert/strict";
import {mkdirSync, readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {after, before, describe, it} from "node:test";

import {chromium} from "playwright-core";

import {password, startNotifier} from "./notifier.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const evil = `<script>alert(1)</script><img src=x onerror=alert(2)>"'&--><b>`;

let notifier;
let browser;

// A page that fails the test at its end if the console said anything, or if anything but the
// notifier was asked.
async function open(options, use) {
  const context = await browser.newContext(
      {viewport: {width: 1280, height: 900}, timezoneId: "UTC", ...options});
  const page = await context.newPage();
  const said = [];
  const asked = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("dialog", (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(notifier.url + "/")) asked.push(request.url());
  });
  try {
    await use(page);
    assert.deepEqual(said, []);
    assert.deepEqual(asked, []);
  } finally {
    await context.close();
  }
}

async function go(page, path) {
  const answer = await page.goto(notifier.url + path);
  assert.equal(answer.status(), 200, path);
}

// The path of the one group of 10,000 events, and of its newest event.
async function largestGroup(page) {
  await go(page, "/");
  return page.locator("#open .groups tbody tr", {hasText: "www.example.com"})
      .locator("a", {hasText: "11200"}).getAttribute("href");
}

before(async () => {
  notifier = await startNotifier("{open: true}");
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // No name leads anywhere, so that what a page asked for elsewhere would fail, and be seen.
    args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });
  await notifier.report([{
    event_id: "hostile", kind: "KIND_VOICE", account_sid: "AC00000000000000000000000000000009",
    level: "LEVEL_ERROR", error_code: 11200, error_url: `https://evil.example.com/${evil}`,
    phone_number: "+14155550199", resource_sid: evil, detail: evil, response_excerpt: evil,
    outcome: "OUTCOME_DEFAULT_ANSWERED", phase: "PHASE_STATUS", http_status: 500,
    parameters: {[evil]: evil, From: "+14155550142"}, request_headers: {[evil]: evil},
    response_headers: {Location: `javascript:${evil}`},
    attempts: [{url: `https://evil.example.com/${evil}`, method: "METHOD_POST", http_status: 500,
                detail: evil, remote_address: evil, dns: "0.001s", total: "0.2s"}],
  }]);
});

after(async () => {
  await browser?.close();
  await notifier?.stop();
});

describe("the overview", () => {
  it("shows open groups, quiet ones, the chart and who answered", () => open({}, async (page) => {
    await go(page, "/");
    assert.match(await page.title(), /Overview/);
    for (const text of ["11200 HTTP retrieval failure", "api.shop.example", "ivr.example.org"]) {
      assert.ok(await page.locator("#open", {hasText: text}).count(), text);
    }
    assert.ok(await page.locator("#quiet", {hasText: "old-host.example.net"}).count());
    assert.ok(await page.locator("svg.columns rect.c0").count() > 10);
    assert.equal(await page.locator("#open svg.sparkline").count(),
                 await page.locator("#open tbody tr").count());
    assert.match(await page.locator("#answered").innerText(), /the fallback\s+\d+ %/);
    assert.match(await page.locator("#answered").innerText(), /Calls that went well send none/);
    await page.getByRole("link", {name: "24 h"}).click();
    assert.match(await page.locator("#chart-title").innerText(), /10 minutes/);
  }));

  it("brings in what is new by itself, and keeps focus and place", () => open({}, async (page) => {
    await go(page, "/");
    const link = page.locator("#open a.name", {hasText: "12100"});
    await link.focus();
    await page.evaluate(() => window.scrollTo(0, 120));
    const top = await page.evaluate(() => window.scrollY);
    await notifier.report([{event_id: `new ${Date.now()}`, kind: "KIND_VOICE",
                            account_sid: "AC00000000000000000000000000000003", error_code: 11220,
                            error_url: "https://just-now.example.com/"}]);
    await page.locator("#open", {hasText: "just-now.example.com"}).waitFor({timeout: 20000});
    assert.equal(await page.evaluate(() => document.activeElement.textContent),
                 await link.textContent());
    assert.equal(await page.evaluate(() => window.scrollY), top);
    await page.getByRole("button", {name: "Pause updates"}).click();
    const before = await page.locator("#as-of").innerText();
    let asked = 0;
    page.on("request", () => ++asked);
    await page.waitForTimeout(6000);  // longer than between two updates
    assert.equal(asked, 0);
    assert.equal(await page.locator("#as-of").innerText(), before);
    await page.getByRole("button", {name: "Go on updating"}).click();
    await page.waitForFunction((text) => document.getElementById("as-of").innerText !== text, before);
  }));
});

describe("a group", () => {
  it("leads to an event with its attempts", () => open({}, async (page) => {
    const path = await largestGroup(page);
    await page.goto(notifier.url + path);
    assert.match(await page.locator("h1").innerText(), /11200 HTTP retrieval failure/);
    assert.match(await page.locator("main").innerText(), /What it means, and what to check/);
    assert.equal(await page.locator(".events tbody tr").count(), 50);
    await page.locator(".events tbody tr a").first().click();
    await page.waitForURL(/\/events\/\d+$/);
    const text = await page.locator("main").innerText();
    for (const part of ["HTTP 502 from the primary", "answered by the fallback", "First byte",
                        "502 Bad Gateway", "CallSid", "Direction", "[not kept]", "nginx"]) {
      assert.ok(text.includes(part), part);
    }
    assert.ok(await page.locator("svg.attempts rect.wait").count());
    assert.ok(!text.includes("+14155550123"), "numbers are masked");
    assert.ok(text.includes("+14•••••0123"));
  }));

  it("pages through its 10,000 events, each once", () => open({}, async (page) => {
    await page.goto(notifier.url + await largestGroup(page));
    const seen = new Set();
    for (let pages = 1;; ++pages) {
      assert.ok(pages <= 200);
      const hrefs = await page.locator(".events tbody tr a").evaluateAll(
          (links) => links.map((link) => link.getAttribute("href")));
      for (const href of hrefs) {
        assert.ok(!seen.has(href), href);
        seen.add(href);
      }
      const older = page.locator("a[rel=next]");
      if (await older.count() === 0) break;
      await page.goto(notifier.url + await older.getAttribute("href"));
    }
    assert.equal(seen.size, 10000);
  }));
});

describe("search", () => {
  it("finds by number, code, URL, sid and time", () => open({}, async (page) => {
    await go(page, "/");
    await page.locator("#find").fill("12100");
    await page.locator("#find").press("Enter");
    await page.waitForURL(/\/search\?q=12100/);
    assert.equal(await page.locator(".events tbody tr").count(), 50);
    const sid = await page.locator(".events .sid").first().innerText();
    const expectOne = async (what) => {
      await go(page, `/search?q=${encodeURIComponent(what)}`);
      assert.equal(await page.locator(".events tbody tr").count(), 1, what);
    };
    await expectOne(sid);
    await expectOne("hostile");
    await expectOne("evil.example.com");
    await expectOne("+1 (415) 555-0199");
    await go(page, "/search?q=https%3A%2F%2Fivr.example.org%2Fme");
    assert.equal(await page.locator(".events tbody tr").count(), 50);
    await page.locator("a[rel=next]").click();
    assert.equal(await page.locator(".events tbody tr").count(), 5);
    await go(page, "/search?q=12100&to=2020-01-01");
    assert.match(await page.locator("main").innerText(), /There are none/);
    await go(page, "/search?from=2020-01-01");
    assert.equal(await page.locator(".events tbody tr").count(), 50);
  }));

  it("says what it cannot look for", async () => {
    const answer = await fetch(notifier.url + "/search?q=what%20is%20this");
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /Look for a call or message by its sid/);
  });
});

it("shows hostile content as text", () => open({}, async (page) => {
  await go(page, "/search?q=hostile");
  await page.locator(".events tbody tr a").click();
  await page.waitForURL(/\/events\//);
  const text = await page.locator("main").innerText();
  assert.ok(text.includes("<script>alert(1)</script><img src=x onerror=alert(2)>"));
  assert.equal(await page.locator("main script, main img, main b").count(), 0);
  assert.equal(await page.locator("a[href^='javascript']").count(), 0);
  await go(page, `/search?q=${encodeURIComponent("https://a.example/" + evil)}`);
  assert.equal(await page.locator("main img").count(), 0);
}));

it("can be read with script off", () => open({javaScriptEnabled: false}, async (page) => {
  const group = await largestGroup(page);
  for (const path of ["/", "/groups?state=open", "/groups?state=quiet", group,
                      "/search?q=hostile"]) {
    await go(page, path);
    assert.ok(await page.getByRole("heading", {level: 1}).count(), path);
    assert.ok(await page.locator("table tbody tr").count(), path);
    assert.equal(await page.locator("button.pause").count(), 0);
  }
  await page.locator(".events tbody tr a").click();
  assert.match(await page.locator("main").innerText(), /What it means/);
}));

it("can be used with the keyboard alone", () => open({}, async (page) => {
  await go(page, "/");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "To the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, "none");
}));

describe("what axe finds", () => {
  const views = {
    overview: () => "/",
    groups: () => "/groups?state=quiet",
    group: (page) => largestGroup(page),
    event: async (page) => {
      await page.goto(notifier.url + await largestGroup(page));
      return page.locator(".events tbody tr a").first().getAttribute("href");
    },
    hostile: async (page) => {
      await go(page, "/search?q=hostile");
      return page.locator(".events tbody tr a").first().getAttribute("href");
    },
    search: () => "/search?q=12100",
    missing: () => "/events/999999999",
  };
  const sizes = {desktop: {width: 1280, height: 900}, phone: {width: 390, height: 844}};
  mkdirSync("screenshots", {recursive: true});
  for (const [view, find] of Object.entries(views)) {
    it(`is nothing serious in ${view}`, async () => {
      for (const [size, viewport] of Object.entries(sizes)) {
        for (const colorScheme of ["light", "dark"]) {
          await open({viewport, colorScheme, bypassCSP: true}, async (page) => {
            const path = await find(page);
            // A document that is missing is told in the console by the browser itself.
            const answer = await page.goto(notifier.url + (view === "missing" ? "/" : path));
            assert.equal(answer.status(), 200);
            if (view === "missing") {
              const html = await (await fetch(notifier.url + path)).text();
              await page.setContent(html.replaceAll('"/', `"${notifier.url}/`));
            }
            await page.screenshot({path: `screenshots/${view}-${size}-${colorScheme}.png`,
                                   fullPage: true});
            const width = await page.evaluate(() => document.documentElement.scrollWidth);
            assert.ok(width <= viewport.width, `${view} is ${width} wide on ${size}`);
            await page.evaluate(axe);
            const found = await page.evaluate(() => window.axe.run());
            assert.deepEqual(found.violations.map((violation) => [
              violation.id, violation.impact, violation.nodes.slice(0, 3).map((node) => node.html),
            ]), [], `${view} ${size} ${colorScheme}`);
          });
        }
      }
    });
  }
});

describe("with a password", () => {
  let locked;
  before(async () => {
    locked = await startNotifier("{password_file: password, mask_numbers: false}");
  });
  after(() => locked?.stop());

  const ask = (path, user, secret) => fetch(locked.url + path, {
    headers: user === undefined ? {} : {
      Authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`,
    },
  });

  it("nothing is shown without it", async () => {
    for (const path of ["/", "/groups", "/groups/1", "/events/1", "/search?q=11200", "/page.js"]) {
      const answer = await ask(path);
      assert.equal(answer.status, 401, path);
      assert.match(answer.headers.get("www-authenticate"), /^Basic /);
      assert.ok(!(await answer.text()).includes("example.com"));
    }
    assert.equal((await ask("/", "operator", "wrong")).status, 401);
    assert.equal((await ask("/", "somebody", password)).status, 401);
  });

  it("all is shown with it", async () => {
    const answer = await ask("/groups/1", "operator", password);
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /\+1415555\d{4}/);
  });

  it("who guesses is slowed down", async () => {
    let answer;
    for (let i = 0; i < 30 && answer?.status !== 429; ++i) {
      answer = await ask("/", "operator", `guess ${i}`);
    }
    assert.equal(answer.status, 429);
    assert.ok(Number(answer.headers.get("retry-after")) > 0);
  });
});
