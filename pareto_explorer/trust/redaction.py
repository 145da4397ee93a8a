"""Addresses without what must be told to nobody."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from urllib.parse import unquote_plus

__all__ = ["has_secrets", "redacted", "redacted_command"]

HIDDEN = "***"

_SECRET = re.compile(r"pass|pwd|secret|token|key|cred|auth|signature|^sig$", re.IGNORECASE)
_ASSIGNED = re.compile(r"(pass\w*|pwd|secret\w*|token|\w*key)\s*=", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://")
_USER = r"(?<=://)[^/?#@:\s]*:{any}*@"  # a password may hold anything that should be quoted
_PARAMETER = r"(?<=[?&;])([^?=&;\s]*)=({value}*)"
_IN_TEXT = re.compile(_USER.format(any=r"\S")), re.compile(_PARAMETER.format(value=r"[^&\s'\"]"))
_WHOLE = re.compile(_USER.format(any=r"[\s\S]")), re.compile(_PARAMETER.format(value="[^&]"))


def redacted(text: str) -> str:
    """An address, or a text with addresses in it, without their secrets.

    User and password go, and the values of parameters that are a password, a key or a token.

    >>> redacted("mysql://me:secret@host/db?charset=utf8&ssl_key=x")
    'mysql://host/db?charset=utf8&ssl_key=***'
    """
    user, parameter = _WHOLE if _ADDRESS.match(text) else _IN_TEXT
    return parameter.sub(_parameter, user.sub("", text))


def redacted_command(words: Iterable[str]) -> str:
    """A command line to be recorded, quoted for a POSIX shell, without secrets."""
    return shlex.join(map(_word, words))


def has_secrets(address: str) -> bool:
    """Whether an address holds something that ``redacted`` leaves out."""
    return redacted(address) != address


def _word(word: str) -> str:
    option, equals, value = word.partition("=")
    return f"{option}={redacted(value)}" if equals and "://" not in option else redacted(word)


def _parameter(found: re.Match[str]) -> str:
    name, value = unquote_plus(found[1]), unquote_plus(found[2])
    hidden = _SECRET.search(name) or _ASSIGNED.search(value)
    return f"{found[1]}={HIDDEN}" if hidden and found[2] != HIDDEN else found[0]
