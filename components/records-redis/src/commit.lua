-- Commits one change: everything is checked first, then everything becomes true. One partition, one hash tag.
--
-- KEYS[1]  the head, `{<context>/<partition>}:h:<record>`
-- ARGV     a flat list, read in order by `next_argument`; see `commit.rs`, which writes it.
-- Answer   fields, each as `<length>:<bytes>`; the first is the outcome's name.
--
-- Amounts are decimal strings below 2^53, so that Lua's doubles hold them exactly; they leave through %.0f, because
-- `tostring` would round to 14 digits.

local EXACT = 9007199254740991 -- 2^53 - 1
local HALF = 67108864 -- 2^26
local BODY_AGE_MS = 3600000
local ONCE_KEPT_MS = 604800000
local BELL_KEPT_MS = 5000

local head_key = KEYS[1]
local prefix = next_argument() -- `{<context>/<partition>}:`
local layout = next_argument() -- `<epoch>/<partitions>`
local seen_commit = tonumber(next_argument()) -- the highest commit number that the caller ever saw
local context = next_argument()
local record = next_argument()
local expected = next_argument() -- `<version> <uuid>` of the head, or empty to create
local version = next_argument() -- `<epoch>.<n>`
local uuid = next_argument()
local tombstone = next_argument() -- ` x` or empty
local keep_previous = next_argument() -- `1` or empty

-- 1. The data: made, of the layout that the caller believes, and not behind what was acknowledged.
local state = redis.call('MGET', prefix .. 'epoch', prefix .. 'frozen', prefix .. 'commits', head_key)
local commits = tonumber(state[3] or '0')
if not state[1] or string.sub(state[1], 1, 8) == 'creating' then
  return answer('uninitialised', state[1] or '')
end
if state[2] then
  return answer('frozen', whole(commits), state[2])
end
if commits < seen_commit then
  -- An answer with a higher number was given out: this Redis has lost it. Nobody commits until it is rebuilt.
  redis.call('SET', prefix .. 'frozen', whole(seen_commit))
  return answer('frozen', whole(commits), whole(seen_commit))
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- Ends without a commit: nobody will name this body, so the cleaner may take it. Not where history is kept: this may be
-- the repetition of a call whose answer was lost and which others have committed upon since, and then the body is history.
-- A true loser stays behind there until a rebuild finds it. `.lost` tells the cleaner that it was no state of the record.
local function lose(...)
  if keep_previous == '' then
    redis.call('ZADD', prefix .. 'garbage', now, context .. ':' .. record .. ':' .. version .. '.' .. uuid .. '.lost')
  end
  return answer(...)
end

if state[1] ~= layout then
  return lose('layout', state[1])
end

-- 2. A lost answer: the head names this very body, so an earlier run of this call did all of it. The number given is
-- the present one, not smaller than the commit's own: as a consistency token it waits for a little more.
local head = state[4]
local found_version, found_uuid, found_mark
if head then
  found_version, found_uuid, found_mark = string.match(head, '^(%d+%.%d+) (%S+)( ?%l?)$')
end
if found_uuid == uuid then
  return answer('committed', whole(commits))
end

-- 3. The age of the body: a writer that slept must not commit what a cleaner may have taken.
local written = tonumber(string.sub(uuid, 1, 8) .. string.sub(uuid, 10, 13), 16)
if now - written > BODY_AGE_MS then
  return lose('stale')
end

-- 4. The once-row: `B <fingerprint> <attempt> <until>` while under way, `D <fingerprint> <status> <body>` when done.
local once = next_argument() -- its digest, or empty
local fingerprint, once_step, attempt, lease_ms, answered
if once ~= '' then
  fingerprint = next_argument()
  once_step = next_argument() -- `begin` or `finish`
  attempt = next_argument() -- empty where the change is the only step
  lease_ms = tonumber(next_argument())
  answered = next_argument() -- `<status> <body>`
  local row = redis.call('GET', prefix .. 'o:' .. once)
  if row then
    if string.sub(row, 3, 66) ~= fingerprint then
      return lose('mismatch')
    end
    if string.sub(row, 1, 1) == 'D' then
      return lose('replay', string.sub(row, 68))
    end
    local holder, lease_ends = string.match(row, '^(%S*) (%d+)$', 68)
    if holder ~= attempt and tonumber(lease_ends) > now then
      return lose('in-flight', whole(tonumber(lease_ends) - now))
    end
  end
end

-- 5. The version: the decision was made on what the head still names.
local matches
if expected == '' then
  matches = not head
else
  matches = head and (found_version .. ' ' .. found_uuid) == expected
end
if not matches then
  return lose('conflict', found_version or '')
end

-- 6. The postings: exact range leg by leg, floors at the end, each currency summing to zero.
local legs = {}
local balances = {} -- by account: currency, posted, held, rows
local sums = {} -- by currency: two halves, so that no sum on the way leaves the exact range
for leg = 1, tonumber(next_argument()) do
  local account, currency = next_argument(), next_argument()
  local posted_text, held_text, floor = next_argument(), next_argument(), tonumber(next_argument())
  local posted, held = tonumber(posted_text), tonumber(held_text)
  local balance = balances[account]
  if not balance then
    local row = redis.call('HMGET', prefix .. 'b:' .. account, 'currency', 'posted', 'held', 'rows')
    balance = {
      known = row[1], currency = row[1] or currency, posted = tonumber(row[2] or '0'), held = tonumber(row[3] or '0'),
      rows = tonumber(row[4] or '0'),
    }
    balances[account] = balance
  end
  if balance.currency ~= currency then
    return lose('currency', account, balance.currency)
  end
  balance.posted = balance.posted + posted
  balance.held = balance.held + held
  if math.abs(balance.posted) > EXACT or math.abs(balance.held) > EXACT then
    return lose('out-of-range', account)
  end
  local sum = sums[currency]
  if not sum then
    sum = { high = 0, low = 0, legs = 0 }
    sums[currency] = sum
  end
  local high = math.floor(posted / HALF)
  sum.high = sum.high + high
  sum.low = sum.low + (posted - high * HALF)
  sum.legs = sum.legs + 1
  legs[leg] = {
    account = account, currency = currency, posted = posted_text, held = held_text, floor = floor,
    after_posted = balance.posted, after_held = balance.held,
  }
end
for _, leg in ipairs(legs) do
  local balance = balances[leg.account]
  if leg.floor and balance.posted - balance.held < leg.floor then
    return lose('floor', leg.account, whole(balance.posted), whole(balance.held), whole(leg.floor))
  end
end
for currency, sum in pairs(sums) do
  if sum.high * HALF + sum.low ~= 0 then
    -- The caller has checked it already with exact integers; this guards the journal against any other caller.
    return lose('unbalanced', currency, whole(sum.high * HALF + sum.low))
  end
end

-- From here on nothing is refused: all of it becomes true at this instant.
commits = redis.call('INCR', prefix .. 'commits')
redis.call('SET', head_key, version .. ' ' .. uuid .. tombstone)

if #legs > 0 then
  -- One line a leg, in the journal and among the account's own rows. The moment of posting never goes back, so that
  -- rows in the order of posting are in the order of time too.
  local books = redis.call('HMGET', prefix .. 'books', 'rows', 'at')
  local rows, at = tonumber(books[1] or '0'), whole(math.max(now, tonumber(books[2] or '0')))
  local cause = record .. ' ' .. version .. ' ' .. uuid
  for place, leg in ipairs(legs) do
    local balance = balances[leg.account]
    rows, balance.rows = rows + 1, balance.rows + 1
    local line = string.format('%.0f %.0f %.0f %s %s %.0f %s %s %s %.0f %.0f %s', rows, commits, place - 1, at,
      leg.account, balance.rows, leg.currency, leg.posted, leg.held, leg.after_posted, leg.after_held, cause)
    append(prefix, rows, line, leg.account, balance.rows, line)
  end
  redis.call('HSET', prefix .. 'books', 'rows', whole(rows), 'at', at)
  for currency, sum in pairs(sums) do
    redis.call('HINCRBY', prefix .. 'trial', currency, whole(sum.high * HALF + sum.low))
    redis.call('HINCRBY', prefix .. 'trial', currency .. ':legs', sum.legs)
  end
end
for account, balance in pairs(balances) do
  redis.call('HSET', prefix .. 'b:' .. account, 'currency', balance.currency,
    'posted', whole(balance.posted), 'held', whole(balance.held), 'rows', whole(balance.rows))
  if not balance.known then
    redis.call('ZADD', prefix .. 'accounts', 0, account)
  end
end

if once ~= '' then
  local row
  if once_step == 'begin' then
    row = 'B ' .. fingerprint .. ' ' .. attempt .. ' ' .. whole(now + lease_ms)
  else
    row = 'D ' .. fingerprint .. ' ' .. answered
  end
  redis.call('SET', prefix .. 'o:' .. once, row, 'PX', ONCE_KEPT_MS)
end

local events = tonumber(next_argument())
for _ = 1, events do
  redis.call('XADD', prefix .. 'events', '*', 'e', next_argument())
end
if events > 0 then
  -- One ring a group until its worker has read: the flag is cleared by the read that finds the stream empty.
  for _, group in ipairs(redis.call('SMEMBERS', prefix .. 'groups')) do
    if redis.call('SET', prefix .. 'rung:' .. group, '1', 'PX', BELL_KEPT_MS, 'NX') then
      redis.call('PUBLISH', 'bell:' .. group, 'bell')
    end
  end
end

for _ = 1, tonumber(next_argument()) do
  local step, index, member = next_argument(), next_argument(), next_argument() .. '\0' .. record
  if step == 'put' then
    redis.call('ZADD', prefix .. 'i:' .. index, 0, member)
    redis.call('HSET', prefix .. 's:' .. index, member, next_argument())
  else
    redis.call('ZREM', prefix .. 'i:' .. index, member)
    redis.call('HDEL', prefix .. 's:' .. index, member)
  end
end

append_trail(prefix, commits, now, tonumber(next_argument()))

for _ = 1, tonumber(next_argument()) do
  local step, timer = next_argument(), next_argument() .. '@' .. record
  if step == 'set' then
    redis.call('ZADD', prefix .. 'timers', next_argument(), timer)
  else
    redis.call('ZREM', prefix .. 'timers', timer)
  end
end

if head and keep_previous == '' then
  redis.call('ZADD', prefix .. 'garbage', now, context .. ':' .. record .. ':' .. found_version .. '.' .. found_uuid)
end
return answer('committed', whole(commits))
