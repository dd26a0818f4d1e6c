"""A TLS 1.2 client that shows one certificate, then another on the same connection, by renegotiation.

usage: renegotiating-peer.py PORT REQUESTS FIRST.pem SECOND.pem

Sends REQUESTS requests as the first, renegotiates, and sends one more as the second. Prints the status
of each answer, `cut off` where there is none. A second of `-` renegotiates without a certificate.

Nothing else at hand can do this: Python's own ssl module has no renegotiation, Node's client cannot
change its certificate, `openssl s_client` neither. It needs libssl.so.3 and Python, no headers.
"""

import ctypes
import ctypes.util
import socket
import sys

ssl = ctypes.CDLL(ctypes.util.find_library("ssl") or "libssl.so.3")
for function in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
    getattr(ssl, function).restype = ctypes.c_void_p
for function in ("SSL_CTX_new", "SSL_new", "SSL_connect", "SSL_renegotiate", "SSL_do_handshake",
                 "SSL_certs_clear"):
    getattr(ssl, function).argtypes = [ctypes.c_void_p]
ssl.SSL_ctrl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_char_p]
ssl.SSL_set_fd.argtypes = [ctypes.c_void_p, ctypes.c_int]
ssl.SSL_use_certificate_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
ssl.SSL_use_PrivateKey_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
ssl.SSL_write.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
ssl.SSL_read.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]

PEM = 1
SET_TLSEXT_HOSTNAME = 55
SET_MAX_PROTO_VERSION = 124
TLS1_2_VERSION = 0x0303


def show(connection, pem):
    ssl.SSL_certs_clear(connection)
    if pem == "-":
        return
    assert ssl.SSL_use_certificate_file(connection, pem.encode(), PEM) == 1, pem
    assert ssl.SSL_use_PrivateKey_file(connection, pem.encode(), PEM) == 1, pem


def status(connection):
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = b""
    if ssl.SSL_write(connection, request, len(request)) > 0:
        buffer = ctypes.create_string_buffer(65536)
        length = ssl.SSL_read(connection, buffer, len(buffer))
        answer = buffer.raw[: max(length, 0)]
    return answer.split(b" ")[1].decode() if answer.startswith(b"HTTP/1.1 ") else "cut off"


def main(port, requests, first, second):
    context = ssl.SSL_CTX_new(ssl.TLS_client_method())
    connection = ssl.SSL_new(context)
    ssl.SSL_ctrl(connection, SET_MAX_PROTO_VERSION, TLS1_2_VERSION, None)
    ssl.SSL_ctrl(connection, SET_TLSEXT_HOSTNAME, 0, b"localhost")
    show(connection, first)
    with socket.create_connection(("127.0.0.1", int(port))) as raw:
        ssl.SSL_set_fd(connection, raw.fileno())
        assert ssl.SSL_connect(connection) == 1, "no handshake"
        for _ in range(int(requests)):
            print(status(connection))
        show(connection, second)
        ssl.SSL_renegotiate(connection)
        print(status(connection) if ssl.SSL_do_handshake(connection) == 1 else "cut off")


main(*sys.argv[1:])
