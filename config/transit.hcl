# What a hub's token may do at OpenBao or Vault (policy of the transit engine): make, use and delete the keys of its own roots, and nothing else.
# "lcjp-root" is the setting root_prefix; give every hub that shares the service another one.
path "transit/keys/lcjp-root-*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "transit/encrypt/lcjp-root-*" {
  capabilities = ["update"]
}
path "transit/decrypt/lcjp-root-*" {
  capabilities = ["update"]
}
