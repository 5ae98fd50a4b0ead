# SPDX-License-Identifier: Apache-2.0
"""Judge the settings of a service before it would refuse them when it starts."""

from importlib import import_module

from pydantic import BaseModel, ValidationError

from beast_ops.cards import Card
from beast_ops.errors import CardError, SettingsError
from beast_ops.settings import explain


def judge_settings(card: Card) -> Card:
    """Return *card* with the settings its service reads, typed as that service wants them.

    What was set with `--extra-vars name=value` arrives as text, whatever it means.

    Raises:
        CardError: If there is no such model.
        SettingsError: If the service would refuse them when it starts.
    """
    if card.judge is None or "settings.json" not in card.config:
        return card
    module, _, name = card.judge.partition(":")
    try:
        model: type[BaseModel] = getattr(import_module(module), name)
        typed = model.model_validate(card.config["settings.json"], strict=False)
    except (ImportError, AttributeError) as missing:
        raise CardError(f"no model {card.judge}", subject=f"card of {card.name}") from missing
    except ValidationError as wrong:
        raise SettingsError(
            explain(wrong),
            subject=f"settings of {card.name}",
            hint=f"What may be set is in roles/{card.role}/defaults/main.yml.",
        ) from wrong
    content = typed.model_dump(mode="json", exclude_unset=True)
    return card.model_copy(update={"config": {**card.config, "settings.json": content}})
