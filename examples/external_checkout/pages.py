"""The external shop's pages: plain HTML that posts forms; the scripts are Offerkeep's, copied."""

from html import escape

from examples.external_checkout.shop import Look

NAME = "North Street Records"
CARDS = "Demo: 4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined."
_OUTCOMES = {
    "expired": (
        "!",
        "bad",
        "Your time is up",
        "Your place and what was kept for you went to the next in line. Nothing was charged.",
    ),
    "released": ("–", "", "You gave up your place", "The next in line comes in. Nothing was charged."),
    "refused": (
        "×",
        "bad",
        "You are not admitted",
        "This checkout is open to those whose turn it is. Get in line to come in.",
    ),
    "refunded": (
        "!",
        "bad",
        "Your order did not go through",
        "Your time had run out before we were done. Your money goes straight back.",
    ),
}
_REASONS = {
    "bound_elsewhere": "This place is already used in another browser.",
    "completed": "An order was already placed with this admission.",
    "revoked": "This admission was withdrawn.",
}


def page(seen: Look, *, item: str, price: str, currency: str, back: str, parent_origin: str) -> str:
    """Return the page for what the visitor gets to see."""
    if seen.page == "form":
        return _frame("Checkout", _form(seen, item, price, currency, back), _attributes(seen, parent_origin), wide=True)
    if seen.page == "checking":
        body = (
            '<h1>Checkout</h1><p class="note warn" role="status">We are checking your place… '
            "It is kept; this page asks again by itself.</p>"
        )
        return _frame("Checking", body, f'data-parent-origin="{escape(parent_origin)}"', refresh=True)
    outcome = {"confirmed": "completed", "released": "released", "expired": "expired"}.get(seen.page, "refused")
    attributes = (
        f'data-outcome="{outcome}" data-admission="{escape(seen.admission_id)}" data-order="{escape(seen.order_id)}" '
        f'data-parent-origin="{escape(parent_origin)}"'
    )
    if seen.page == "confirmed":
        body = (
            '<section class="card" role="status"><div class="sign good" aria-hidden="true">✓</div>'
            "<h1>Order confirmed</h1>"
            f"<p>Order number: <strong>{escape(seen.order_id)}</strong></p>"
            f'<p class="lead">{escape(item)}, {escape(price)} {escape(currency)}. Thank you for waiting in line.</p>'
            f'<p><a class="button quiet" href="{escape(back)}">Back to the launch</a></p></section>'
        )
        return _frame("Order confirmed", body, attributes)
    sign, tone, title, words = _OUTCOMES[seen.page]
    words = _REASONS.get(seen.reason, words)
    body = (
        f'<section class="card" role="status"><div class="sign {tone}" aria-hidden="true">{sign}</div><h1>{title}</h1>'
        f'<p>{words}</p><p><a class="button" href="{escape(back)}">Back to the launch</a></p></section>'
    )
    return _frame(title, body, attributes)


def _attributes(seen: Look, parent_origin: str) -> str:
    facts = {
        "admission": seen.admission_id,
        "expires-at": seen.expires_at,
        "server-time": seen.server_time,
        "status": "/checkout/status",
        "after": "/checkout",
        "parent-origin": parent_origin,
    }
    return " ".join(["data-checkout", *(f'data-{name}="{escape(value)}"' for name, value in facts.items())])


def _form(seen: Look, item: str, price: str, currency: str, back: str) -> str:
    alert = f'<p class="note bad" role="alert">{escape(seen.alert)}</p>' if seen.alert else ""
    return f"""
<h1>Checkout</h1>
<p class="lead">{escape(item)}</p>
<p class="sr" role="status" aria-live="polite" data-say></p>
<p class="note warn" data-checking hidden>Checking your place… Your form is kept.</p>
<div class="note bad" data-over hidden><strong>Your time is up</strong><br>Nothing was charged.
  <a href="{escape(back)}">Back to the launch</a></div>
{alert}
<div class="grid">
<form class="card" method="post" action="/checkout/pay" data-pay novalidate>
  {_field(seen, "name", "Name", "name", keep=True)}
  {_field(seen, "email", "Email", "email", kind="email", keep=True)}
  {_field(seen, "card", "Card number", "cc-number", hint=CARDS)}
  <div class="clock" data-clock-box><span>Time left</span>
    <span role="timer" aria-label="Time left" data-clock>–:––</span></div>
  <button>Pay {escape(price)}</button>
</form>
<aside class="card">
  <h2>Your order</h2>
  <table class="lines"><tr><th scope="row">{escape(item)}</th><td>{escape(price)}</td></tr>
  <tr><th scope="row">Total</th><td>{escape(price)} {escape(currency)}</td></tr></table>
  <form method="post" action="/checkout/give-up" data-give-up><button class="quiet">Give up my place</button></form>
</aside>
</div>"""


def _field(
    seen: Look, name: str, label: str, fill: str, *, kind: str = "text", hint: str = "", keep: bool = False
) -> str:
    wrong = seen.wrong.get(name, "")
    told = f'<p class="wrong" id="{name}-wrong">{escape(wrong)}</p>' if wrong else ""
    more = f'<p class="hint" id="{name}-hint">{escape(hint)}</p>' if hint else ""
    about = " ".join([f"{name}-wrong"] * bool(wrong) + [f"{name}-hint"] * bool(hint))
    marks = (' aria-invalid="true"' if wrong else "") + (f' aria-describedby="{about}"' if about else "")
    numeric = ' inputmode="numeric"' if name == "card" else ""
    return (
        f'<div class="field"><label for="{name}">{label}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" autocomplete="{fill}"'
        f' value="{escape(seen.fields.get(name, ""))}"'
        f"{numeric}{marks}{' data-keep' if keep else ''}>{told}{more}</div>"
    )


def _frame(title: str, body: str, attributes: str, *, wide: bool = False, refresh: bool = False) -> str:
    again = '<meta http-equiv="refresh" content="5">' if refresh else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
{again}
<title>{escape(title)} · {NAME}</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/checkout.css">
<link rel="stylesheet" href="/static/external.css"></head>
<body><header class="bar"><div>
<span class="mark" aria-hidden="true"></span><b>{NAME}</b><span class="safe">Demo checkout</span></div></header>
<main {'class="wide" ' if wide else ""}{attributes}>{body}</main>
<footer>A shop of its own, on another origin. It knows Offerkeep only by its REST calls.</footer>
<script src="/static/handoff.js"></script><script src="/static/checkout.js"></script></body></html>
"""
