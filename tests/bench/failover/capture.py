"""Looks at loopback's packets with the kernel's time stamps, where we may: it takes CAP_NET_RAW."""

import contextlib
import dataclasses
import socket
import struct
import threading

_ETH_P_ALL = 3
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_TIMESPEC = struct.Struct("@qq")
_ETHERNET_BYTES = 14
_IPV4 = b"\x08\x00"
_RST = 0x04
_BUFFER_BYTES = 16 << 20
_LOOK_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class Segment:
    """What of a TCP segment is of interest here."""

    at_ns: int
    source_port: int
    target_port: int
    is_reset: bool
    payload_bytes: int


def parse(frame: bytes, at_ns: int) -> Segment | None:
    """The TCP segment of an Ethernet frame; None if it is something else."""
    packet = frame[_ETHERNET_BYTES:]
    if frame[12:14] != _IPV4 or len(packet) < 20 or packet[9] != socket.IPPROTO_TCP:
        return None
    header_bytes = (packet[0] & 0x0F) * 4
    packet_bytes = int.from_bytes(packet[2:4], "big")
    tcp = packet[header_bytes:packet_bytes]
    source_port, target_port = struct.unpack_from("!HH", tcp)
    payload_bytes = len(tcp) - (tcp[12] >> 4) * 4
    return Segment(at_ns, source_port, target_port, bool(tcp[13] & _RST), payload_bytes)


def refused_to_request_ms(segments: list[Segment], refuses: int, fallback: int) -> list[float]:
    """From the first reset of the port that refuses, a retry may follow, to the next bytes that go to
    the fallback's."""
    times = []
    refused_at_ns = None
    for segment in segments:
        if segment.source_port == refuses and segment.is_reset:
            refused_at_ns = refused_at_ns or segment.at_ns
        elif refused_at_ns and segment.target_port == fallback and segment.payload_bytes > 0:
            times.append((segment.at_ns - refused_at_ns) / 1e6)
            refused_at_ns = None
    return times


class Capture:
    """What is sent over loopback while the block lasts. PermissionError where we may not look."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        # Over the system's limit where we may; with less of it, packets are missed on a busy machine.
        for option in (socket.SO_RCVBUF, _SO_RCVBUFFORCE):
            with contextlib.suppress(PermissionError):
                self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        self._socket.settimeout(_LOOK_SECONDS)
        self._socket.bind(("lo", 0))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Capture":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        """Until there is nothing more to be read and the end has been asked for."""
        while True:
            try:
                frame, extra, _, address = self._socket.recvmsg(65536, 64)
            except TimeoutError:
                if self._stopping.is_set():
                    return
                continue
            # Loopback shows each packet as it leaves and as it comes.
            if address[2] != socket.PACKET_OUTGOING:
                continue
            seconds, nanoseconds = _TIMESPEC.unpack(extra[0][2])
            segment = parse(frame, seconds * 1_000_000_000 + nanoseconds)
            if segment is not None:
                self.segments.append(segment)
