"""What botocore reads from each pair of files (config, credentials) that the JSON list on stdin names; `null` where it
refuses one of them. One JSON document on stdout."""
import json
import os
import sys

import botocore.exceptions
import botocore.session


session = botocore.session.Session()


def read(config, credentials):
    os.environ["AWS_CONFIG_FILE"] = config
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = credentials
    try:
        session._config = None  # a new session would say the same, ten times as slowly
        read = session.full_config
    except botocore.exceptions.ConfigParseError:
        return None
    return {kind: read.get(kind, {}) for kind in ("profiles", "sso_sessions", "services")}


json.dump({"botocore": botocore.__version__, "read": [read(*pair) for pair in json.load(sys.stdin)]}, sys.stdout)
