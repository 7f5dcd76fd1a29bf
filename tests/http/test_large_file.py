"""Assets of many gigabytes are sent by the kernel: the server's memory does not grow."""

from vesta import Server, check, check_equal, request_bytes, serve

SIZE = (2 << 30) + 10
END = b"the end!\n\0"


def start() -> Server:
    server = serve(assets={"small": b"x"})
    with open(server.data / "assets" / "sparse", "wb") as f:
        f.seek(SIZE - len(END))
        f.write(END)
    return server


def test_two_gigabytes(server: Server) -> None:
    server.get("/assets/small").want(200)
    before = server.memory("VmRSS")
    with server.connect() as c:
        c.send(request_bytes("/assets/sparse"))
        answer = c.read_head().want(200)
        check_equal(answer.length, SIZE, "Content-Length")
        left, tail = SIZE - len(c.received), c.received[-100:]
        buffer = memoryview(bytearray(1 << 20))
        while left:
            n = c.socket.recv_into(buffer)
            check(n, f"closed with {left} bytes missing")
            left -= n
            tail = (tail + bytes(buffer[max(0, n - 100) : n]))[-100:]
        check_equal(tail[-len(END) :], END, "the last bytes")
    grown = server.memory("VmHWM") - before
    check(grown < 32 << 20, f"the server grew by {grown >> 20} MiB")


def test_ranges_beyond_two_gigabytes(server: Server) -> None:
    for value, first, last in [
        (f"bytes={SIZE - 10}-", SIZE - 10, SIZE - 1),
        ("bytes=-10", SIZE - 10, SIZE - 1),
        (f"bytes={SIZE - 4}-{SIZE + 1000}", SIZE - 4, SIZE - 1),
    ]:
        answer = server.get("/assets/sparse", {"Range": value}).want(206, END[first - last - 1 :])
        want = f"bytes {first}-{last}/{SIZE}"
        check_equal(answer.header("Content-Range"), want, "Content-Range")
    answer = server.get("/assets/sparse", {"Range": f"bytes={SIZE}-"}).want(416)
    check_equal(answer.header("Content-Range"), f"bytes */{SIZE}", "Content-Range")
    across = server.get("/assets/sparse", {"Range": f"bytes={(2 << 30) - 2}-{(2 << 30) + 1}"})
    across.want(206, b"\0\0" + END[:2])
    check_equal(
        server.get("/assets/sparse", method="HEAD").want(200).length, SIZE, "length of HEAD"
    )
