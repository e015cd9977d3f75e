"""Prints as JSON what Python's email package, which shares no code with ours, makes of mails.

Usage: parse_mail.py FILE...; one object for each file, in a list.
"""
import email
import email.header
import email.policy
import email.utils
import json
import sys


def defects_of(part):
    found = [repr(defect) for defect in part.defects]
    for name, value in part.items():
        found += [f"{name}: {defect!r}" for defect in value.defects]
    return found


def mailboxes(header):
    # By the package's older half: the newer one keeps blanks between the encoded words of a name.
    return [
        [str(email.header.make_header(email.header.decode_header(name))), address]
        for name, address in email.utils.getaddresses([header])
    ]


def describe(path):
    with open(path, "rb") as file:
        source = file.read()
    mail = email.message_from_bytes(source, policy=email.policy.default)
    plain = email.message_from_bytes(source, policy=email.policy.compat32)
    leaves = [part for part in mail.walk() if not part.is_multipart()]
    return {
        "headers": [[name, str(value)] for name, value in mail.items()],
        "type": mail.get_content_type(),
        "from": mailboxes(plain["From"]),
        "to": mailboxes(plain["To"]),
        "date": mail["Date"].datetime.isoformat(),
        "defects": [defect for part in mail.walk() for defect in defects_of(part)],
        "parts": [
            {
                "type": part.get_content_type(),
                "charset": part.get_content_charset(),
                "encoding": part["Content-Transfer-Encoding"],
                "text": part.get_content().replace("\r\n", "\n"),
            }
            for part in leaves
        ],
    }


json.dump([describe(path) for path in sys.argv[1:]], sys.stdout)
