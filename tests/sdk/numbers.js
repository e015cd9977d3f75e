// Twilio's SDK for Node.js against a router, unmodified but for the address of the API. The world it
// runs in, and the same for Python, is numbers_test.py; names are those of use cases.
"use strict";

const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const { afterEach, test } = require("node:test");
const twilio = require("twilio");

const env = process.env;
const web = env.UNDERSTUDY_WEB;
const MANY = 5000;

function sdk(account, token) {
  const client = twilio(account, token);
  client.api.baseUrl = env.UNDERSTUDY_API;
  return client;
}

const client = sdk(env.UNDERSTUDY_ACCOUNT, env.UNDERSTUDY_TOKEN);
const numbers = client.incomingPhoneNumbers;

// What a call is answered, over gRPC: who answered, and the document's text.
function resolve(number, kind = "voice") {
  const args = ["resolve", "--router", env.UNDERSTUDY_ROUTER, "--number", number, "--kind", kind];
  const done = spawnSync(env.UNDERSTUDY_BINARY, [...args, "--json"], { encoding: "utf8" });
  if (done.stdout === "") return done.stderr;
  const answer = JSON.parse(done.stdout);
  const text = /<!-- (.*) -->/.exec(answer.twiml);
  return text === null ? answer.source : `${answer.source} ${text[1]}`;
}

// What create and list of this SDK give has no methods that work: they do not know their own sid.
function make(fields = {}) {
  return numbers.create({ phoneNumber: "+14155550123", ...fields });
}

function at(number) {
  return numbers(number.sid);
}

async function assertRefused(status, code, promise) {
  const error = await promise.then(
    () => assert.fail("it was not refused"),
    (refused) => refused,
  );
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
  return error;
}

afterEach(async () => {
  for (const number of await numbers.list()) {
    if (number.phoneNumber !== env.UNDERSTUDY_CONFIGURED_NUMBER) await at(number).remove();
  }
});

test("4.1 voice", async () => {
  const number = await make();
  const changed = await at(number).update({
    voiceUrl: `${web}/broken`,
    voiceFallbackUrl: `${web}/fallback`,
    voiceFallbackMethod: "GET",
  });
  for (const found of [changed, await at(number).fetch()]) {
    assert.equal(found.voiceUrl, `${web}/broken`);
    assert.equal(found.voiceFallbackUrl, `${web}/fallback`);
    assert.equal(found.voiceFallbackMethod, "GET");
  }
  assert.equal(resolve(number.phoneNumber), "SOURCE_FALLBACK GET /fallback");
});

test("4.2 messages", async () => {
  const number = await make();
  const changed = await at(number).update({
    smsUrl: `${web}/broken`,
    smsFallbackUrl: `${web}/fallback`,
    smsFallbackMethod: "GET",
  });
  for (const found of [changed, await at(number).fetch()]) {
    assert.equal(found.smsUrl, `${web}/broken`);
    assert.equal(found.smsFallbackUrl, `${web}/fallback`);
    assert.equal(found.smsFallbackMethod, "GET");
  }
  assert.equal(resolve(number.phoneNumber, "messaging"), "SOURCE_FALLBACK GET /fallback");
});

test("4.3 a fallback without a primary", async () => {
  const number = await make();
  await assertRefused(400, 21405, at(number).update({ voiceFallbackUrl: `${web}/f` }));
  await assertRefused(400, 21406, at(number).update({ smsFallbackUrl: `${web}/f` }));
  await assertRefused(
    400,
    21405,
    numbers.create({ phoneNumber: "+14155550124", voiceFallbackUrl: `${web}/f` }),
  );
});

test("4.4 no URL and no method", async () => {
  const number = await make({ voiceUrl: `${web}/voice` });
  await assertRefused(400, 21402, at(number).update({ voiceUrl: "htp:/x" }));
  await assertRefused(400, 21403, at(number).update({ voiceMethod: "PUT" }));
  await assertRefused(400, 21402, at(number).update({ smsUrl: "htp:/x" }));
  await assertRefused(400, 21403, at(number).update({ smsMethod: "PUT" }));
  assert.equal((await at(number).fetch()).voiceUrl, `${web}/voice`);
});

test("4.5 an empty field is cleared", async () => {
  const number = await make({ voiceUrl: `${web}/broken`, voiceFallbackUrl: `${web}/fallback` });
  assert.equal(resolve(number.phoneNumber), "SOURCE_FALLBACK POST /fallback");
  assert.equal((await at(number).update({ voiceFallbackUrl: "" })).voiceFallbackUrl, "");
  assert.equal((await at(number).fetch()).voiceUrl, `${web}/broken`);
  assert.equal(resolve(number.phoneNumber), "SOURCE_DEFAULT");
});

test("4.6 whatever Twilio gives as a fallback", async () => {
  const number = await make({ voiceUrl: `${web}/voice` });
  const account = "AC0123456789abcdef0123456789abcdef";
  for (const url of [
    `https://webhooks.twilio.com/v1/Accounts/${account}/Flows/FW0123456789abcdef0123456789abcdef`,
    "https://handler.twilio.com/twiml/EH0123456789abcdef0123456789abcdef",
    "https://example-1234.twil.io/fallback",
    `https://webhooks.twilio.com/v1/Accounts/${account}/Proxy/KS0123456789abcdef0123456789abcdef/Webhooks/Call`,
  ]) {
    assert.equal((await at(number).update({ voiceFallbackUrl: url })).voiceFallbackUrl, url);
  }
});

test("4.7 a list of many pages", async () => {
  const bulk = sdk(env.UNDERSTUDY_BULK_ACCOUNT, env.UNDERSTUDY_BULK_TOKEN).incomingPhoneNumbers;
  for (const pageSize of [50, 999, 1000]) {
    const found = await bulk.list({ pageSize });
    assert.equal(found.length, MANY);
    assert.equal(new Set(found.map((number) => number.phoneNumber)).size, MANY);
  }
  assert.equal((await bulk.list({ phoneNumber: "+14155000*", limit: 70 })).length, 70);

  let page = await bulk.page({ pageSize: 2000 });
  const first = page.instances.map((number) => number.sid);
  assert.equal(first.length, 1000);
  assert.equal(page.previousPageUrl, undefined);
  page = await page.nextPage();
  page = await page.previousPage();
  assert.deepEqual(
    page.instances.map((number) => number.sid),
    first,
  );
});

test("4.8 a wrong password", async () => {
  const stranger = sdk(env.UNDERSTUDY_ACCOUNT, "wrong").incomingPhoneNumbers;
  const error = await assertRefused(401, 20003, stranger.list());
  assert.equal(error.message, "Authenticate");
  await assertRefused(401, 20003, stranger.create({ phoneNumber: "+14155550123" }));
});

test("each field", async () => {
  const number = await make({ voiceUrl: `${web}/voice`, smsUrl: `${web}/sms` });
  for (const [field, value] of Object.entries({
    voiceUrl: `${web}/moved`,
    voiceMethod: "GET",
    voiceFallbackUrl: `${web}/fallback2`,
    voiceFallbackMethod: "GET",
    smsUrl: `${web}/moved`,
    smsMethod: "GET",
    smsFallbackUrl: `${web}/fallback2`,
    smsFallbackMethod: "GET",
    statusCallback: `${web}/status`,
    statusCallbackMethod: "GET",
  })) {
    assert.equal((await at(number).update({ [field]: value }))[field], value);
    assert.equal((await at(number).fetch())[field], value);
  }
  assert.equal(resolve(number.phoneNumber), "SOURCE_PRIMARY GET /moved");
  assert.equal(resolve(number.phoneNumber, "messaging"), "SOURCE_PRIMARY GET /moved");
  for (const field of ["voiceFallbackUrl", "smsFallbackUrl", "statusCallback"]) {
    assert.equal((await at(number).update({ [field]: "" }))[field], "");
  }
});

test("from create to delete", async () => {
  const friendlyName = "<b>'; DROP TABLE numbers; --</b>";
  const number = await make({ friendlyName, voiceUrl: `${web}/voice#rc=2&rp=all` });
  assert.equal(number.friendlyName, friendlyName);
  assert.equal(number.voiceUrl, `${web}/voice#rc=2&rp=all`);
  assert.equal(number.accountSid, env.UNDERSTUDY_ACCOUNT);
  assert.equal(number.capabilities.voice, true);
  assert.ok(Math.abs(Date.now() - number.dateCreated.getTime()) < 60000);
  const found = await numbers.list({ friendlyName });
  assert.deepEqual(
    found.map((one) => one.sid),
    [number.sid],
  );
  assert.equal((await numbers.local.list({ phoneNumber: "5550123" }))[0].sid, number.sid);
  assert.deepEqual(await numbers.tollFree.list(), []);
  await assertRefused(400, 21422, make());
  await assertRefused(400, 21421, numbers.create({ phoneNumber: "12" }));
  assert.equal(await at(number).remove(), true);
  await assertRefused(404, 20404, at(number).fetch());
  await assertRefused(404, 20404, at(number).remove());
});

test("a number of the configuration", async () => {
  const [number] = await numbers.list({ phoneNumber: env.UNDERSTUDY_CONFIGURED_NUMBER });
  assert.equal((await at(number).fetch()).voiceUrl, `${web}/configured`);
  for (const call of [() => at(number).update({ friendlyName: "x" }), () => at(number).remove()]) {
    const error = await call().catch((refused) => refused);
    assert.equal(error.status, 409);
    assert.match(error.message, /configuration/);
  }
});

test("another account", async () => {
  const number = await make();
  const other = sdk(env.UNDERSTUDY_BULK_ACCOUNT, env.UNDERSTUDY_BULK_TOKEN);
  await assertRefused(404, 20404, other.incomingPhoneNumbers(number.sid).fetch());
  const theirs = other.api.accounts(env.UNDERSTUDY_ACCOUNT).incomingPhoneNumbers;
  await assertRefused(404, 20404, theirs(number.sid).fetch());
});

test("an application", async () => {
  const application = await client.applications.create({
    friendlyName: "main",
    voiceUrl: `${web}/application`,
  });
  const applicationAt = client.applications(application.sid);
  const number = await make({
    voiceUrl: `${web}/voice`,
    voiceApplicationSid: application.sid,
  });
  assert.equal(resolve(number.phoneNumber), "SOURCE_PRIMARY POST /application");
  await applicationAt.update({ voiceMethod: "GET" });
  assert.equal(resolve(number.phoneNumber), "SOURCE_PRIMARY GET /application");
  assert.equal((await client.applications.list({ friendlyName: "main" })).length, 1);
  assert.equal(await applicationAt.remove(), true);
  await assertRefused(404, 20404, applicationAt.fetch());
  assert.equal(resolve(number.phoneNumber), "SOURCE_PRIMARY POST /voice");
});
