"""What the clients send: the same call to everybody, as gRPC has it and as a form."""

import urllib.parse

ACCOUNT_SID = "AC00000000000000000000000000000001"

# What Twilio sends with an incoming call; ten of them.
PARAMETERS = {
    "AccountSid": ACCOUNT_SID,
    "ApiVersion": "2010-04-01",
    "CallSid": "CA0123456789abcdef0123456789abcdef",
    "CallStatus": "ringing",
    "Called": "+14155550199",
    "Caller": "+14155550100",
    "Direction": "inbound",
    "From": "+14155550100",
    "FromCountry": "US",
    "To": "+14155550199",
}

KIND_VOICE = 1


def varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def text_field(number: int, value: str | bytes) -> bytes:
    """A string, bytes or message field, as protobuf encodes it."""
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def resolve_request(phone_number: str) -> bytes:
    """A ResolveTwiMLRequest (protos/understudy/router/v1) for a call to one of the numbers."""
    return (
        text_field(1, ACCOUNT_SID)
        + varint(2 << 3)
        + varint(KIND_VOICE)
        + text_field(3, phone_number)
        + b"".join(
            text_field(5, text_field(1, name) + text_field(2, value))
            for name, value in PARAMETERS.items()
        )
    )


def grpc_frame(message: bytes) -> bytes:
    """A message as it goes over HTTP/2: not compressed, its length in four bytes."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def form() -> bytes:
    return urllib.parse.urlencode(PARAMETERS).encode()
