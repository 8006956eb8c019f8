"""What terraform applied, read with boto3 from moto, and the profiles it wrote, read with botocore.

    check.py before ENDPOINT                    a user with direct admin rights, for the module to take in
    check.py complete ENDPOINT OUTPUTS FOLDER   after examples/complete was applied
    check.py cross-account ENDPOINT OUTPUTS FOLDER
    check.py real ENDPOINT OUTPUTS FOLDER BINARY   the profiles with mfa-run itself, from setup to a role's session
    check.py reattach ENDPOINT                  somebody gives the user the rights back
    check.py after ENDPOINT                     after destroy

OUTPUTS is what `terraform output -json` printed, FOLDER is empty and for scratch. A failed check is an AssertionError.
"""

import configparser
import json
import os
import shlex
import stat
import subprocess
import sys

import boto3
import botocore.credentials
import botocore.session

USERS_ACCOUNT, PRODUCTION = "123456789012", "210987654321"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
# Prints a session and leaves its own arguments where this script can read them.
FAKE = """#!/bin/sh
printf '%s\\n' "$@" > "$0.arguments"
echo '{"Version": 1, "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "not-a-secret", "SessionToken": "token", "Expiration": "2099-01-01T00:00:00Z"}'
"""


def client(service, account=USERS_ACCOUNT):
    endpoint = sys.argv[2]
    keys = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "not-a-secret"}
    if account != USERS_ACCOUNT:
        role = client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/any", RoleSessionName="check")
        c = role["Credentials"]
        keys = {
            "aws_access_key_id": c["AccessKeyId"],
            "aws_secret_access_key": c["SecretAccessKey"],
            "aws_session_token": c["SessionToken"],
        }
    return boto3.client(service, endpoint_url=endpoint, region_name="eu-central-1", **keys)


def before():
    iam = client("iam")
    iam.create_user(UserName="dave")
    iam.attach_user_policy(UserName="dave", PolicyArn=ADMIN)
    iam.put_user_policy(UserName="dave", PolicyName="root-of-all-evil", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))


def reattach():
    client("iam").attach_user_policy(UserName="dave", PolicyArn=ADMIN)


def rights(iam, user):
    attached = [p["PolicyArn"] for p in iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]]
    return attached + iam.list_user_policies(UserName=user)["PolicyNames"]


def groups(iam, user):
    return sorted(g["GroupName"] for g in iam.list_groups_for_user(UserName=user)["Groups"])


def outputs():
    return {k: v["value"] for k, v in json.load(open(sys.argv[3])).items()}


def profiles(text, plain, binary):
    """Both texts as botocore reads them, and the command as botocore runs it."""
    folder = sys.argv[4]
    fake = os.path.join(folder, "mfa-run")
    with open(fake, "w") as f:
        f.write(FAKE)
    os.chmod(fake, stat.S_IRWXU)
    os.environ["PATH"] = folder + os.pathsep + os.environ["PATH"]
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.path.join(folder, "credentials")
    with open(os.environ["AWS_SHARED_CREDENTIALS_FILE"], "w") as f:
        for source in ("default", "initial"):
            f.write(f"[{source}]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = not-a-secret\n")
    seen = 0
    for user in text:
        both = {}
        for kind, body in (("process", text[user]), ("plain", plain[user] if plain else "")):
            path = os.path.join(folder, f"{user}.{kind}")
            with open(path, "w") as f:
                # The fake stands where the text says that the program is.
                f.write(body.replace(f"= {binary} credential-process", "= mfa-run credential-process"))
            os.environ["AWS_CONFIG_FILE"] = path
            names = [n for n in botocore.session.Session().available_profiles if n not in ("default", "initial")]
            both[kind] = names
            for name in names:
                session = botocore.session.Session(profile=name)
                keys = session.get_scoped_config()
                assert not {"role_arn", "credential_process"} <= set(keys), f"{name} has both: {keys}"
                assert keys["region"], keys
                if kind == "plain":
                    assumed(session, keys, user)
                    continue
                got = session.get_credentials().get_frozen_credentials()
                assert got.access_key == "ASIAIOSFODNN7EXAMPLE" and got.token == "token", "credential_process was not run"
                arguments = open(fake + ".arguments").read().split("\n")[:-1]
                assert arguments == shlex.split(keys["credential_process"])[1:], arguments
                assert arguments[0] == "credential-process", arguments
                options = dict(zip(arguments[1::2], arguments[2::2]))
                assert options["--role-session-name"] == user, options
                assert options["--role-arn"].startswith("arn:aws:iam::"), options
                seen += 1
            raw = configparser.RawConfigParser()
            raw.read(path)
            assert len(raw.sections()) == len(names), "botocore skips a section without a word"
        assert not plain or both["process"] == both["plain"], both
    return seen


def assumed(session, keys, user):
    """The plain profile: botocore asks for the code and assumes the role at moto."""
    os.environ["AWS_ENDPOINT_URL_STS"] = sys.argv[2]
    prompts = []
    provider = session.get_component("credential_provider").get_provider("assume-role")
    provider._prompter = lambda prompt: prompts.append(prompt) or "123456"
    access_key = session.get_credentials().get_frozen_credentials().access_key
    assert prompts == [f"Enter MFA code for {keys['mfa_serial']}: "], prompts
    assert access_key.startswith("ASIA"), access_key
    sts = session.create_client("sts", endpoint_url=sys.argv[2])
    name = keys["role_arn"].rsplit("/", 1)[1]
    assert sts.get_caller_identity()["Arn"].endswith(f":assumed-role/{name}/{user}"), sts.get_caller_identity()


def real():
    """Every user's text, put into the config file by `mfa-run setup`, and its profiles as botocore gets them from mfa-run."""
    folder, binary = sys.argv[4:6]
    texts, seen = outputs()["aws_config"], 0
    os.makedirs(os.path.join(folder, "bin"))
    os.symlink(binary, os.path.join(folder, "bin", "mfa-run"))
    for user, text in texts.items():
        if not text:
            continue
        home = os.path.join(folder, user)
        os.makedirs(os.path.join(home, ".aws"))
        for name, body in {
            ".aws/credentials": "".join(
                f"[{source}]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = not-a-secret\n"
                # moto takes any code
                "mfa_process = echo 123456\n" for source in ("default", "initial")),
            "snippet": text.replace("= /usr/local/bin/mfa-run ", "= mfa-run "),
            "key": "a key of the tests: thirty-two b",
        }.items():
            with open(os.path.join(home, name), "w") as f:
                f.write(body)
        os.environ.update({
            "HOME": home, "PATH": os.path.join(folder, "bin") + os.pathsep + os.environ["PATH"],
            "XDG_DATA_HOME": home, "MFA_RUN_KEYCHAIN": "file", "MFA_RUN_KEY_FILE": os.path.join(home, "key"),
            "AWS_ENDPOINT_URL_STS": sys.argv[2], "AWS_ENDPOINT_URL_IAM": sys.argv[2],
            "AWS_CONFIG_FILE": os.path.join(home, ".aws/config"),
            "AWS_SHARED_CREDENTIALS_FILE": os.path.join(home, ".aws/credentials"),
        })
        subprocess.run(["mfa-run", "setup", "--yes", "--snippet", os.path.join(home, "snippet"),
                        "--skip", "key", "--skip", "device", "--skip", "doctor"], check=True)
        names = [n for n in botocore.session.Session().available_profiles if n not in ("default", "initial")]
        assert names, text
        for name in names:
            session = botocore.session.Session(profile=name)
            got = session.get_credentials().get_frozen_credentials()
            assert got.access_key.startswith("ASIA"), f"{name}: not a role's session"
            identity = session.create_client("sts", endpoint_url=sys.argv[2]).get_caller_identity()
            words = shlex.split(session.get_scoped_config()["credential_process"])
            role = words[words.index("--role-arn") + 1].rsplit("/", 1)[1]
            assert identity["Arn"].endswith(f":assumed-role/{role}/{user}"), identity
            seen += 1
    assert seen == 5, seen


def complete():
    iam, out = client("iam"), outputs()
    assert rights(iam, "dave") == [], f"direct rights are left: {rights(iam, 'dave')}"
    assert groups(iam, "alice") == ["initial-admin", "initial-readonly", "initial-users"], groups(iam, "alice")
    assert groups(iam, "bob") == ["initial-billing", "initial-readonly", "initial-users"], groups(iam, "bob")
    assert groups(iam, "carol") == ["initial-users"] and groups(iam, "dave") == ["initial-readonly", "initial-users"]
    durations = {}
    for level, arn in out["role_arns"].items():
        role = iam.get_role(RoleName=arn.rsplit("/", 1)[1])["Role"]
        assert role["Arn"] == arn and role["Path"] == "/people/", role
        durations[level] = role["MaxSessionDuration"]
        tags = {t["Key"]: t["Value"] for t in role["Tags"]}
        assert tags == {"contact": "", "ttl": "infinity", "deployed-by": "terraform"}, tags
        condition = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
        assert condition["Bool"] == {"aws:MultiFactorAuthPresent": "true"}, condition
        assert condition["StringEquals"] == {"sts:RoleSessionName": "${aws:username}"}, condition
    assert durations == {"admin": 14400, "billing": 5400, "readonly": 43200}, durations
    attached = iam.list_attached_role_policies(RoleName="initial-billing")["AttachedPolicies"]
    assert len(attached) == 2, attached
    assert iam.get_account_password_policy()["PasswordPolicy"]["MinimumPasswordLength"] == 16
    assert profiles(out["aws_config"], out["aws_config_plain"], "/usr/local/bin/mfa-run") == 5


def cross_account():
    out = outputs()
    far = client("iam", PRODUCTION).get_role(RoleName="mfa-admin")["Role"]
    assert far["Arn"] == out["role_arns"]["production-admin"] == f"arn:aws:iam::{PRODUCTION}:role/mfa-admin", far
    statement = far["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{USERS_ACCOUNT}:root"}, statement
    assert statement["Condition"]["Bool"] == {"aws:MultiFactorAuthPresent": "true"}, statement
    near = client("iam").get_role(RoleName="mfa-admin")["Role"]
    assert near["Arn"] == out["role_arns"]["admin"] == f"arn:aws:iam::{USERS_ACCOUNT}:role/mfa-admin", near
    assert profiles(out["aws_config"], None, "mfa-run") == 6


def after():
    iam = client("iam")
    assert [u["UserName"] for u in iam.list_users()["Users"]] in ([], ["dave"]), iam.list_users()["Users"]
    for account in (USERS_ACCOUNT, PRODUCTION):
        iam = client("iam", account)
        left = iam.list_roles()["Roles"] + iam.list_groups()["Groups"] + iam.list_policies(Scope="Local")["Policies"]
        assert left == [], left


if __name__ == "__main__":
    {"before": before, "complete": complete, "cross-account": cross_account, "real": real, "reattach": reattach, "after": after}[sys.argv[1]]()
