#!/bin/sh
# Prints the secrets of a new system as Kubernetes manifests, each value random, each printed once and kept nowhere:
#
#     sh infra/k8s/make-secrets.sh | kubectl create --namespace spindrift -f -
#
# `create`, not `apply`: an existing secret is never replaced by accident. Add --sandbox for the local overlay. To use
# keys that a provider gave you, set ACQUIRER_KEY, MAIL_KEY, STRIPE_KEY, STRIPE_NOTICE_SECRETS, POSTMARK_TOKEN,
# TWILIO_TOKEN and PROVIDER_NOTICE_PASSWORD in the environment.
set -eu

users_file="$(dirname "$0")/../redis/users.acl"
redis="redis.spindrift.svc.cluster.local:6379"
sandbox=no
[ "${1-}" = "--sandbox" ] && sandbox=yes

# 32 random bytes as base64url without padding: an Ed25519 seed, an HMAC key, a password.
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

digest() {
  if command -v sha256sum > /dev/null; then printf %s "$1" | sha256sum; else printf %s "$1" | shasum -a 256; fi | cut -d ' ' -f 1
}

# secret NAME KEY VALUE [KEY VALUE]…: base64, so that no value can break out of the manifest.
secret() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  labels:\n    app.kubernetes.io/part-of: spindrift\ntype: Opaque\ndata:\n' "$1"
  shift
  while [ $# -gt 0 ]; do
    printf '  %s: "%s"\n' "$1" "$(printf %s "$2" | base64 | tr -d '\n')"
    shift 2
  done
}

# The rules are those of the developer's machine; of each password only the digest reaches the server.
rules="$(cat "$users_file")"
for user in $(sed -n 's/^user \([a-z-]*\) on .*/\1/p' "$users_file"); do
  password="$(random)"
  eval "password_$(printf %s "$user" | tr - _)=\$password"
  rules="$(printf '%s\n' "$rules" | sed "s/^\(user $user on \)>[^ ]*/\1#$(digest "$password")/")"
done

# bodies SERVICE DATABASE: where the service's key-value store lies. Keep bodies apart from Redis where losing both at
# once must be impossible: README.md.
bodies() {
  eval "body_password=\$password_$1_bodies"
  printf '[key_value_store.%s]\ntype = "redis"\nurl = "redis://%s-bodies:%s@%s/%s"\n' "$1" "$1" "$body_password" "$redis" "$2"
}

service_token_key="$(random)"
acquirer_key="${ACQUIRER_KEY:-$(random)}"
mail_key="${MAIL_KEY:-$(random)}"

secret redis-users users.acl "$rules
"
secret pulse password "$password_pulse"
secret operator password "$password_operator"
secret users \
  users_redis_url "redis://users:$password_users@$redis" \
  users_worker_trigger_url "redis://users:$password_users@$redis/15" \
  token_signing_keys "$(random) $(random)" \
  refresh_token_key "$(random)" \
  email_index_key "$(random)" \
  credential_key "$(random)" \
  service_token_key "$service_token_key"
secret users-runtime-config runtime-config.toml "$(bodies users 1)"
secret payments \
  payments_redis_url "redis://payments:$password_payments@$redis" \
  payments_worker_trigger_url "redis://payments:$password_payments@$redis/16" \
  acquirer_key "$acquirer_key" \
  stripe_key "${STRIPE_KEY:-}" \
  stripe_notice_secrets "${STRIPE_NOTICE_SECRETS:-}" \
  service_token_key "$service_token_key"
secret payments-runtime-config runtime-config.toml "$(bodies payments 2)"
secret notifications \
  notifications_redis_url "redis://notifications:$password_notifications@$redis" \
  notifications_worker_trigger_url "redis://notifications:$password_notifications@$redis/17" \
  mail_key "$mail_key" \
  postmark_token "${POSTMARK_TOKEN:-}" \
  twilio_token "${TWILIO_TOKEN:-}" \
  provider_notice_password "${PROVIDER_NOTICE_PASSWORD:-$(random)}" \
  notifications_key "$(random)" \
  service_token_key "$service_token_key"
secret notifications-runtime-config runtime-config.toml "$(bodies notifications 3)"
secret queries \
  queries_redis_url "redis://queries:$password_queries@$redis" \
  queries_worker_trigger_url "redis://queries:$password_queries@$redis/18" \
  service_token_key "$service_token_key"
secret queries-runtime-config runtime-config.toml "$(bodies queries 4)"
secret webhooks \
  webhooks_redis_url "redis://webhooks:$password_webhooks@$redis" \
  webhooks_worker_trigger_url "redis://webhooks:$password_webhooks@$redis/20" \
  webhook_secret_key "$(random)" \
  service_token_key "$service_token_key"
secret webhooks-runtime-config runtime-config.toml "$(bodies webhooks 7)"
# The worker reaches any public host. What its URLs resolve to is judged here, after the resolution: every network that is
# not public is blocked, but 10.0.0.0/8, where most clusters have Redis and their services; that one is closed by
# network-policies.yaml. Where your cluster's networks lie elsewhere, take theirs out and put 10.0.0.0/8 in.
blocked="0.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24
  192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 ::/8 64:ff9b::/96 64:ff9b:1::/48
  100::/64 2001::/23 2001:db8::/32 2002::/16 fc00::/7 fe80::/10 ff00::/8"
secret webhooks-worker-runtime-config runtime-config.toml "$(bodies webhooks 7)

[outbound_networking]
block_networks = [$(printf '"%s", ' $blocked)]
"
secret operations \
  operations_redis_url "redis://operations:$password_operations@$redis" \
  operations_worker_trigger_url "redis://operations:$password_operations@$redis/21" \
  service_token_key "$service_token_key"
secret operations-runtime-config runtime-config.toml "$(bodies operations 6)"
secret gateway \
  gateway_redis_url "redis://gateway:$password_gateway@$redis" \
  service_token_key "$service_token_key" \
  metrics_token "$(random)"
secret gateway-runtime-config runtime-config.toml "# The gateway keeps nothing; the file must be there.
"
if [ "$sandbox" = yes ]; then
  secret sandbox \
    sandbox_redis_url "redis://sandbox:$password_sandbox@$redis" \
    sandbox_worker_trigger_url "redis://sandbox:$password_sandbox@$redis/19" \
    acquirer_key "$acquirer_key" \
    mail_key "$mail_key"
  secret sandbox-runtime-config runtime-config.toml "$(bodies sandbox 5)"
fi
