"""Where an OpenAI-compatible server is, how to be let in, and which models it says it has."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from synthcpt.backends.openai_errors import Endpoint
from synthcpt.errors import BackendUnavailable, near_match

if TYPE_CHECKING:
    from yarl import URL

    from synthcpt.backends.openai import OpenAIOptions

OPENAI_URL = "https://api.openai.com/v1"
NO_KEY = "EMPTY"
"""What is sent as the key to a server that needs none, by the custom of local servers."""

_CONTEXT_FIELDS = ("max_model_len", "context_length", "context_window")
_OWNERS_THAT_LIST_ALL = {"vllm", "sglang", "llamacpp", "library"}  # "library" is Ollama
_PREFIX_CACHING_OWNERS = {"vllm", "sglang"}
_NAMED_MODELS = 20


class Access(NamedTuple):
    """How to reach a server.

    Attributes:
        chat_url, completions_url, models_url: what is asked.
        headers: sent with every request; they hold the key.
        endpoint: the same for people, with the secrets to keep out of messages.
        is_openai: it is OpenAI's own server.
        use_proxy: the proxy variables of the environment apply.
    """

    chat_url: URL
    completions_url: URL
    models_url: URL
    headers: Mapping[str, str]
    endpoint: Endpoint
    is_openai: bool
    use_proxy: bool

    def __repr__(self) -> str:
        return f"Access({self.endpoint.shown})"  # never the headers


class Model(NamedTuple):
    """What a server's list says of one model.

    Attributes:
        name: as it is to be asked for; empty where it is unknown.
        context_tokens: the longest prompt + answer, or None.
        prefix_cache: the server is of a kind that keeps shared prefixes.
    """

    name: str
    context_tokens: int | None = None
    prefix_cache: bool = False


def resolve(options: OpenAIOptions) -> Access:
    """Read the address and the key from the options and the environment.

    Raises:
        BackendUnavailable: the address is none, or a key is missing or cannot be sent.
    """
    base = _base_url(options.base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI_URL)
    host = base.host or ""
    is_openai = host == "api.openai.com" or host.endswith(".api.openai.com")
    key = _secret(options.api_key_env)
    if not key and is_openai:
        raise BackendUnavailable(
            f"{host} needs a key: set the environment variable {options.api_key_env}, "
            f"or set base_url to a server of your own."
        )
    headers = {name: _secret(variable) for name, variable in options.header_env.items()}
    missing = [options.header_env[name] for name, value in headers.items() if not value]
    if missing:
        raise BackendUnavailable(f"Set the environment variable {missing[0]}: header_env takes a header from it.")
    secrets = tuple(secret for secret in (key, *headers.values()) if secret and secret != NO_KEY)
    if options.organization:
        headers["OpenAI-Organization"] = options.organization
    headers = {"Authorization": f"Bearer {key or NO_KEY}", **headers}
    endpoint = Endpoint(str(base.with_query(None)), options.api_key_env, secrets)
    return Access(
        chat_url=(base / "chat" / "completions").with_query(base.query),
        completions_url=(base / "completions").with_query(base.query),
        models_url=(base / "models").with_query(base.query),
        headers=headers,
        endpoint=endpoint,
        is_openai=is_openai,
        use_proxy=not _is_loopback(host),
    )


def _base_url(text: str) -> URL:
    from yarl import URL

    try:
        url = URL(text.strip().rstrip("/").removesuffix("/chat/completions").rstrip("/"))
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise BackendUnavailable("base_url must be an address such as http://localhost:8000/v1.")
    if url.user or url.password:
        raise BackendUnavailable("base_url must not hold a user or password; a key belongs in the environment.")
    return url


def _secret(variable: str) -> str:
    """A variable's value, fit for a header; empty where it is unset."""
    value = os.environ.get(variable, "").strip()
    if not (value.isascii() and value.isprintable()):
        raise BackendUnavailable(
            f"The value of {variable} cannot be sent in a header: it holds characters other than printable ASCII."
        )
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def choose_model(wanted: str, payload: Any, is_openai: bool) -> Model | None:
    """The wanted model's entry in a server's list; where none is wanted, the only one.

    A server whose list is known to be complete must have the wanted model. Others list only part of what they
    serve (aliases, deployments), so there a name that is not listed passes.

    Raises:
        BackendUnavailable: no model of that name; or none is wanted, and there are none or several.
    """
    entries = _entries(payload)
    if not wanted:
        if len(entries) == 1:
            return _model(*next(iter(entries.items())))
        raise BackendUnavailable(f"Say which model to ask for, with the option 'model'. {_listing(entries)}".strip())
    for name in (wanted, f"{wanted}:latest", f"models/{wanted}"):  # as Ollama and Google list them
        if name in entries:
            return _model(name, entries[name])._replace(name=wanted)
    complete = is_openai or any(_lists_all(entry) for entry in entries.values())
    if complete:
        raise BackendUnavailable(f"The server has no model {wanted!r}. {near_match(wanted, entries)}".strip())
    return None


def _entries(payload: Any) -> dict[str, Mapping[str, Any]]:
    data = payload.get("data") if isinstance(payload, dict) else None
    entries = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    return {entry["id"]: entry for entry in entries if isinstance(entry.get("id"), str)}


def _lists_all(entry: Mapping[str, Any]) -> bool:
    owner = entry.get("owned_by")
    return "max_model_len" in entry or (isinstance(owner, str) and owner in _OWNERS_THAT_LIST_ALL)


def _model(name: str, entry: Mapping[str, Any]) -> Model:
    sizes = [entry.get(field) for field in _CONTEXT_FIELDS]
    context = next((size for size in sizes if isinstance(size, int) and not isinstance(size, bool) and size > 0), None)
    owner = entry.get("owned_by")
    return Model(name, context, isinstance(owner, str) and owner in _PREFIX_CACHING_OWNERS)


def _listing(entries: Mapping[str, Any]) -> str:
    names = sorted(entries)
    more = f" and {len(names) - _NAMED_MODELS} more" if len(names) > _NAMED_MODELS else ""
    return "The server has " + ", ".join(names[:_NAMED_MODELS]) + more + "." if names else ""
