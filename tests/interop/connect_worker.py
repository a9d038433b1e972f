"""Tidemill with a Spark Connect server as its engine: connect_worker.py SCHEDULER."""

import sys

from requests_by_line import serve
from tidemill_calls import call_method


def tidemill(file: str, names: dict, method: str, arguments: list, keywords: dict):
    return call_method(file, names, method, arguments, keywords, sys.argv[1])


serve(tidemill)
