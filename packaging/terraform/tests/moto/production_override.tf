# The same for the second account of examples/cross-account. moto keeps accounts apart by the assumed role.

provider "aws" {
  alias       = "production"
  access_key  = "AKIAIOSFODNN7EXAMPLE"
  secret_key  = "not-a-secret"
  max_retries = 3

  endpoints {
    iam = var.moto
    sts = var.moto
  }
}
