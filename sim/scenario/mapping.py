"""Mappings of the scenario file: what all of the schema's models share."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator

# A tag of a union is not a field; no key of a file can hold this character.
TAG = "\0"


class Fields(BaseModel):
    """A mapping of the file; unknown fields are problems."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _note_model(cls, data: object, info: ValidationInfo) -> object:
        """Note which model reads which mapping, so that a misspelt field finds its neighbours."""
        if info.context is not None:
            info.context[id(data)] = cls
        if not isinstance(data, dict):
            raise ValueError("needs a mapping, such as {field: value}")
        return data


def given(fields: Fields, *names: str) -> list[str]:
    """Return which of the fields the file gives."""
    return [name for name in names if name in fields.model_fields_set]


def none_or_fields(value: object) -> str:
    """Return the tag of a value that is a word, such as `none`, or a mapping."""
    return f"{TAG}none" if isinstance(value, str) else f"{TAG}fields"


def one_of(*names: str) -> Any:
    """Return the JSON Schema rule that exactly one of the fields is there."""
    return {"oneOf": [{"required": [name]} for name in names]}
