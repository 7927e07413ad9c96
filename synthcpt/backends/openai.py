"""Any OpenAI-compatible server: vLLM, SGLang, Ollama, llama.cpp, hosted ones.

It speaks aiohttp and orjson directly, which costs a tenth of the host time of the openai package, and contacts
nothing but the host of `base_url`. Proxy variables of the environment count, except for servers on this machine.
"""

from __future__ import annotations

import logging
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import orjson
from pydantic import ConfigDict, Field, field_validator

from synthcpt.backends.base import BackendOptions, Capabilities
from synthcpt.backends.openai_dialect import Dialect, Dialects
from synthcpt.backends.openai_endpoint import Access, Model, choose_model, resolve
from synthcpt.backends.openai_errors import error_for, read_complaint
from synthcpt.backends.openai_wire import decode_answer, decode_text, encode_request, encode_text
from synthcpt.errors import BackendError, BackendUnavailable, TransientError
from synthcpt.records import Completion, Json, Request, Sampling

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aiohttp
    from yarl import URL

GREETING_TIMEOUT_S = 5.0
# Servers on uvicorn drop a connection idle for 5 s; one that we drop first is never written to too late.
KEEP_ALIVE_S = 4.0
_REFUSALS = (400, 422)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = {"messages", "model", "n", "stream"}

_log = logging.getLogger(__name__)

_MOST_ANSWER_BYTES = 64 << 20


class OpenAIOptions(BackendOptions):
    """The settings of the ``openai`` backend.

    Attributes:
        model: as the server names it; empty takes the only one it has.
        base_url: where the API starts; empty takes OPENAI_BASE_URL, then OpenAI's own server.
        api_key_env: the environment variable that holds the key. The key itself is never stored.
        organization: OpenAI's organization id.
        header_env: further headers, each with the environment variable that holds its value.
        timeout_s: the longest one attempt may take, in seconds.
        connect_timeout_s: of it, the longest for opening a connection.
        concurrency: how many requests to keep under way.
        thinking: ``on`` leaves a reasoning model as the server has it; ``auto`` and ``off`` switch thinking off
            on servers that have a switch. Thoughts are stripped from the text in any case.
        json_mode: how an answer is held to a schema; ``auto`` takes the strictest way the server knows.
        extra_body: fields to add to each request, over our own.
    """

    # A key pasted where a variable's name belongs must not come back in the complaint about it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    SHAPING = frozenset({"thinking", "extra_body"})

    base_url: str = ""
    api_key_env: str = "OPENAI_API_KEY"
    organization: str = ""
    header_env: dict[str, str] = Field(default_factory=dict)
    timeout_s: float = Field(default=600.0, gt=0)
    connect_timeout_s: float = Field(default=10.0, gt=0)
    concurrency: int = Field(default=256, ge=1)
    thinking: Literal["auto", "on", "off"] = "auto"
    json_mode: Literal["auto", "json_schema", "json_object", "none"] = "auto"
    extra_body: dict[str, Json] = Field(default_factory=dict)

    @field_validator("api_key_env")
    @classmethod
    def _names_a_variable(cls, value: str) -> str:
        if not _VARIABLE.fullmatch(value):
            raise ValueError("api_key_env is the name of an environment variable, not the key itself")
        return value

    @field_validator("header_env")
    @classmethod
    def _name_variables(cls, value: dict[str, str]) -> dict[str, str]:
        if not all(_VARIABLE.fullmatch(variable) for variable in value.values()):
            raise ValueError("header_env maps headers to names of environment variables, not to their values")
        return value

    @field_validator("extra_body")
    @classmethod
    def _leaves_ours_alone(cls, value: dict[str, Json]) -> dict[str, Json]:
        if _OURS & value.keys():
            raise ValueError(f"extra_body cannot set {', '.join(sorted(_OURS & value.keys()))}")
        return value


class Reply(NamedTuple):
    """One HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class OpenAIBackend:
    """Completions from an OpenAI-compatible server, one attempt a call."""

    name: ClassVar[str] = "openai"
    Options: ClassVar[type[BackendOptions]] = OpenAIOptions

    def __init__(self, options: OpenAIOptions) -> None:
        self._options = options
        self._model = Model(options.model)
        self._access: Access | None = None
        self._session: aiohttp.ClientSession | None = None
        self._dialects = Dialects(False, "max_tokens", options.json_mode)

    @property
    def model(self) -> str:
        """The model asked for; where the options leave it out, known once `start` has returned."""
        return self._model.name

    @property
    def capabilities(self) -> Capabilities:
        """`schema` is true until the server refuses to hold answers to one."""
        return Capabilities(
            schema=self._dialects.schema,
            context_tokens=self._model.context_tokens,
            concurrency=self._options.concurrency,
            prefix_cache=self._model.prefix_cache,
        )

    async def start(self) -> None:
        """Open the session and ask the server for its models.

        Raises:
            BackendUnavailable: nobody answers, the key is missing or refused, or the model is not there.
        """
        await self.close()
        access = resolve(self._options)
        self._access = access
        self._session = self._open_session(access)
        self._dialects = Dialects(
            # OpenAI's own server refuses fields it does not know, and has had the new name the longest.
            thinking_switch=not access.is_openai and self._options.thinking != "on" and not self._sets_template(),
            limit_field="max_completion_tokens" if access.is_openai else "max_tokens",
            json_mode=self._options.json_mode,
        )
        try:
            self._model = await self._greet(access)
        except BaseException:
            await self.close()
            raise

    def _sets_template(self) -> bool:
        return "chat_template_kwargs" in self._options.extra_body

    def _open_session(self, access: Access) -> aiohttp.ClientSession:
        import aiohttp

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=300),
            timeout=aiohttp.ClientTimeout(total=self._options.timeout_s, sock_connect=self._options.connect_timeout_s),
            headers={
                **access.headers,
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"synthcpt/{version('synthcpt')}",
            },
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=access.use_proxy,
        )

    async def _greet(self, access: Access) -> Model:
        """Find the model in the server's list, or take it on trust where there is no list."""
        reply = await self._list_models(access)
        wanted = self._options.model
        if reply is not None and reply.status == 401:
            raise error_for(read_complaint(401, reply.body), reply.headers, access.endpoint, wanted)
        payload = _json_or_none(reply.body) if reply is not None and reply.status == 200 else None
        if payload is None and wanted:
            return Model(wanted, prefix_cache=access.is_openai)
        found = choose_model(wanted, payload, access.is_openai)
        if found is None:
            _log.warning("%s does not list the model %r; asking for it all the same.", access.endpoint.shown, wanted)
            return Model(wanted)
        return found._replace(prefix_cache=found.prefix_cache or access.is_openai)

    async def _list_models(self, access: Access) -> Reply | None:
        """The answer to GET /models; None where somebody is there but gives none."""
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=GREETING_TIMEOUT_S, sock_connect=GREETING_TIMEOUT_S - 1)
        try:
            async with self._live().get(access.models_url, timeout=timeout, allow_redirects=False) as response:
                return Reply(response.status, response.headers, await _body_of(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            why = access.endpoint.quote(str(error)) or "the connection timed out"
        except (TimeoutError, aiohttp.ClientError):
            return None
        raise BackendUnavailable(
            f"Nobody answers at {access.endpoint.shown} ({why}). Start the server, or set base_url (or the "
            f"environment variable OPENAI_BASE_URL) to where it is."
        )

    def _live(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the openai backend has not been started")
        return self._session

    async def complete(self, request: Request) -> Completion:
        """Answer one request, in one attempt; a server that refuses an optional field is asked again without it.

        Raises:
            TransientError, OverloadError, RequestRejected, PromptTooLong, BackendUnavailable: see the errors' tree.
        """
        dialect = self._dialects.best(request)
        reply = await self._post(request, dialect)
        if reply.status in _REFUSALS:
            reply, dialect = await self._negotiate(request, dialect, reply)
        completion = self._read(request, reply)
        self._dialects.accept(request, dialect)
        return completion

    async def _negotiate(self, request: Request, sent: Dialect, refused: Reply) -> tuple[Reply, Dialect]:
        """Ask again in plainer dialects until one is not refused; else the first refusal stands."""
        tried, reply = [sent], refused
        while True:
            dialect = self._dialects.fallback(request, tried, read_complaint(reply.status, reply.body))
            if dialect is None:
                return refused, sent
            reply = await self._post(request, dialect)
            if reply.status not in _REFUSALS:
                return reply, dialect
            tried.append(dialect)

    def _read(self, request: Request, reply: Reply) -> Completion:
        if 200 <= reply.status < 300:
            return decode_answer(reply.body, request, self._reached().endpoint, self.model)
        raise self._refusal(reply)

    def _refusal(self, reply: Reply) -> BackendError:
        complaint = read_complaint(reply.status, reply.body)
        return error_for(complaint, reply.headers, self._reached().endpoint, self.model)

    async def continue_text(self, prompt: str, sampling: Sampling, draw: int = 0) -> Completion:
        """Go on with a text by the server's ``/completions``, in one attempt; see `Continuer`.

        Raises:
            TransientError, OverloadError, RequestRejected, PromptTooLong, BackendUnavailable: see the errors' tree.
        """
        del draw  # the server draws anew each time
        access = self._reached()
        body = encode_text(prompt, sampling, self.model, self._options.extra_body)
        reply = await self._send(access.completions_url, body)
        if 200 <= reply.status < 300:
            return decode_text(reply.body, prompt, access.endpoint, self.model)
        raise self._refusal(reply)

    def _reached(self) -> Access:
        if self._access is None:
            raise RuntimeError("the openai backend has not been started")
        return self._access

    async def _post(self, request: Request, dialect: Dialect) -> Reply:
        body = encode_request(request, self.model, dialect, self._options.extra_body)
        return await self._send(self._reached().chat_url, body)

    async def _send(self, url: URL, body: bytes) -> Reply:
        import aiohttp

        access = self._reached()
        failure: BackendError
        try:
            # A redirect would carry the key to another host.
            async with self._live().post(url, data=body, allow_redirects=False) as response:
                return Reply(response.status, response.headers, await _body_of(response))
        except TimeoutError as error:
            failure = TransientError(f"{access.endpoint.shown} did not answer in time ({type(error).__name__}).")
        except (aiohttp.ClientError, OSError) as error:
            failure = TransientError(f"{access.endpoint.shown} broke off: {_describe(error, access)}")
        # Raised out here so that it does not hold aiohttp's error, whose repr can show the headers and their key.
        raise failure

    async def close(self) -> None:
        """Close the connections; safe to call twice and without `start`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _describe(error: Exception, access: Access) -> str:
    return access.endpoint.quote(f"{type(error).__name__} {error}")


def _json_or_none(body: bytes) -> Json:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


async def _body_of(response: aiohttp.ClientResponse) -> bytes:
    """The answer's bytes.

    Raises:
        TransientError: there are more than any answer has.
    """
    if response.content_length is not None and response.content_length <= _MOST_ANSWER_BYTES:
        return await response.read()
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > _MOST_ANSWER_BYTES:
            raise TransientError(f"The server sent an answer of more than {_MOST_ANSWER_BYTES >> 20} MiB.")
    return bytes(body)
