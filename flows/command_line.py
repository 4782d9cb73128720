"""Flows from the command line: an option for each parameter, and errors as the other commands have them."""

from __future__ import annotations

import argparse
import inspect
import logging
import sys
from typing import Any

from prefect import Flow
from prefect.exceptions import ParameterBindError, ParameterTypeError

from interdance import workspace
from interdance.errors import InputError


def run_from_the_command_line(flow: Flow[Any, Any]) -> None:
    """Run a flow with ``--<parameter> value``; a parameter that is a list is given again for more.

    Exit code 2 and a sentence for what was refused, 1 for what failed.
    """
    parser = argparse.ArgumentParser(description=flow.description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, parameter in inspect.signature(flow.fn).parameters.items():
        is_needed = parameter.default is inspect.Parameter.empty
        shown = None if is_needed or parameter.default is None else f"[default: {parameter.default}]"
        is_list = "list" in str(parameter.annotation)
        option = f"--{name.replace('_', '-')}"
        if "bool" in str(parameter.annotation):
            parser.add_argument(option, action="store_true", dest=name)
        else:
            action = "append" if is_list else "store"
            parser.add_argument(option, action=action, required=is_needed, help=shown, dest=name)
    given = {name: value for name, value in vars(parser.parse_args()).items() if value not in (None, False)}
    try:
        flow(**given)
    except (InputError, ParameterTypeError, ParameterBindError) as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        raise SystemExit(2) from None
    except workspace.StageError as error:
        logging.getLogger(__name__).error("%s", error)
        raise SystemExit(1) from None
