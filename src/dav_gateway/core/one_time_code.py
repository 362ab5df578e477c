"""Time-based one-time codes (TOTP, RFC 6238), as authenticator apps make them: SHA-1, six digits, steps of 30 seconds.

Apps ignore other numbers in the URI (Google Authenticator's do), so there are no others. A code is accepted in its own
step and one before or after (section 5.2), and never again once its step, or a later one, has been used.
"""

import base64
import hmac
import unicodedata
from dataclasses import dataclass

import pyotp

from dav_gateway.core.moment import DAY, MINUTE, SECOND, Moment

SECRET_LENGTH = 20
"""RFC 4226 section 4, R6: 160 bits are recommended."""

DIGITS = 6
STEP = 30 * SECOND
WINDOW = 1

FREE_FAILURES = 5
_LONGEST_DELAY = 5 * MINUTE
_FORGOTTEN_AFTER = DAY
_LARGEST_EXPONENT = 20


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is shown once while a person sets up an authenticator app; it does not print."""

    text: str
    uri: str

    def __repr__(self) -> str:
        return "Enrolment(...)"


def enrolment(secret: bytes, *, account: str, issuer: str) -> Enrolment:
    """The secret as text to type, in groups of four, and as the `otpauth:` URI of the QR code."""
    text = _base32(secret)
    # The label is read up to its first colon: a colon in the company's name would move the border.
    named = issuer.replace(":", " ").strip() or "dav-gateway"
    uri = pyotp.TOTP(text, name=account, issuer=named).provisioning_uri()
    return Enrolment(" ".join(text[start : start + 4] for start in range(0, len(text), 4)), uri)


def digits_of(typed: str) -> str | None:
    """The six ASCII digits of what a person typed, spaces and dashes ignored; None when it cannot be a code."""
    if len(typed) > 4 * DIGITS:
        return None
    digits = "".join(each for each in typed if not each.isspace() and unicodedata.category(each) != "Pd")
    return digits if len(digits) == DIGITS and digits.isascii() and digits.isdigit() else None


def step_of(now: Moment) -> int:
    """The number of the step in which `now` lies."""
    return now // STEP


def matching_step(secret: bytes, digits: str, now: Moment, last_step: int) -> int | None:
    """The step, later than `last_step` and at most one away from now, of which `digits` is the code; else None."""
    generator = pyotp.TOTP(_base32(secret))
    found = None
    # Every step of the window is compared: how long it takes tells nothing.
    for step in range(step_of(now) - WINDOW, step_of(now) + WINDOW + 1):
        right = hmac.compare_digest(generator.generate_otp(max(step, 0)), digits)
        if right and step > last_step and found is None:
            found = step
    return found


def wait(failures: int, failed_at: Moment | None, now: Moment) -> int:
    """Milliseconds until the next code is looked at, after so many wrong ones, the last at `failed_at`.

    The first five cost nothing; then the delay doubles from a second up to five minutes and stays there: the account
    is never locked, and whoever knows the main password gets under 300 guesses a day at a million codes. A clock that
    was set back counts as no time passed, and the delay is never longer than it was.
    """
    if failed_at is None or failures < FREE_FAILURES:
        return 0
    delay = min(_LONGEST_DELAY, SECOND << min(failures - FREE_FAILURES, _LARGEST_EXPONENT))
    return max(0, min(delay, failed_at + delay - now))


def remembered(failures: int, failed_at: Moment | None, now: Moment) -> int:
    """How many failures still count: none a day after the last one."""
    return 0 if failed_at is None or now - failed_at >= _FORGOTTEN_AFTER else failures


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode("ascii").rstrip("=")
