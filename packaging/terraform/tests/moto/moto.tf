# Not in the override file: that can only change what is declared elsewhere.
variable "moto" {
  description = "URL of the moto server."
  type        = string
}
