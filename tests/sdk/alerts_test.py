"""Twilio's own SDKs, for Python (here) and Node.js (alerts.js), against a notifier: unmodified but
for the address of the API. UC-3.16."""

import datetime
import os
import pathlib
import subprocess
import unittest

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

import notifier_world

HERE = pathlib.Path(__file__).resolve().parent
MANY = 2500
# Whole seconds, as the API has them; some time ago, so that no clock is ahead of it.
NEWEST_AT = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
NEWEST_AT -= datetime.timedelta(minutes=1)


def setUpModule():
    global WORLD
    WORLD = notifier_world.World(os.environ["UNDERSTUDY_BINARIES"])
    unittest.addModuleCleanup(WORLD.close)
    WORLD.report(notifier_world.events(MANY, NEWEST_AT))
    WORLD.report(
        [notifier_world.event(1, NEWEST_AT, notifier_world.OTHER_ACCOUNT)],
        notifier_world.OTHER_ACCOUNT,
        notifier_world.OTHER_TOKEN,
    )


class PythonTest(unittest.TestCase):
    @staticmethod
    def sdk(account, token):
        client = Client(account, token)
        client.monitor.base_url = WORLD.base_url
        return client.monitor.v1.alerts

    def setUp(self):
        self.alerts = self.sdk(notifier_world.ACCOUNT, notifier_world.TOKEN)

    def test_a_list_of_many_pages(self):
        for page_size in (50, 999, 1000):
            found = self.alerts.list(page_size=page_size)
            self.assertEqual(len(found), MANY)
            self.assertEqual(len({alert.sid for alert in found}), MANY)
            for i, alert in enumerate(found):
                self.assertEqual(alert.date_generated, NEWEST_AT - datetime.timedelta(seconds=i))
        self.assertEqual(len(self.alerts.list(limit=70)), 70)

    def test_filters(self):
        self.assertEqual(len(self.alerts.list(log_level="warning")), MANY // 5)
        self.assertEqual(len(self.alerts.list(log_level="error")), MANY - MANY // 5)
        self.assertEqual(self.alerts.list(log_level="debug"), [])
        start = NEWEST_AT - datetime.timedelta(seconds=1999)
        end = NEWEST_AT - datetime.timedelta(seconds=1000)
        self.assertEqual(len(self.alerts.list(start_date=start)), 2000)
        self.assertEqual(len(self.alerts.list(start_date=start, end_date=end)), 1000)
        found = self.alerts.list(start_date=start, end_date=end, log_level="warning", page_size=70)
        self.assertEqual(len(found), 200)

    def test_one(self):
        (newest,) = self.alerts.list(limit=1)
        alert = self.alerts(newest.sid).fetch()
        for field in ("sid", "account_sid", "alert_text", "error_code", "request_url", "url"):
            self.assertEqual(getattr(alert, field), getattr(newest, field))
        self.assertEqual(alert.account_sid, notifier_world.ACCOUNT)
        self.assertEqual(alert.error_code, "11200")
        self.assertEqual(alert.log_level, "error")
        self.assertEqual(alert.request_method, "POST")
        self.assertEqual(alert.request_url, f"https://www.example.com/voice?n={MANY - 1}")
        self.assertEqual(alert.resource_sid, f"CA{MANY - 1:032x}")
        self.assertEqual(alert.more_info, "https://www.twilio.com/docs/errors/11200")
        self.assertEqual(alert.request_variables, "Digits=%5Bnot+kept%5D&From=%2B14155550100")
        self.assertEqual(alert.response_headers, "Server=nginx")
        self.assertEqual(alert.response_body, "bad gateway")
        self.assertEqual(alert.date_created, NEWEST_AT)

    def test_another_account(self):
        other = self.sdk(notifier_world.OTHER_ACCOUNT, notifier_world.OTHER_TOKEN)
        (theirs,) = other.list()
        with self.assertRaises(TwilioRestException) as caught:
            self.alerts(theirs.sid).fetch()
        self.assertEqual((caught.exception.status, caught.exception.code), (404, 20404))

    def test_a_wrong_password(self):
        stranger = self.sdk(notifier_world.ACCOUNT, "wrong")
        with self.assertRaises(TwilioRestException) as caught:
            stranger("NO" + "0" * 32).fetch()
        self.assertEqual((caught.exception.status, caught.exception.code), (401, 20003))
        with self.assertRaises(TwilioException):  # it has a plainer one for lists
            stranger.list()


class NodeTest(unittest.TestCase):
    def test_the_same(self):
        more = {
            "UNDERSTUDY_MANY": str(MANY),
            "UNDERSTUDY_NEWEST_AT": NEWEST_AT.isoformat(),
        }
        done = subprocess.run(
            ["node", "--test", HERE / "alerts.js"],
            env=WORLD.environment(os.environ["UNDERSTUDY_NODE_MODULES"], more),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
