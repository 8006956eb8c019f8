terraform {
  # 1.9: a variable's validation may look at other variables.
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 5.72: the *_exclusive resources of the module above.
      version = ">= 5.72, < 7.0"
    }
  }
}
