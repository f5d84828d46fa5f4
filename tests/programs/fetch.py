"""A Python client: fetch.py none|default PORT CA. Prints what the server answers."""
import socket
import ssl
import sys

mode, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca)
if mode == "none":
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
with socket.create_connection(("127.0.0.1", port)) as plain:
    with context.wrap_socket(plain, server_hostname="localhost") as secure:
        secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while True:
            part = secure.recv(4096)
            if not part:
                break
            sys.stdout.write(part.decode())
