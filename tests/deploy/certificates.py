"""Certificates for configurations that name some."""

import subprocess


def make(folder):
    """One for this machine that is its own authority, as the Secrets of the chart have them: tls.crt,
    tls.key and ca.crt."""
    key = folder / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        + [
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=understudy",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ]
        + ["-keyout", key, "-out", folder / "tls.crt"],
        check=True,
        capture_output=True,
    )
    (folder / "ca.crt").write_bytes((folder / "tls.crt").read_bytes())
