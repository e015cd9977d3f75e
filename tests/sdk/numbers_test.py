"""Twilio's own SDKs, for Python (here) and Node.js (numbers.js), against a router: unmodified but for
the address of the API. The names in the tests are those of use cases: configuration of numbers."""

import datetime
import os
import pathlib
import subprocess
import unittest

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

import world

HERE = pathlib.Path(__file__).resolve().parent
MANY = 5000

# The fields of a handler, as the SDK names them, and a second value for each.
FIELDS = {
    "voice_url": "/moved",
    "voice_method": "GET",
    "voice_fallback_url": "/fallback2",
    "voice_fallback_method": "GET",
    "sms_url": "/moved",
    "sms_method": "GET",
    "sms_fallback_url": "/fallback2",
    "sms_fallback_method": "GET",
    "status_callback": "/status",
    "status_callback_method": "GET",
}

# What may stand as a fallback: a Studio Flow, a TwiML Bin, a Function, a Proxy Service.
FALLBACK_URLS = [
    "https://webhooks.twilio.com/v1/Accounts/AC0123456789abcdef0123456789abcdef/Flows/"
    "FW0123456789abcdef0123456789abcdef",
    "https://handler.twilio.com/twiml/EH0123456789abcdef0123456789abcdef",
    "https://example-1234.twil.io/fallback",
    "https://webhooks.twilio.com/v1/Accounts/AC0123456789abcdef0123456789abcdef/Proxy/"
    "KS0123456789abcdef0123456789abcdef/Webhooks/Call",
]


def setUpModule():
    global WORLD, NUMBERS
    WORLD = world.World(os.environ["UNDERSTUDY_BINARIES"])
    unittest.addModuleCleanup(WORLD.close)
    NUMBERS = WORLD.make_many(MANY)


class PythonTest(unittest.TestCase):
    def setUp(self):
        self.client = self.sdk(world.ACCOUNT, world.TOKEN)
        self.numbers = self.client.incoming_phone_numbers
        self.remove_all()

    @staticmethod
    def sdk(account, token):
        client = Client(account, token)
        client.api.base_url = WORLD.base_url
        return client

    def remove_all(self):
        for number in self.numbers.list():
            if number.phone_number != world.CONFIGURED_NUMBER:
                number.delete()
        for application in self.client.applications.list():
            application.delete()

    def make(self, **fields):
        return self.numbers.create(phone_number="+14155550123", **fields)

    def assert_refused(self, status, code, call):
        with self.assertRaises(TwilioRestException) as caught:
            call()
        self.assertEqual((caught.exception.status, caught.exception.code), (status, code))
        return caught.exception.msg

    def test_4_1_voice(self):
        number = self.make()
        self.assertEqual(WORLD.resolve(number.phone_number)[:10], "understudy")
        changed = number.update(
            voice_url=f"{WORLD.web}/broken",
            voice_fallback_url=f"{WORLD.web}/fallback",
            voice_fallback_method="GET",
        )
        for found in (changed, self.numbers(number.sid).fetch()):
            self.assertEqual(found.voice_url, f"{WORLD.web}/broken")
            self.assertEqual(found.voice_fallback_url, f"{WORLD.web}/fallback")
            self.assertEqual(found.voice_fallback_method, "GET")
        self.assertEqual(WORLD.resolve(number.phone_number), "SOURCE_FALLBACK GET /fallback")

    def test_4_2_messages(self):
        number = self.make()
        changed = number.update(
            sms_url=f"{WORLD.web}/broken",
            sms_fallback_url=f"{WORLD.web}/fallback",
            sms_fallback_method="GET",
        )
        for found in (changed, self.numbers(number.sid).fetch()):
            self.assertEqual(found.sms_url, f"{WORLD.web}/broken")
            self.assertEqual(found.sms_fallback_url, f"{WORLD.web}/fallback")
            self.assertEqual(found.sms_fallback_method, "GET")
        self.assertEqual(
            WORLD.resolve(number.phone_number, "messaging"), "SOURCE_FALLBACK GET /fallback"
        )

    def test_4_3_a_fallback_without_a_primary(self):
        number = self.make()
        self.assert_refused(400, 21405, lambda: number.update(voice_fallback_url=f"{WORLD.web}/f"))
        self.assert_refused(400, 21406, lambda: number.update(sms_fallback_url=f"{WORLD.web}/f"))
        self.assert_refused(
            400,
            21405,
            lambda: self.numbers.create(
                phone_number="+14155550124", voice_fallback_url=f"{WORLD.web}/f"
            ),
        )

    def test_4_4_no_url_and_no_method(self):
        number = self.make(voice_url=f"{WORLD.web}/voice")
        self.assert_refused(400, 21402, lambda: number.update(voice_url="htp:/x"))
        self.assert_refused(400, 21403, lambda: number.update(voice_method="PUT"))
        self.assert_refused(400, 21402, lambda: number.update(sms_url="htp:/x"))
        self.assert_refused(400, 21403, lambda: number.update(sms_method="PUT"))
        self.assertEqual(number.fetch().voice_url, f"{WORLD.web}/voice")

    def test_4_5_an_empty_field_is_cleared(self):
        number = self.make(
            voice_url=f"{WORLD.web}/broken", voice_fallback_url=f"{WORLD.web}/fallback"
        )
        self.assertEqual(WORLD.resolve(number.phone_number), "SOURCE_FALLBACK POST /fallback")
        self.assertEqual(number.update(voice_fallback_url="").voice_fallback_url, "")
        self.assertEqual(number.fetch().voice_url, f"{WORLD.web}/broken")
        self.assertEqual(WORLD.resolve(number.phone_number), "SOURCE_DEFAULT")

    def test_4_6_whatever_twilio_gives_as_a_fallback(self):
        number = self.make(voice_url=f"{WORLD.web}/voice")
        for url in FALLBACK_URLS:
            self.assertEqual(number.update(voice_fallback_url=url).voice_fallback_url, url)

    def test_4_7_a_list_of_many_pages(self):
        client = self.sdk(world.BULK_ACCOUNT, world.BULK_TOKEN)
        for page_size in (50, 999, 1000):
            found = client.incoming_phone_numbers.list(page_size=page_size)
            self.assertEqual(sorted(number.phone_number for number in found), NUMBERS)
        found = client.incoming_phone_numbers.list(phone_number="+14155000*", limit=70)
        self.assertEqual(len(found), 70)

    def test_4_8_a_wrong_password(self):
        client = self.sdk(world.ACCOUNT, "wrong")
        self.assert_refused(401, 20003, client.incoming_phone_numbers("PN" + "0" * 32).fetch)
        self.assert_refused(401, 20003, lambda: client.incoming_phone_numbers.create(area_code="1"))
        with self.assertRaises(TwilioException) as caught:  # it has a plainer one for lists
            client.incoming_phone_numbers.list()
        self.assertEqual(caught.exception.args[1].status_code, 401)

    def test_each_field(self):
        number = self.make(
            voice_url=f"{WORLD.web}/voice",
            sms_url=f"{WORLD.web}/sms",
        )
        for field, value in FIELDS.items():
            value = WORLD.web + value if value.startswith("/") else value
            self.assertEqual(getattr(number.update(**{field: value}), field), value)
            self.assertEqual(getattr(number.fetch(), field), value)
        self.assertEqual(WORLD.resolve(number.phone_number), "SOURCE_PRIMARY GET /moved")
        self.assertEqual(
            WORLD.resolve(number.phone_number, "messaging"), "SOURCE_PRIMARY GET /moved"
        )
        for field in ("voice_fallback_url", "sms_fallback_url", "status_callback"):
            self.assertEqual(getattr(number.update(**{field: ""}), field), "")

    def test_from_create_to_delete(self):
        number = self.make(friendly_name="<b>'; DROP TABLE numbers; --</b>")
        self.assertEqual(number.friendly_name, "<b>'; DROP TABLE numbers; --</b>")
        self.assertEqual(number.account_sid, world.ACCOUNT)
        self.assertTrue(number.capabilities["voice"])
        self.assertLess(
            abs(datetime.datetime.now(datetime.timezone.utc) - number.date_created),
            datetime.timedelta(minutes=1),
        )
        (found,) = self.numbers.list(friendly_name=number.friendly_name)
        self.assertEqual(found.sid, number.sid)
        self.assertEqual(self.numbers.local.list(phone_number="5550123")[0].sid, number.sid)
        self.assertEqual(self.numbers.mobile.list(), [])
        self.assert_refused(400, 21422, self.make)
        self.assertTrue(number.delete())
        self.assert_refused(404, 20404, number.fetch)
        self.assert_refused(404, 20404, number.delete)

    def test_a_number_of_the_configuration(self):
        (number,) = self.numbers.list(phone_number=world.CONFIGURED_NUMBER)
        self.assertEqual(number.fetch().voice_url, f"{WORLD.web}/configured")
        for call in (lambda: number.update(friendly_name="x"), number.delete):
            with self.assertRaises(TwilioRestException) as caught:
                call()
            self.assertEqual(caught.exception.status, 409)
            self.assertIn("configuration", caught.exception.msg)

    def test_another_account(self):
        number = self.make()
        other = self.sdk(world.BULK_ACCOUNT, world.BULK_TOKEN)
        self.assert_refused(404, 20404, other.incoming_phone_numbers(number.sid).fetch)
        self.assert_refused(
            404, 20404, other.api.accounts(world.ACCOUNT).incoming_phone_numbers(number.sid).fetch
        )

    def test_an_application(self):
        application = self.client.applications.create(
            friendly_name="main", voice_url=f"{WORLD.web}/application"
        )
        number = self.make(
            voice_url=f"{WORLD.web}/voice", voice_application_sid=application.sid
        )
        self.assertEqual(WORLD.resolve(number.phone_number), "SOURCE_PRIMARY POST /application")
        application.update(voice_method="GET")
        self.assertEqual(WORLD.resolve(number.phone_number), "SOURCE_PRIMARY GET /application")
        (found,) = self.client.applications.list(friendly_name="main")
        self.assertEqual(found.sid, application.sid)
        self.assertTrue(application.delete())
        self.assert_refused(404, 20404, application.fetch)
        self.assertEqual(WORLD.resolve(number.phone_number), "SOURCE_PRIMARY POST /voice")


class NodeTest(unittest.TestCase):
    def test_the_same(self):
        done = subprocess.run(
            ["node", "--test", HERE / "numbers.js"],
            env=WORLD.environment(os.environ["UNDERSTUDY_NODE_MODULES"]),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
