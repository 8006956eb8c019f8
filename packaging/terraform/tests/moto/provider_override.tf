# tests/run copies this and moto.tf beside an example before it applies it: whatever the environment says, only the stand-in at
# var.moto is spoken to, with keys that are none.

provider "aws" {
  access_key = "AKIAIOSFODNN7EXAMPLE"
  secret_key = "not-a-secret"

  # moto answers 500 to what it lacks, and 25 attempts, the default, take many minutes. Not 1: now and then moto
  # closes a connection too early, which only another attempt mends.
  max_retries = 3

  endpoints {
    iam = var.moto
    sts = var.moto
  }
}
