"""What a method is, how one is found, and what methods share."""

from synthcpt.methods.discovery import Method, load_method, method_names
from synthcpt.methods.passages import Passage, in_smaller_passages, room_tokens, split_to_fit
from synthcpt.methods.protocol import Answer, Ask, Context, CorpusSurvey, MethodOptions
from synthcpt.methods.quota import until_quota
from synthcpt.methods.rows import GateOptions, Rows

__all__ = [
    "Answer",
    "Ask",
    "Context",
    "CorpusSurvey",
    "GateOptions",
    "Method",
    "MethodOptions",
    "Passage",
    "Rows",
    "in_smaller_passages",
    "load_method",
    "method_names",
    "room_tokens",
    "split_to_fit",
    "until_quota",
]
