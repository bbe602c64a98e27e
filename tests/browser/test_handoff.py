"""handoff.js, by itself in a real browser: the three patterns, what it refuses, the clock, and other tabs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from playwright.sync_api import Error as BrowserError

from tests.browser.looks import again_until

pytestmark = [pytest.mark.browser]
SCRIPT = (Path(__file__).resolve().parents[2] / "static" / "shop" / "handoff.js").read_text()
LAUNCH, CHECKOUT = "http://launch.test", "http://shop.test"


@pytest.fixture
def context(page: Page) -> Iterator[BrowserContext]:
    """Two sites that have the script, an admission API that gives out a code, and a shop's server that claims."""
    found = page.context

    def site(route: Route) -> None:
        url = route.request.url
        if url.endswith("/handoffs"):
            found.sent = json.loads(route.request.post_data or "{}")  # type: ignore[attr-defined]
            route.fulfill(json={"code": "code-1", "expires_at": "2026-01-01T00:01:00Z"})
        elif url.endswith("/claim"):
            body = json.loads(route.request.post_data or "{}")
            found.claimed = [*getattr(found, "claimed", []), body]  # type: ignore[attr-defined]
            route.fulfill(json=claim_answer())
        else:
            route.fulfill(content_type="text/html", body=f"<!doctype html><title>t</title><script>{SCRIPT}</script>")

    found.route("**/*", site)
    yield found


def claim_answer(left: str = "00:10:00") -> dict[str, Any]:
    return {
        "valid": True,
        "admission_id": "a-1",
        "server_time": "2026-01-01T00:00:00Z",
        "expires_at": f"2026-01-01T{left}Z",
    }


RESUME = "() => { window.h = Offerkeep.handoff(); return h.resume({claim: '/claim'}); }"
START = """([checkout, pattern]) => Offerkeep.handoff({api: '/admission/v1', key: 'pk', consumer: 'c'})
    .start({token: 'adm1.secret', checkout, pattern})"""


def test_a20_the_module_carries_a_code_to_another_origin(page: Page, context: BrowserContext) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(LAUNCH)
    page.evaluate(START, [f"{CHECKOUT}/checkout?cart=7", "module"])
    page.wait_for_url(f"{CHECKOUT}/checkout?cart=7&admission=code-1")
    assert page.evaluate(RESUME)["valid"] is True
    assert page.url == f"{CHECKOUT}/checkout?cart=7"
    assert context.sent["return_url"] == f"{CHECKOUT}/checkout?cart=7"  # type: ignore[attr-defined]
    assert context.claimed == [{"code": "code-1"}]  # type: ignore[attr-defined]
    assert not [url for url in asked if "adm1.secret" in url]
    page.reload()
    page.evaluate(RESUME)
    assert context.claimed == [{"code": "code-1"}, {}]  # type: ignore[attr-defined]


def test_a19_session_storage_stays_in_its_tab_and_is_cleared_by_the_claim(page: Page, context: BrowserContext) -> None:
    page.goto(LAUNCH)
    page.evaluate(START, [f"{LAUNCH}/checkout", "session_storage"])
    page.wait_for_url(f"{LAUNCH}/checkout")
    assert page.evaluate("sessionStorage.getItem('offerkeep.admission')") == "adm1.secret"
    other = context.new_page()
    other.goto(f"{LAUNCH}/checkout")
    assert other.evaluate("sessionStorage.length") == 0
    page.evaluate(RESUME)
    assert context.claimed == [{"token": "adm1.secret"}]  # type: ignore[attr-defined]
    assert page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize(
    ("checkout", "pattern"),
    [
        ("javascript:alert(1)", "module"),
        ("data:text/html,x", "module"),
        ("http://user:pass@shop.test/", "module"),
        (f"{CHECKOUT}/checkout", "session_storage"),
    ],
)
def test_it_goes_nowhere_it_should_not(page: Page, context: BrowserContext, checkout: str, pattern: str) -> None:
    page.goto(LAUNCH)
    with pytest.raises(BrowserError):
        page.evaluate(START, [checkout, pattern])
    assert page.url == f"{LAUNCH}/"
    assert not hasattr(context, "sent")


def test_a29_it_asks_again_and_never_says_no_for_want_of_an_answer(page: Page, context: BrowserContext) -> None:
    page.goto(CHECKOUT)
    tries: list[str] = []

    def flaky(route: Route) -> None:
        tries.append(route.request.url)
        cut_off = {"status": 200, "content_type": "application/json", "body": '{"val'}
        route.fulfill(**cut_off) if len(tries) < 3 else route.fulfill(json=claim_answer())  # type: ignore[arg-type]

    context.route("**/claim", flaky)
    seen = page.evaluate(
        """() => { window.said = []; return Offerkeep.handoff()
        .resume({claim: '/claim', onChecking: (on) => window.said.push(on)})
        .then((answer) => ({answer, said: window.said})); }"""
    )
    assert seen["answer"]["valid"] is True
    assert seen["said"] == [True, True, False]


def test_a33_the_clock_counts_by_the_server_says_the_marks_and_ends_at_nothing(page: Page) -> None:
    page.clock.install(time="2001-01-01T00:00:00Z")
    page.route(
        "**/*", lambda route: route.fulfill(content_type="text/html", body=f"<title>t</title><script>{SCRIPT}</script>")
    )
    page.goto(LAUNCH)
    page.clock.pause_at("2001-01-01T06:00:00Z")  # from here on time passes only as this test says
    page.evaluate(
        """() => { window.seen = []; window.c = Offerkeep.countdown((tick) => window.seen.push(tick));
        c.set({server_time: '2001-01-01T00:00:00Z', expires_at: '2001-01-01T00:02:02Z'}); }"""
    )
    page.clock.run_for(1_500)
    assert page.evaluate("seen.at(-1).text") == "2:00"
    page.clock.run_for(130_000)
    seen = page.evaluate("seen")
    assert [tick["announce"] for tick in seen if tick["announce"]] == [
        "2 minutes left",
        "1 minute left",
        "30 seconds left",
        "Your time is up",
    ]
    assert seen[-1]["text"] == "0:00" and seen[-1]["over"] and len(seen) == 124
    assert min(tick["secondsLeft"] for tick in seen) == 0


def test_an_answer_that_comes_after_the_end_does_not_start_the_clock_again(page: Page, context: BrowserContext) -> None:
    page.clock.install(time="2001-01-01T00:00:00Z")
    asked: list[Route] = []
    context.route("**/status", lambda route: asked.append(route))  # answered below, once the time is up
    page.goto(CHECKOUT)
    page.clock.pause_at("2001-01-01T06:00:00Z")
    page.evaluate(
        """() => { window.seen = []; window.answers = [];
        const h = Offerkeep.handoff();
        h.know({admission_id: 'a-1', server_time: '2026-01-01T00:00:00Z', expires_at: '2026-01-01T00:01:00Z'});
        window.clock = h.onExpiring((tick) => { window.seen.push(tick.text); if (tick.over) h.complete('expired'); },
            {sync: '/status', onAnswer: (answer) => window.answers.push(answer)});
        clock.again(); }"""
    )
    again_until(page, lambda: None, lambda: bool(asked))
    page.clock.run_for(61_000)
    assert page.evaluate("seen.at(-1)") == "0:00"
    with page.expect_response("**/status"):
        asked[0].fulfill(json=claim_answer())
    page.clock.run_for(5_000)
    assert page.evaluate("[seen.at(-1), clock.left(), answers.length]") == ["0:00", None, 0]


def test_another_tab_hears_that_it_is_done(page: Page, context: BrowserContext) -> None:
    other = context.new_page()
    for one in (page, other):
        one.goto(CHECKOUT)
        one.evaluate(RESUME)
    other.evaluate("() => { window.ended = ''; h.onEnded(({kind}) => { window.ended = kind; }); }")
    page.evaluate("h.complete()")
    other.wait_for_function("window.ended === 'completed'")
    expect(other).to_have_title("t")
