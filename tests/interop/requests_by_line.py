"""How the programs of this folder are asked: a line of JSON {"do": ..., arguments} on standard input, an answer of one
line {"result": ...} or {"error": ...} on standard output. They end with their input."""

import json
import os
import sys
import traceback
from collections.abc import Callable


def serve(*functions: Callable) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    by_name = {function.__name__: function for function in functions}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": by_name[request.pop("do")](**request)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        print(json.dumps(answer, default=str), file=answers, flush=True)
