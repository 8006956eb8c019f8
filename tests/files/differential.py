"""What botocore reads from each pair of files given on stdin; `null` where it refuses them.

The path of an empty credentials file may be left out. One JSON document on stdout."""
import json
import os
import sys

import botocore.exceptions
import botocore.session


def read(config, credentials):
    os.environ["AWS_CONFIG_FILE"] = config
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = credentials
    try:
        read = botocore.session.Session().full_config
    except botocore.exceptions.ConfigParseError:
        return None
    return {kind: read.get(kind, {}) for kind in ("profiles", "sso_sessions", "services")}


json.dump({"botocore": botocore.__version__, "read": [read(*pair) for pair in json.load(sys.stdin)]}, sys.stdout)
