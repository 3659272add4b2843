-- Does once more what a change did beyond its record, unless it is known to be there: legs, events, rows of the trail.
--
-- KEYS[1]  the list of what is to be done, `<scratch>later`
-- ARGV     read in order by `next_argument`: the prefix, the prefix of scratch keys, the stream (or empty: count only), the
--          name on the list, the body's UUID, when it was written in ms, record and version; then lists, each after its
--          length: account, currency, posted, held; event and envelope; account, digest and text
-- Answer   fields, each as `<length>:<bytes>`: how many legs, events and rows were added.

local prefix, scratch, stream, name = next_argument(), next_argument(), next_argument(), next_argument()
local uuid, written, record, version = next_argument(), tonumber(next_argument()), next_argument(), next_argument()
if redis.call('ZREM', KEYS[1], name) == 0 then
  return answer('0', '0', '0')
end
local commits = redis.call('INCR', prefix .. 'commits')
local posted, told, noted = 0, 0, 0

local books = redis.call('HMGET', prefix .. 'books', 'rows', 'at')
local rows, at = tonumber(books[1] or '0'), whole(math.max(written, tonumber(books[2] or '0')))
local is_posted = redis.call('SISMEMBER', scratch .. 'posted', uuid) == 1
for leg = 1, tonumber(next_argument()) do
  local account, currency, posted_minor, held_minor = next_argument(), next_argument(), next_argument(), next_argument()
  if not is_posted then
    local key = prefix .. 'b:' .. account
    local balance = redis.call('HMGET', key, 'posted', 'held', 'rows')
    local after_posted = whole(tonumber(balance[1] or '0') + tonumber(posted_minor))
    local after_held = whole(tonumber(balance[2] or '0') + tonumber(held_minor))
    local number = tonumber(balance[3] or '0') + 1
    rows = rows + 1
    local line = string.format('%.0f %.0f %.0f %s %s %.0f %s %s %s %s %s %s', rows, commits, leg - 1, at, account, number,
      currency, posted_minor, held_minor, after_posted, after_held, record .. ' ' .. version .. ' ' .. uuid)
    append(prefix, rows, line, account, number, line)
    redis.call('HSET', key, 'currency', currency, 'posted', after_posted, 'held', after_held, 'rows', whole(number))
    redis.call('HINCRBY', prefix .. 'trial', currency, posted_minor)
    redis.call('HINCRBY', prefix .. 'trial', currency .. ':legs', 1)
    if number == 1 then
      redis.call('ZADD', prefix .. 'accounts', 0, account)
    end
    posted = posted + 1
  end
end
if posted > 0 then
  redis.call('HSET', prefix .. 'books', 'rows', whole(rows), 'at', at)
end

for _ = 1, tonumber(next_argument()) do
  local event, envelope = next_argument(), next_argument()
  if redis.call('SADD', scratch .. 'told', event) == 1 then
    if stream ~= '' then
      redis.call('XADD', stream, '*', 'e', envelope)
    end
    told = told + 1
  end
end

local chain = prefix .. 'trail:'
books = redis.call('HMGET', chain .. 'books', 'rows', 'at')
rows, at = tonumber(books[1] or '0'), whole(math.max(written, tonumber(books[2] or '0')))
for place = 1, tonumber(next_argument()) do
  local account, digest, text = next_argument(), next_argument(), next_argument()
  local evidence = redis.sha1hex(account .. ' ' .. digest .. ' ' .. text)
  if tonumber(redis.call('HGET', scratch .. 'noted', evidence) or '0') > 0 then
    redis.call('HINCRBY', scratch .. 'noted', evidence, -1)
  else
    local number = redis.call('HINCRBY', chain .. 'b:' .. account, 'rows', 1)
    rows = rows + 1
    local words = { whole(rows), whole(commits), whole(place - 1), at, account, whole(number), digest, text }
    local line = table.concat(words, ' ')
    append(chain, rows, line, account, number, line)
    if number == 1 then
      redis.call('ZADD', chain .. 'accounts', 0, account)
    end
    noted = noted + 1
  end
end
if noted > 0 then
  redis.call('HSET', chain .. 'books', 'rows', whole(rows), 'at', at)
end
return answer(posted, told, noted)
