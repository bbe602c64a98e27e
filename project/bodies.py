"""Takes request bodies in before the application's turn, so that a client that sends slowly holds up nobody.

The server's threads are many and only wait for bodies; what they have whole goes to the application's own few threads
(WEB_THREADS, one by default: a second only fights for the interpreter), which keep its database connections.
"""

import io
import itertools
import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any

Start = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], Start], Iterable[bytes]]
AT_ONCE = 64 * 1024


class Call:
    """One request on its way through an application thread."""

    __slots__ = ("answer", "done", "environ", "error", "head")

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.done = threading.Lock()
        self.done.acquire()
        self.head: tuple[Any, ...] = ()
        self.answer: Iterable[bytes] = ()
        self.error: BaseException | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        self.head = (status, headers)


class Turns:
    """A WSGI application that reads bodies where it is called, and answers in `threads` threads of its own.

    A body above `most` is not read: the application refuses it by its length. Nothing of a body is looked at here.
    """

    def __init__(self, application: Wsgi, *, threads: int, most: int) -> None:
        self.application, self.threads, self.most = application, threads, most
        self.waiting: SimpleQueue[Call] = SimpleQueue()
        self.begun = False
        self.beginning = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        if not self.begun:
            self.begin()
        self.take_in(environ)
        call = Call(environ)
        self.waiting.put(call)
        call.done.acquire()
        if call.error is not None:
            raise call.error
        start_response(*call.head)
        return call.answer

    def begin(self) -> None:
        """Start the threads, in the process that serves and not in one that was forked from."""
        with self.beginning:
            if not self.begun:
                for number in range(self.threads):
                    threading.Thread(target=self.work, name=f"application-{number}", daemon=True).start()
                self.begun = True

    def take_in(self, sent: dict[str, Any]) -> None:
        """Replace the stream of a body by what it brought; whoever sends slowly waits here, in his own thread."""
        length = sent.get("CONTENT_LENGTH") or ""
        if length and length != "0":
            fits = length.isdecimal() and len(length) <= 12 and int(length) <= self.most
            sent["wsgi.input"] = io.BytesIO(sent["wsgi.input"].read(int(length)) if fits else b"")
        elif "chunked" in sent.get("HTTP_TRANSFER_ENCODING", ""):
            chunks, left = [], self.most + 1
            while left > 0 and (chunk := sent["wsgi.input"].read(min(left, AT_ONCE))):
                chunks.append(chunk)
                left -= len(chunk)
            sent["wsgi.input"] = io.BytesIO(b"".join(chunks))

    def work(self) -> None:
        while True:
            call = self.waiting.get()
            try:
                call.answer = self.whole(self.application(call.environ, call.start))
            except BaseException as error:  # it belongs to the one who asked, and this thread serves others
                call.error = error
            call.done.release()

    def whole(self, answer: Iterable[bytes]) -> Iterable[bytes]:
        """Return an answer nobody has to come back for: files may be sent from anywhere, what is made may not."""
        if isinstance(answer, list) or hasattr(answer, "file_to_stream"):
            return answer
        try:
            return list(itertools.chain(answer))
        finally:
            if close := getattr(answer, "close", None):
                close()
