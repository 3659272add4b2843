-- Puts rows of a chain where they were: what is known of the whole, of their accounts, and those that are in no page.
-- Rows that are there already are passed over, so that a second run does no harm.
--
-- KEYS[1]  `<chain>books`
-- ARGV     the prefix of the chain's keys, that of what was moved aside, the prefix of scratch keys, the chain's name among
--          them, `1` where the rows are in no page, the moment from which on rows may be looked for, then of each row:
--          place, moment, account, number, evidence, currency (or empty), amount, the account's posted and held
--          balance after it, line
-- Answer   `done` as `<length>:<bytes>`.

local PAGE_ROWS = 128 -- as in pages.rs
local chain, old, scratch, name, is_open, since = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1', tonumber(ARGV[6])
local rows = tonumber(redis.call('HGET', KEYS[1], 'rows') or '0')
for place = 7, #ARGV, 10 do
  local seq, at, account, number = ARGV[place], ARGV[place + 1], ARGV[place + 2], tonumber(ARGV[place + 3])
  local evidence, currency, line = ARGV[place + 4], ARGV[place + 5], ARGV[place + 9]
  if tonumber(seq) > rows then
    local key = chain .. 'b:' .. account
    local paged = redis.call('HGET', scratch .. 'paged:' .. name, account) or '0'
    redis.call('HSET', key, 'rows', ARGV[place + 3], 'paged', paged)
    if currency ~= '' then
      redis.call('HSET', key, 'currency', currency, 'posted', ARGV[place + 7], 'held', ARGV[place + 8])
      redis.call('HINCRBY', chain .. 'trial', currency, ARGV[place + 6])
      redis.call('HINCRBY', chain .. 'trial', currency .. ':legs', 1)
      redis.call('SADD', scratch .. 'posted', evidence)
    elseif tonumber(at) >= since then
      redis.call('HINCRBY', scratch .. 'noted', redis.sha1hex(evidence), 1)
    end
    if number == 1 then
      redis.call('ZADD', chain .. 'accounts', 0, account)
    end
    if number > tonumber(paged) then
      local id = ARGV[place + 3] .. '-0'
      local own = redis.call('XRANGE', old .. 'j:' .. account, id, id)[1]
      own = own and own[2][2]
      -- What is personal stands among the account's own rows only, and never again where those were shredded once.
      if not own or redis.call('HEXISTS', key, 'generation') == 1 or string.match(own, '^[^\t]*') ~= line then
        own = line
      end
      redis.call('XADD', chain .. 'j:' .. account, id, 'r', own)
      if number % PAGE_ROWS == 0 then
        redis.call('SADD', chain .. 'full', account)
      end
    end
    if is_open then
      redis.call('XADD', chain .. 'journal', seq .. '-0', 'r', line)
    end
    rows = tonumber(seq)
    redis.call('HSET', KEYS[1], 'rows', seq, 'at', at)
  end
end
return '4:done'
