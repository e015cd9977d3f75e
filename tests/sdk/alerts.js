// Twilio's SDK for Node.js against a notifier, unmodified but for the address of the API. The world
// it runs in, and the same for Python, is alerts_test.py.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const twilio = require("twilio");

const env = process.env;
const MANY = Number(env.UNDERSTUDY_MANY);
const newestAt = new Date(env.UNDERSTUDY_NEWEST_AT);

function sdk(account, token) {
  const client = twilio(account, token);
  client.monitor.baseUrl = env.UNDERSTUDY_API;
  return client.monitor.v1.alerts;
}

const alerts = sdk(env.UNDERSTUDY_ACCOUNT, env.UNDERSTUDY_TOKEN);

function before(seconds) {
  return new Date(newestAt.getTime() - 1000 * seconds);
}

async function assertRefused(status, code, promise) {
  const error = await promise.then(
    () => assert.fail("it was not refused"),
    (refused) => refused,
  );
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
}

test("a list of many pages", async () => {
  for (const pageSize of [50, 999, 1000]) {
    const found = await alerts.list({ pageSize });
    assert.equal(found.length, MANY);
    assert.equal(new Set(found.map((alert) => alert.sid)).size, MANY);
    found.forEach((alert, i) => assert.deepEqual(alert.dateGenerated, before(i)));
  }
  assert.equal((await alerts.list({ limit: 70 })).length, 70);

  let page = await alerts.page({ pageSize: 2000 });
  const first = page.instances.map((alert) => alert.sid);
  assert.equal(first.length, 1000);
  assert.equal(page.previousPageUrl, undefined);
  page = await page.nextPage();
  page = await page.previousPage();
  assert.deepEqual(
    page.instances.map((alert) => alert.sid),
    first,
  );
});

test("filters", async () => {
  assert.equal((await alerts.list({ logLevel: "warning" })).length, MANY / 5);
  assert.equal((await alerts.list({ logLevel: "error" })).length, MANY - MANY / 5);
  assert.deepEqual(await alerts.list({ logLevel: "debug" }), []);
  const startDate = before(1999);
  const endDate = before(1000);
  assert.equal((await alerts.list({ startDate })).length, 2000);
  assert.equal((await alerts.list({ startDate, endDate })).length, 1000);
  const found = await alerts.list({ startDate, endDate, logLevel: "warning", pageSize: 70 });
  assert.equal(found.length, 200);
});

test("one", async () => {
  const [newest] = await alerts.list({ limit: 1 });
  const alert = await alerts(newest.sid).fetch();
  assert.equal(alert.sid, newest.sid);
  assert.equal(alert.accountSid, env.UNDERSTUDY_ACCOUNT);
  assert.equal(alert.errorCode, "11200");
  assert.equal(alert.logLevel, "error");
  assert.equal(alert.requestMethod, "POST");
  assert.equal(alert.requestUrl, `https://www.example.com/voice?n=${MANY - 1}`);
  assert.equal(alert.requestVariables, "Digits=%5Bnot+kept%5D&From=%2B14155550100");
  assert.equal(alert.responseHeaders, "Server=nginx");
  assert.equal(alert.responseBody, "bad gateway");
  assert.deepEqual(alert.dateCreated, newestAt);
  assert.equal(alert.url, `${env.UNDERSTUDY_API}/v1/Alerts/${alert.sid}`);
});

test("another account", async () => {
  const [theirs] = await sdk(env.UNDERSTUDY_OTHER_ACCOUNT, env.UNDERSTUDY_OTHER_TOKEN).list();
  await assertRefused(404, 20404, alerts(theirs.sid).fetch());
});

test("a wrong password", async () => {
  const stranger = sdk(env.UNDERSTUDY_ACCOUNT, "wrong");
  await assertRefused(401, 20003, stranger.list());
  await assertRefused(401, 20003, stranger(`NO${"0".repeat(32)}`).fetch());
});
