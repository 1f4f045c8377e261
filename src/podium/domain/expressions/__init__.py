"""The expression language of search, audit, gates and automations.

One small grammar is read into one tree; a vocabulary says which names the tree may use about a subject. The tree is
evaluated on plain values here, and compiled to SQL by the use cases, with the same result.
"""

from podium.domain.expressions.binding import Expression, read_expression, read_field
from podium.domain.expressions.errors import ExpressionError, mistake
from podium.domain.expressions.evaluation import Lookup, evaluate, like_parts, matches
from podium.domain.expressions.parsing import parse
from podium.domain.expressions.vocabulary import Field, Found, Type, Vocabulary, near_names, written

__all__ = [
    "Expression",
    "ExpressionError",
    "Field",
    "Found",
    "Lookup",
    "Type",
    "Vocabulary",
    "evaluate",
    "like_parts",
    "matches",
    "mistake",
    "near_names",
    "parse",
    "read_expression",
    "read_field",
    "written",
]
