"""Random programs keep every bit of their meaning through every pass, verify, and settle."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from pass_programs import assert_same_meaning
from random_programs import programs

from irc.dialects.builtin import Module
from irc.passes.manager import run_pipeline

PIPELINES = [
    "canonicalize",
    "cse",
    "dce",
    "fold",
    "inline",
    "layout",
    "canonicalize,cse,dce,canonicalize,cse,dce",
    "inline,canonicalize,cse,fold,dce,layout,canonicalize,cse,dce",
]
quiet = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("pipeline", PIPELINES)
@quiet
@given(module=programs())
def test_meaning_is_kept(pipeline: str, module: Module) -> None:
    after = run_pipeline(module, pipeline)
    after.verify()
    assert_same_meaning(module, after)


@pytest.mark.parametrize("pipeline", ["canonicalize,cse,dce", "inline", "fold"])
@quiet
@given(module=programs())
def test_passes_settle(pipeline: str, module: Module) -> None:
    for _ in range(6):
        before, module = module, run_pipeline(module, pipeline)
        if module is before:
            return
    raise AssertionError(f"{pipeline} still changes the program:\n{module}")
